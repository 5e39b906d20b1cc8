//! One look for commits in the place of several: a watch looks the most often, so while there is one it tells the others.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::threads::lock;

/// Called when somebody has committed. Returns `false` once nobody listens any more.
type Listener = Box<dyn Fn() -> bool + Send>;

/// The look for commits to a file.
#[derive(Default)]
pub struct SharedLook {
    is_taken: AtomicBool,
    listeners: Mutex<Vec<Listener>>,
}

impl SharedLook {
    /// Calls `listener`, which must not block, after each commit that is found, whoever made it, and when nobody looks any
    /// more.
    pub fn listen(&self, listener: impl Fn() -> bool + Send + 'static) {
        lock(&self.listeners).push(Box::new(listener));
    }

    /// Returns `true` while somebody looks for commits. To be asked before a look of one's own: of what is committed after
    /// that, listeners are then told.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.is_taken.load(Ordering::Acquire)
    }

    /// Notes that the caller has seen the last commit, and will tell of every other.
    pub fn take(&self) {
        self.is_taken.store(true, Ordering::Release);
    }

    /// Tells of commits.
    pub fn tell(&self) {
        lock(&self.listeners).retain(|listener| listener());
    }

    /// Notes that nobody looks any more.
    pub fn give_up(&self) {
        if self.is_taken.swap(false, Ordering::AcqRel) {
            self.tell();
        }
    }
}

impl std::fmt::Debug for SharedLook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedLook").field("is_taken", &self.is_taken).finish_non_exhaustive()
    }
}
