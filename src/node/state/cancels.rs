//! Cancellation flags by the numbers that JavaScript gives them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::sql::{Cancel, CancelReason};
use crate::threads::lock;

/// Cancellation flags of one store.
#[derive(Default)]
pub struct Cancels(Mutex<HashMap<i64, Arc<Cancel>>>);

impl Cancels {
    /// The flag with this number, made when it is first asked for.
    pub fn find(&self, number: i64) -> Arc<Cancel> {
        Arc::clone(lock(&self.0).entry(number).or_default())
    }

    /// Cancels a statement. Returns `true` if it had not started: then it never will.
    pub fn cancel(&self, number: i64, reason: CancelReason) -> bool {
        lock(&self.0).entry(number).or_default().cancel(reason)
    }

    /// Cancels every statement.
    pub fn cancel_all(&self) {
        for cancel in lock(&self.0).values() {
            cancel.cancel(CancelReason::Aborted);
        }
    }

    /// Removes a flag that is not used any more.
    pub fn forget(&self, number: i64) {
        lock(&self.0).remove(&number);
    }
}
