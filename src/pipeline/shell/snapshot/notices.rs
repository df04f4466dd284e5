//! What is told of a snapshot to those who asked for notifications.

use std::time::Duration;

use super::super::Shell;
use super::super::line::Line;
use crate::error::Result;
use crate::event::Notification;
use crate::pipeline::pump::{Fault, Pause};
use crate::sink::Sink;
use crate::snapshot::tally::NOBODYS_TICKET;

/// How often a full sink is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    /// Tells something, in the log and to the sink as configured. No record may wait in the pump.
    pub(super) async fn tell(&mut self, notification: &Notification) -> Result<()> {
        if self.connector.notifications.log {
            log(notification);
        }
        if let Some(Pause::Unready(lacks)) = self.pump.notify(notification) {
            self.make_ready(&mut Line::Closed, lacks).await?;
        }
        while self.effects.is_empty() && !self.sink_failed {
            match self.pump.offer(&mut self.sink, NOBODYS_TICKET) {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                    self.settle();
                }
                Err(Fault::Source(error)) => return Err(error),
                Err(Fault::Sink(error)) => self.sink_lost(error),
            }
        }
        self.pump.drop_waiting();
        Ok(())
    }
}

/// Writes a notification into the log.
pub(in crate::pipeline::shell) fn log(Notification { id, aggregate, kind, additional }: &Notification) {
    let additional: Vec<String> = additional.iter().map(|(name, text)| format!("{name}={text}")).collect();
    tracing::info!(id, aggregate, kind, additional = additional.join(", "), "notification");
}
