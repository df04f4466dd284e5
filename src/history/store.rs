//! What keeps the history.

use std::future::Future;
use std::pin::Pin;

use super::Numbers;
use super::record::Record;
use crate::error::{Error, Result};

/// A future that owns what it needs, so that the pipeline can answer keepalives while it waits for it.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'static>>;

/// Something that a look before the start has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The history cannot be kept, and it was asked for.
    Fatal {
        /// One sentence. Never holds a secret.
        what: String,
        /// How to mend it.
        remedy: String,
    },
    /// It can be kept for now.
    Warning {
        /// One sentence. Never holds a secret.
        what: String,
        /// How to mend it.
        remedy: String,
    },
}

/// What opening a store has come to.
#[derive(Debug)]
pub enum Opened {
    /// The history is kept; these numbers were given out before.
    Kept(Numbers),
    /// It cannot be kept, nobody has asked for it, and so the numbers begin at 1 with every run.
    NotKept(Error),
}

/// Keeps the history of one connector.
pub trait Store: Send + Sync {
    /// What stands in the way, found without side effects.
    ///
    /// # Errors
    /// Where the look itself cannot be made.
    fn look(&self) -> Pending<Vec<Doubt>>;

    /// Makes the store ready and reads it whole.
    ///
    /// # Errors
    /// Transient where it cannot be reached; definite for one that is refused, or holds what is none of the history's.
    ///
    /// # Cancel safety
    /// What was made stays; opening again finds it.
    fn open(&self) -> Pending<Opened>;

    /// Keeps a record; done when it would survive the loss of any one machine that the store promises to survive.
    ///
    /// # Errors
    /// As [`Store::open`]; and definite where somebody else has given out the same number, or the store was emptied.
    ///
    /// # Cancel safety
    /// The record may be kept or not; keeping it again does no harm.
    fn keep(&self, record: Record) -> Pending<()>;
}
