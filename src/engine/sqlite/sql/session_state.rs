//! Reset of the writing connection after a user had it.

use crate::Error;
use crate::engine::sqlite::guard::policy::CONNECTION_PRAGMAS;
use crate::engine::sqlite::guard::user_connection::UserConnection;

/// Deletes everything temporary, whatever refers to it: SQLite does so when `temp_store` changes (sqlite.org/pragma.html).
const DROP_TEMPORARY: &str = "PRAGMA temp_store = FILE; PRAGMA temp_store = MEMORY; PRAGMA temp_store = DEFAULT";

/// Rolls back an open transaction, and resets the state that user SQL has changed.
///
/// # Errors
///
/// With SQLite's code. The connection may then keep some of that state.
pub fn reset(connection: &UserConnection) -> Result<(), Error> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    connection.has_lost_transaction.set(false);
    if !connection.is_altered.get() {
        return Ok(());
    }
    for (name, value) in CONNECTION_PRAGMAS {
        connection.execute_batch(&format!("PRAGMA {name} = {value}"))?;
    }
    connection.execute_batch(DROP_TEMPORARY)?;
    connection.is_altered.set(false);
    Ok(())
}
