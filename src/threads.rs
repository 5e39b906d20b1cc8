//! Threads with names, which a debugger or `top -H` shows, and locks that survive a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::Error;

/// Starts a thread named `rootcellar-NAME`.
///
/// # Errors
///
/// `ERR_INTERNAL` if the system has no more threads to give.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, Error> {
    thread::Builder::new()
        .name(format!("rootcellar-{name}"))
        .spawn(body)
        .map_err(|error| Error::internal(&format!("cannot start a thread: {error}")))
}

/// Locks shared state. A panic while it was locked does not matter: everything that this crate puts under a lock is
/// valid after each statement that changes it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
