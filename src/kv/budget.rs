//! Budget of work that can be interrupted where SQLite does not look: between two of its steps.

use crate::limits::WORK_BETWEEN_CANCEL_CHECKS;

/// Budget of work, counted in steps that take about a nanosecond each.
pub struct Budget<'a> {
    /// Units left until the next check for an interrupt.
    left: u64,
    spent: u64,
    is_over: Option<&'a mut dyn FnMut() -> bool>,
}

/// The work was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

impl Budget<'static> {
    /// A budget for work that nobody interrupts.
    #[must_use]
    pub fn unbounded() -> Self {
        Self { left: WORK_BETWEEN_CANCEL_CHECKS, spent: 0, is_over: None }
    }
}

impl<'a> Budget<'a> {
    /// A budget for work that is interrupted when `is_over` says so, which is asked from time to time.
    pub fn until(is_over: &'a mut dyn FnMut() -> bool) -> Self {
        Self { left: WORK_BETWEEN_CANCEL_CHECKS, spent: 0, is_over: Some(is_over) }
    }

    /// Counts steps that are about to be done.
    ///
    /// # Errors
    ///
    /// If they are not to be done any more.
    pub fn spend(&mut self, steps: usize) -> Result<(), Interrupted> {
        let steps = steps as u64;
        if let Some(left) = self.left.checked_sub(steps) {
            self.left = left;
            return Ok(());
        }
        self.spent += WORK_BETWEEN_CANCEL_CHECKS - self.left + steps;
        self.left = WORK_BETWEEN_CANCEL_CHECKS;
        let is_over = self.is_over.as_mut().is_some_and(|is_over| is_over());
        if is_over { Err(Interrupted) } else { Ok(()) }
    }

    /// Units spent so far.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.spent + WORK_BETWEEN_CANCEL_CHECKS - self.left
    }
}
