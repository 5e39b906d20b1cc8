//! SQLite functions that rusqlite does not wrap: the row id of the last insert, and deferred foreign keys.

use rusqlite::{Connection, ffi};

/// Clears the row id of the last insert. Afterwards [`Connection::last_insert_rowid`] is 0 until the next insert.
pub fn forget(connection: &Connection) {
    // SAFETY: the handle is that of an open connection, which is borrowed for as long as the call lasts.
    unsafe { ffi::sqlite3_set_last_insert_rowid(connection.handle(), 0) };
}

/// Returns `true` if rows violate deferred foreign keys, and the transaction could not be committed.
pub fn has_deferred_violations(connection: &Connection) -> bool {
    let (mut current, mut highest) = (0, 0);
    // SAFETY: the handle is that of an open connection, which is borrowed for as long as the call lasts, and the
    // pointers are to integers that outlive it.
    let code = unsafe {
        ffi::sqlite3_db_status(
            connection.handle(),
            ffi::SQLITE_DBSTATUS_DEFERRED_FKS,
            &raw mut current,
            &raw mut highest,
            0,
        )
    };
    code == ffi::SQLITE_OK && current > 0
}
