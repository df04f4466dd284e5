//! Records that come back: a topic that operators write to, whose place is kept at the brokers.

use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::mpsc;

/// A record of the topic.
#[derive(Debug)]
pub struct Arrived {
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Where it lies.
    pub offset: i64,
}

/// Makes a subscription when it is called.
pub type Subscribe = Box<dyn FnOnce() -> Subscription + Send>;

/// The end of those who act on records. Dropped, it ends the reading.
#[derive(Debug)]
pub struct Subscription {
    arrived: mpsc::UnboundedReceiver<Arrived>,
    acted_on: Sender<i64>,
}

/// The end of whoever reads them.
#[derive(Debug)]
pub struct Publisher {
    /// What was read.
    pub arrived: mpsc::UnboundedSender<Arrived>,
    /// Offsets of records that need not be read again.
    pub acted_on: Receiver<i64>,
}

impl Subscription {
    /// Both ends.
    #[must_use]
    pub fn pair() -> (Publisher, Self) {
        let (sender, arrived) = mpsc::unbounded_channel();
        let (acted_on, receiver) = channel();
        (Publisher { arrived: sender, acted_on: receiver }, Self { arrived, acted_on })
    }

    /// The next record, where there is one.
    pub fn arrived(&mut self) -> Option<Arrived> {
        self.arrived.try_recv().ok()
    }

    /// What a record asks for is done, or is kept where a restart finds it.
    pub fn acted_on(&self, offset: i64) {
        // A reader that has ended reads it again when it is started.
        let _ = self.acted_on.send(offset);
    }
}
