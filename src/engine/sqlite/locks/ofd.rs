//! Open-file-description locks (fcntl(2)), as far as the system has them.

#[cfg(target_vendor = "apple")]
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

/// The kernel knows no open-file-description locks: Linux before 3.15, or something that only looks like Linux.
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

/// Whether locks hold beside another copy of SQLite. Where the kernel lacks them they are the process's after all.
pub fn hold() -> bool {
    !UNSUPPORTED.load(Ordering::Relaxed)
}

/// The kernel has refused one.
pub fn note_unsupported() {
    UNSUPPORTED.store(true, Ordering::Relaxed);
}
