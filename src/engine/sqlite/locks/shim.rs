//! The lock shim: locks that exclude another copy of SQLite in the same process.
//!
//! POSIX record locks belong to a process: two copies of SQLite in one process never exclude each other, and the
//! first close of any descriptor of the file drops the locks of both. That destroys the file. So this copy takes
//! open-file-description locks instead, which exclude POSIX locks of the same process too. It never closes a
//! descriptor while that might drop the locks of another copy (fcntl(2), "Open file description locks" and
//! "Advisory record locking").
//!
//! SQLite expects the locks of a process on a file to be one set, whichever descriptor they were taken through. So
//! all locks of a file are taken through one duplicated descriptor.
//!
//! Architecture invariant: in this crate only SQLite opens a database or `-shm` file.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Once;

use rusqlite::ffi;

use super::descriptors::Descriptors;
use super::ofd::{self, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW};
use crate::engine::sqlite::file::FileId;
use crate::faults;

unsafe extern "C" {
    fn rootcellar_fcntl_variadic(descriptor: c_int, command: c_int, ...) -> c_int;
}

/// Installs the shim in this copy of SQLite, before it opens its first file.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        if faults::without_lock_shim() {
            return;
        }
        // SAFETY: the default VFS lives as long as the process, and no file has been opened through it yet. The
        // functions have the types that SQLite calls them by (`aSyscall` in os_unix.c); a pointer to a function
        // may be cast to a pointer to another and back.
        unsafe {
            let vfs = ffi::sqlite3_vfs_find(std::ptr::null());
            let Some(set_system_call) = vfs.as_ref().and_then(|vfs| vfs.xSetSystemCall) else { return };
            let set = |name: &CStr, function: *const c_void| {
                let function = std::mem::transmute::<*const c_void, ffi::sqlite3_syscall_ptr>(function);
                set_system_call(vfs, name.as_ptr(), function);
            };
            set(c"open", open as *const c_void);
            set(c"close", close as *const c_void);
            set(c"fcntl", rootcellar_fcntl_variadic as *const c_void);
        }
    });
}

/// Number of descriptors of a file that other copies of SQLite, or anybody else in this process, have.
pub fn foreign_descriptors(id: &FileId) -> usize {
    Descriptors::lock().count_foreign(id)
}

/// SQLite's `open`.
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: SQLite passes a path that is valid for the call.
    let path = unsafe { CStr::from_ptr(path) };
    Descriptors::lock().open(path, flags, mode)
}

/// SQLite's `close`.
unsafe extern "C" fn close(descriptor: c_int) -> c_int {
    Descriptors::lock().close(descriptor)
}

/// SQLite's `fcntl`, by way of `rootcellar_fcntl_variadic`.
#[unsafe(no_mangle)]
unsafe extern "C" fn rootcellar_fcntl(descriptor: c_int, command: c_int, argument: *mut c_void) -> c_int {
    let ofd_command = match command {
        libc::F_SETLK => F_OFD_SETLK,
        libc::F_SETLKW => F_OFD_SETLKW,
        libc::F_GETLK => F_OFD_GETLK,
        // SAFETY: as SQLite called it.
        _ => return unsafe { libc::fcntl(descriptor, command, argument) },
    };
    let lock_descriptor = Descriptors::lock().lock_descriptor(descriptor);
    if let Some(lock_descriptor) = lock_descriptor.filter(|_| ofd::hold()) {
        let lock = argument.cast::<libc::flock>();
        // SAFETY: for these commands the argument is a `struct flock` of SQLite's; its pid must be 0.
        let result = unsafe {
            (*lock).l_pid = 0;
            libc::fcntl(lock_descriptor, ofd_command, lock)
        };
        if result != -1 || last_error() != libc::EINVAL {
            return result;
        }
        ofd::note_unsupported();
    }
    // SAFETY: as SQLite called it.
    unsafe { libc::fcntl(descriptor, command, argument) }
}

fn last_error() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
