//! Open-file-description locks (fcntl(2)), where the system has them.

#[cfg(target_vendor = "apple")]
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

/// The kernel lacks open-file-description locks: Linux before 3.15, or a system that only resembles Linux.
static UNSUPPORTED: AtomicBool = AtomicBool::new(false);

#[cfg(any(target_os = "linux", target_os = "android"))]
pub use libc::{F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW};

// Apple's <sys/fcntl.h>; the libc crate does not name them.
#[cfg(target_vendor = "apple")]
pub const F_OFD_SETLK: c_int = 90;
#[cfg(target_vendor = "apple")]
pub const F_OFD_SETLKW: c_int = 91;
#[cfg(target_vendor = "apple")]
pub const F_OFD_GETLK: c_int = 92;

/// Returns `true` if locks exclude other copies of SQLite. Where the kernel lacks these locks, the locks of SQLite
/// belong to the process.
pub fn hold() -> bool {
    !UNSUPPORTED.load(Ordering::Relaxed)
}

/// Notes that the kernel has refused such a lock.
pub fn note_unsupported() {
    UNSUPPORTED.store(true, Ordering::Relaxed);
}
