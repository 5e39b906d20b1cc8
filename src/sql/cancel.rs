//! Cancellation of a statement from another thread.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::Error;
use crate::error::{CancelReason, SqlError};

const WAITING: u8 = 0;
const STARTED: u8 = 1;
const ABORTED: u8 = 2;
const TIMED_OUT: u8 = 3;

/// Cancellation flag that a statement shares with its canceller. A cancelled flag stays so: a statement that starts
/// later has no effect.
#[derive(Debug, Default)]
pub struct Cancel(AtomicU8);

impl Cancel {
    /// Cancels the statement. Returns `true` if it had not started: then it never will.
    pub fn cancel(&self, reason: CancelReason) -> bool {
        let state = match reason {
            CancelReason::Aborted => ABORTED,
            CancelReason::TimedOut => TIMED_OUT,
        };
        self.0.swap(state, Ordering::SeqCst) == WAITING
    }

    /// Marks the statement as started.
    ///
    /// # Errors
    ///
    /// `ABORT_ERR` or `ERR_TIMEOUT` if it was cancelled.
    pub fn start(&self) -> Result<(), Error> {
        // An exchange that fails has met a statement that was started before, or one that was cancelled, which
        // `check` reports.
        let _ = self.0.compare_exchange(WAITING, STARTED, Ordering::SeqCst, Ordering::SeqCst);
        self.check()
    }

    /// # Errors
    ///
    /// `ABORT_ERR` or `ERR_TIMEOUT` if it was cancelled.
    pub fn check(&self) -> Result<(), Error> {
        match self.0.load(Ordering::SeqCst) {
            ABORTED => Err(SqlError::Cancelled(CancelReason::Aborted).into()),
            TIMED_OUT => Err(SqlError::Cancelled(CancelReason::TimedOut).into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_was_cancelled_before_it_started_never_starts() {
        let cancel = Cancel::default();
        assert!(cancel.cancel(CancelReason::TimedOut));
        assert_eq!(cancel.start().unwrap_err().code(), "ERR_TIMEOUT");
    }

    #[test]
    fn a_statement_that_has_started_is_told_apart() {
        let cancel = Cancel::default();
        cancel.start().unwrap();
        assert!(!cancel.cancel(CancelReason::Aborted));
        assert_eq!(cancel.check().unwrap_err().code(), "ABORT_ERR");
    }
}
