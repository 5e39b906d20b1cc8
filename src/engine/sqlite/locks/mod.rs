//! Locks on the file, beside other copies of SQLite in the process.

#[cfg(lock_shim)]
mod descriptors;
pub mod foreign;
#[cfg(lock_shim)]
mod ofd;
#[cfg(lock_shim)]
pub mod shim;

/// Whether locks hold beside another copy of SQLite in the same process.
#[must_use]
pub fn locks_hold() -> bool {
    #[cfg(lock_shim)]
    return ofd::hold();
    // Where there is no shim, locks belong to file handles (Windows), or are the process's.
    #[cfg(not(lock_shim))]
    return cfg!(windows);
}
