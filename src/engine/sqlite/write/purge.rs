//! The purge: removes expired rows, so that their space is used again. No reader ever sees an expired row.
//!
//! An expiry that is not a number never expires: in SQLite's order of types it is greater than every number.

use rusqlite::{Connection, TransactionBehavior, params};

use crate::Error;
use crate::engine::sqlite::wal::file_mark::MarkKeeper;
use crate::limits::PURGE_ROWS_PER_TRANSACTION;

const EXPIRED_EXIST: &str = "SELECT EXISTS (SELECT 1 FROM main.__rootapp_kv \
    WHERE expires_at IS NOT NULL AND expires_at <= ?1)";

/// Deletes expired rows, and with each the older rows of its key: duplicates of the SDK, which would come back to
/// life.
const DELETE_EXPIRED: &str = "DELETE FROM main.__rootapp_kv WHERE rowid IN (\
    SELECT older.rowid \
    FROM (SELECT rowid, community_id, key FROM main.__rootapp_kv \
        WHERE expires_at IS NOT NULL AND expires_at <= ?1 LIMIT ?2) \
        AS expired \
    JOIN main.__rootapp_kv AS older \
        ON older.community_id IS expired.community_id AND older.key = expired.key AND older.rowid <= expired.rowid)";

fn delete(transaction: &Connection, now_ms: i64) -> rusqlite::Result<usize> {
    transaction.prepare_cached(DELETE_EXPIRED)?.execute(params![now_ms, PURGE_ROWS_PER_TRANSACTION])
}

/// Removes some of the rows that have expired at `now_ms`, in milliseconds since 1970 UTC. Takes no lock if there
/// are none. Returns `true` if there may be more.
pub fn run(connection: &Connection, marks: &mut MarkKeeper, now_ms: i64) -> Result<bool, Error> {
    if !connection.prepare_cached(EXPIRED_EXIST)?.query_row([now_ms], |row| row.get::<_, bool>(0))? {
        return Ok(false);
    }
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    marks.before_write(&transaction)?;
    let removed = delete(&transaction, now_ms).and_then(|removed| transaction.commit().map(|()| removed));
    let removed = removed.inspect_err(|_| marks.failed())?;
    Ok(removed >= PURGE_ROWS_PER_TRANSACTION as usize)
}
