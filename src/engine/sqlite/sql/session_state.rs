//! Reset of the writing connection after a user had it.

use rusqlite::Connection;

use crate::Error;
use crate::engine::sqlite::guard::policy::CONNECTION_PRAGMAS;
use crate::engine::sqlite::guard::user_connection::UserConnection;

const TEMPORARY: &str = "SELECT type, name FROM temp.sqlite_schema WHERE type IN ('table', 'view', 'trigger') \
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Rolls back an open transaction, and resets the state that user SQL has changed.
///
/// # Errors
///
/// With SQLite's code. The connection may then keep some of that state.
pub fn reset(connection: &UserConnection) -> Result<(), Error> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    if !connection.is_altered.get() {
        return Ok(());
    }
    for (name, value) in CONNECTION_PRAGMAS {
        connection.execute_batch(&format!("PRAGMA {name} = {value}"))?;
    }
    drop_temporary(connection)?;
    connection.is_altered.set(false);
    Ok(())
}

fn drop_temporary(connection: &Connection) -> Result<(), Error> {
    let mut statement = connection.prepare(TEMPORARY)?;
    let found = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for object in found.collect::<rusqlite::Result<Vec<_>>>()? {
        let (kind, name) = object;
        // Dropping a table also drops its triggers.
        connection.execute_batch(&format!("DROP {kind} IF EXISTS temp.\"{}\"", name.replace('"', "\"\"")))?;
    }
    Ok(())
}
