//! Leases, cursors and cancellation flags of a store.

use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use super::cancels::Cancels;
use crate::engine::sqlite::{CursorReply, LeaseRequest};
use crate::sql::{Cancel, CancelReason};
use crate::threads::lock;

/// Leases, cursors and cancellation flags of a store.
#[derive(Default)]
pub struct SqlState {
    pub cancels: Cancels,
    /// Cancels the reads that have no flag of their own.
    pub reads: Arc<Cancel>,
    pub leases: Mutex<HashMap<u32, LeaseHandle>>,
    pub cursors: Mutex<HashMap<u32, CursorHandle>>,
}

pub struct LeaseHandle {
    pub cancel: Arc<Cancel>,
    /// Present once it has begun.
    pub requests: Option<Sender<LeaseRequest>>,
}

#[derive(Clone)]
pub enum CursorHandle {
    /// On a thread of its own.
    Thread(Sender<CursorReply>),
    /// In a lease.
    Lease(Sender<LeaseRequest>),
}

impl SqlState {
    /// Ends every lease, and closes every cursor.
    pub fn clear(&self) {
        for (_, lease) in lock(&self.leases).drain() {
            lease.cancel.cancel(CancelReason::Aborted);
        }
        lock(&self.cursors).clear();
    }

    /// Stops every read: nobody waits for them any more.
    pub fn stop_reads(&self) {
        self.reads.cancel(CancelReason::Aborted);
        self.cancels.cancel_all();
    }
}
