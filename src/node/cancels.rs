//! What JavaScript can cancel, by the numbers that it gives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::sql::{Cancel, CancelReason};
use crate::threads::lock;

/// The statements of one store that may be cancelled.
#[derive(Default)]
pub struct Cancels(Mutex<HashMap<i64, Arc<Cancel>>>);

impl Cancels {
    /// What cancels by this number, made when it is first asked for.
    pub fn find(&self, number: i64) -> Arc<Cancel> {
        Arc::clone(lock(&self.0).entry(number).or_default())
    }

    /// Cancels. Returns whether what it cancels had not started: then it never will.
    pub fn cancel(&self, number: i64, reason: CancelReason) -> bool {
        lock(&self.0).entry(number).or_default().cancel(reason)
    }

    /// Cancels all that can be.
    pub fn cancel_all(&self) {
        for cancel in lock(&self.0).values() {
            cancel.cancel(CancelReason::Aborted);
        }
    }

    /// Forgets a number that will not be used any more.
    pub fn forget(&self, number: i64) {
        lock(&self.0).remove(&number);
    }
}
