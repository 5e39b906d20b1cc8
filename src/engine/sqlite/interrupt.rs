//! Interruption of whatever runs on the connections of a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Interrupts what runs on the connections that share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on nothing runs for longer than some steps.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if running statements are to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
