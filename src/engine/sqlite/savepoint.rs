//! Savepoints: work that takes effect as a whole or not at all, within the open transaction or as one of its own.

use rusqlite::Connection;

/// Runs `body` as a whole or not at all.
///
/// # Errors
///
/// The error of `body`, or SQLite's code if a savepoint cannot be made or released. Nothing of `body` has an effect
/// then.
pub fn with_savepoint<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    body: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    connection.prepare_cached("SAVEPOINT __rootcellar")?.execute([])?;
    let result = body();
    // Some failures (a full disk) end the whole transaction, and the savepoint with it.
    if result.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK TO __rootcellar")?.execute([])?;
    }
    if !connection.is_autocommit() {
        let released = connection.prepare_cached("RELEASE __rootcellar")?.execute([]);
        if let Err(error) = released {
            // The outermost savepoint is a transaction: a deferred foreign key can keep it from being committed.
            connection.execute_batch("ROLLBACK TO __rootcellar; RELEASE __rootcellar")?;
            return Err(error.into());
        }
    }
    result
}
