//! Other copies of SQLite in this process.
//!
//! The lock shim protects this copy against any other. Two others still destroy the file between themselves.

/// Names of the other copies of SQLite that are loaded, as npm packages. Node's own is not listed: it is part of
/// the executable.
#[must_use]
pub fn loaded_copies() -> Vec<&'static str> {
    let mut names = Vec::new();
    for_each_image(|path| {
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name = match file {
            "node_sqlite3.node" => "sqlite3",
            "better_sqlite3.node" => "better-sqlite3",
            _ if file.starts_with("libsqlite3.") => "libsqlite3",
            _ if file.contains("query_engine") => "Prisma",
            _ if file.contains("libsql") => "libsql",
            _ => return,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    });
    names
}

/// Calls `visit` with the path of each loaded library.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn for_each_image(mut visit: impl FnMut(&str)) {
    use std::ffi::{CStr, c_int, c_void};

    unsafe extern "C" fn call(info: *mut libc::dl_phdr_info, _size: usize, visit: *mut c_void) -> c_int {
        // SAFETY: the linker passes a valid record, and the pointer that `for_each_image` gave it.
        let (info, visit) = unsafe { (&*info, &mut *visit.cast::<&mut dyn FnMut(&str)>()) };
        if !info.dlpi_name.is_null() {
            // SAFETY: the name of a library that is loaded for as long as this call lasts.
            visit(&unsafe { CStr::from_ptr(info.dlpi_name) }.to_string_lossy());
        }
        0
    }

    let mut visit: &mut dyn FnMut(&str) = &mut visit;
    // SAFETY: `call` gets back the pointer to `visit`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(call), (&raw mut visit).cast()) };
}

/// Calls `visit` with the path of each loaded library.
#[cfg(target_vendor = "apple")]
fn for_each_image(mut visit: impl FnMut(&str)) {
    use std::ffi::{CStr, c_char};

    // <mach-o/dyld.h>
    unsafe extern "C" {
        fn _dyld_image_count() -> u32;
        fn _dyld_get_image_name(index: u32) -> *const c_char;
    }

    // SAFETY: it only reads a number.
    for index in 0..unsafe { _dyld_image_count() } {
        // SAFETY: an index beyond the count, which may fall meanwhile, gives null.
        let name = unsafe { _dyld_get_image_name(index) };
        if !name.is_null() {
            // SAFETY: the name of a loaded library. Node never unloads one.
            visit(&unsafe { CStr::from_ptr(name) }.to_string_lossy());
        }
    }
}

/// On other systems locks belong to file handles, and there is nothing to warn of.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn for_each_image(_visit: impl FnMut(&str)) {}
