//! Where threads are started, each with a name that a debugger or `top -H` shows.

use std::thread;

use crate::Error;

/// Starts a thread.
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
