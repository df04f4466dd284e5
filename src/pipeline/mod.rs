//! From the replication socket to the sink and back to the confirmed LSN: a pure core in a thin shell.
//!
//! Owns [`core::Core`] (every rule, synchronous), [`input`] (everything that can happen and be done), the [`pump`]
//! (frames to records), the making of a [`session`], and the [`shell`] that turns sockets, timers and callbacks into
//! inputs. No rule belongs into the shell.

pub mod backoff;
pub mod core;
#[cfg(test)]
mod core_tests;
mod failure;
mod form;
pub mod heartbeat;
pub mod input;
pub mod monitor;
mod policy;
pub mod pump;
pub mod session;
pub mod shell;
mod snapshot;
pub mod tables;

use std::sync::Arc;
use std::thread::JoinHandle;

use crate::config::Connector;
use crate::error::{Error, Kind, Result};
use crate::observe::Metrics;
use crate::sink::Sink;
use input::Outcome;
use shell::StopSignal;

/// Runs a connector on a thread of its own; the handle gives how it ended.
///
/// `ended` is dropped when the thread is about to end, so that its other half can be waited for. A panic on the
/// thread becomes a `Bug` error: it is a defect, and nothing that was not delivered has been confirmed.
///
/// # Errors
/// `Local` when no thread can be made.
pub fn spawn<S: Sink>(
    connector: Arc<Connector>,
    make_sink: impl FnMut() -> Result<S> + Send + 'static,
    metrics: Metrics,
    stop: StopSignal,
    ended: tokio::sync::oneshot::Sender<()>,
) -> Result<JoinHandle<Result<Outcome>>> {
    let thread = std::thread::Builder::new().name("walcast-data".to_owned()).spawn(move || {
        let _ended = ended;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new(Kind::Local, "no runtime could be made").caused_by(error))?;
        runtime.block_on(shell::run(connector, make_sink, metrics, stop))
    });
    thread.map_err(|error| Error::new(Kind::Local, "no thread could be made").caused_by(error))
}

/// Waits for a thread of [`spawn`].
///
/// # Errors
/// What ended the pipeline, unless it was stopped in order.
pub fn join(thread: JoinHandle<Result<Outcome>>) -> Result<()> {
    match thread.join() {
        Ok(Ok(Outcome::Stopped)) => Ok(()),
        Ok(Ok(Outcome::Failed(error)) | Err(error)) => Err(error),
        Err(_) => Err(Error::bug("the data thread panicked")),
    }
}
