//! The modules of virtual tables that SQL of the user's may use.
//!
//! The others are taken away from a connection of the user's, so that no statement finds them, whatever its form: a
//! table that another program has made with one, or that a view names.

use std::ffi::{CStr, c_char};
use std::ptr;

use rusqlite::{Connection, ffi};

use crate::Error;

/// Those that keep their data in tables of the file, or only read. `json_each`, `json_tree` and the table-valued
/// pragmas, which SQLite makes when they are first named, only read, too.
const ALLOWED: &[&CStr] =
    &[c"dbstat", c"fts3", c"fts3tokenize", c"fts4", c"fts4aux", c"fts5", c"fts5vocab", c"rtree", c"rtree_i32"];

/// Takes every other module away from a connection.
///
/// # Errors
///
/// With SQLite's code.
pub fn keep_allowed(connection: &Connection) -> Result<(), Error> {
    keep(connection, ALLOWED)
}

/// Takes every module away from a connection but the one that reads pages. SQLite's checks leave virtual tables out then.
///
/// # Errors
///
/// With SQLite's code.
pub fn keep_pages(connection: &Connection) -> Result<(), Error> {
    keep(connection, &[c"sqlite_dbpage"])
}

fn keep(connection: &Connection, kept: &[&CStr]) -> Result<(), Error> {
    let mut names: Vec<*const c_char> = kept.iter().map(|name| name.as_ptr()).chain([ptr::null()]).collect();
    // SAFETY: the handle is that of an open connection, and the names end with a null pointer. Both outlive the call.
    let code = unsafe { ffi::sqlite3_drop_modules(connection.handle(), names.as_mut_ptr()) };
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into())
    }
}

/// Reason why a virtual table of a module may not be made; `None` if it may.
pub fn refusal(module: &str) -> Option<String> {
    let names = || ALLOWED.iter().filter_map(|name| name.to_str().ok());
    (!names().any(|name| name.eq_ignore_ascii_case(module))).then(|| {
        format!(
            "virtual tables of {module} are not allowed; those of {} are",
            names().collect::<Vec<_>>().join(", ")
        )
    })
}
