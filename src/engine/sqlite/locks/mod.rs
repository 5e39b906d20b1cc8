//! Locks on the database file, in a process that may have other copies of SQLite.

#[cfg(lock_shim)]
mod descriptors;
pub mod foreign;
#[cfg(lock_shim)]
mod ofd;
#[cfg(lock_shim)]
pub mod shim;

/// Returns `true` if locks exclude other copies of SQLite in the same process.
#[must_use]
pub fn locks_hold() -> bool {
    #[cfg(lock_shim)]
    return ofd::hold();
    // Without the shim, locks belong to file handles (Windows), or to the process.
    #[cfg(not(lock_shim))]
    return cfg!(windows);
}
