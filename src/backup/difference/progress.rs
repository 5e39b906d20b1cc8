//! Progress of a difference.

use crate::backup::restore::progress::RestoreProgress;
use crate::limits::DIFFERENCE_ROWS_PER_REPORT;

/// Step of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceStep {
    /// A state is restored, counted in bytes of backups.
    Restore,
    /// Rows are compared, counted in rows.
    Compare,
}

/// Progress of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DifferenceProgress {
    /// The step.
    pub step: DifferenceStep,
    /// Part of it that is done.
    pub done: u64,
    /// All of it.
    pub total: u64,
}

impl From<RestoreProgress> for DifferenceProgress {
    fn from(RestoreProgress { done_bytes, total_bytes }: RestoreProgress) -> Self {
        Self { step: DifferenceStep::Restore, done: done_bytes, total: total_bytes }
    }
}

/// Counter of compared rows.
pub struct Compared<'a> {
    told: &'a mut dyn FnMut(DifferenceProgress),
    done: u64,
    total: u64,
    reported: u64,
}

impl<'a> Compared<'a> {
    /// Counts up to a total.
    pub fn new(total: u64, told: &'a mut dyn FnMut(DifferenceProgress)) -> Self {
        told(DifferenceProgress { step: DifferenceStep::Compare, done: 0, total });
        Self { told, done: 0, total, reported: 0 }
    }

    /// Counts rows, and tells of them from time to time.
    pub fn add(&mut self, rows: u64) {
        self.done = self.done.saturating_add(rows).min(self.total);
        if self.done >= self.reported.saturating_add(DIFFERENCE_ROWS_PER_REPORT) {
            self.tell();
        }
    }

    /// Tells that all is compared.
    pub fn finish(mut self) {
        self.done = self.total;
        self.tell();
    }

    fn tell(&mut self) {
        self.reported = self.done;
        (self.told)(DifferenceProgress { step: DifferenceStep::Compare, done: self.done, total: self.total });
    }
}
