//! Leaving a session in binary form for one in text.
//!
//! Invariants: what was appended stays appended and is left out when the slot sends it again; a process leaves at most one
//! session, because no other is in binary form after it.

use std::error::Error as _;
use std::time::{Duration, Instant};

use super::{END_COPY_PATIENCE, Shell};
use crate::error::{Error, Kind, Result};
use crate::observe::StreamForm;
use crate::pipeline::input::Input;
use crate::pipeline::pump::Unfit;
use crate::sink::Sink;
use crate::source::slot::{self, SlotState};
use crate::wire::{CopyBoth, Ending, ServerError};

/// A walsender whose reader is gone may notice that so late.
const RELEASE_PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at whether it has.
const RELEASE_POLL: Duration = Duration::from_millis(20);

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    /// Leaves the session before the first row that it cannot carry, or may not be able to.
    pub(super) async fn leave_for_text(&mut self, copy: &mut Option<CopyBoth>, unfit: Unfit) {
        match unfit {
            Unfit::Column { table, column, type_oid } => tracing::info!(
                table,
                column,
                "values come as text from here on, because type {type_oid} has no binary form that is safe to read"
            ),
            Unfit::Value(error) => tracing::warn!(
                %error,
                detail = error.detail_text(),
                cause = error.source().map(tracing::field::display),
                "values come as text from here on, because one could not be decoded in binary form"
            ),
        }
        self.begin_in_text();
        if let Some(copy) = copy.take()
            && !matches!(copy.finish(END_COPY_PATIENCE).await, Ok(Ending::Orderly))
        {
            self.wait_until_slot_is_free().await;
        }
        self.apply(Input::SessionLeft);
    }

    /// Whether an error is one that a session in text may not meet: such as a part of an array without send function, at
    /// which the server stops in binary form alone. Then the session is left.
    pub(super) fn falls_back(&mut self, error: &Error) -> bool {
        // Of SQL that is run beside the stream, the errors have another source.
        let Some(cause) = ServerError::behind(error) else { return false };
        if self.pump.form() != StreamForm::Binary || error.kind() != Kind::ServerRefused {
            return false;
        }
        tracing::info!(
            %cause,
            "values come as text from here on, because the server failed to send them in binary form"
        );
        self.begin_in_text();
        self.apply(Input::SessionLeft);
        true
    }

    fn begin_in_text(&mut self) {
        self.seal_cut();
        self.known.learn_that_binary_fails();
    }

    /// Waits, so that the next session need not be tried twice; whatever is wrong here, the next session will find.
    pub(super) async fn wait_until_slot_is_free(&self) {
        let deadline = Instant::now() + RELEASE_PATIENCE;
        while Instant::now() < deadline
            && matches!(slot::state(&self.sql, &self.connector.slot.name).await, Ok(SlotState::InUse(_)))
        {
            tokio::time::sleep(RELEASE_POLL).await;
        }
    }
}
