//! What keeps entries.

use std::future::Future;
use std::pin::Pin;

use super::{Book, Entry};
use crate::error::Result;

/// A future that owns what it needs, so that the pipeline can go on while it waits for it.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'static>>;

/// Keeps the progress of one connector.
pub trait Store: Send + Sync {
    /// Looks for what would keep it from being opened, without side effects.
    ///
    /// # Errors
    /// As [`Store::open`], except that a store that cannot be reached is none: that is told elsewhere.
    fn look(&self) -> Pending<()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Makes the store ready and reads it whole.
    ///
    /// # Errors
    /// Transient where it cannot be reached; definite for one that is refused, or holds what is no progress.
    ///
    /// # Cancel safety
    /// What was made stays; opening again finds it.
    fn open(&self) -> Pending<Book>;

    /// Keeps entries, in their order; done when they would survive the loss of any one machine that the store promises to
    /// survive.
    ///
    /// # Errors
    /// As [`Store::open`].
    ///
    /// # Cancel safety
    /// Some may be kept and some not; keeping them again does no harm.
    fn keep(&self, entries: Vec<Entry>) -> Pending<()>;
}
