//! The purge: removes expired rows, so that their space is used again. No reader ever sees an expired row.
//!
//! An expiry that is not a number never expires: in SQLite's order of types it is greater than every number.
//!
//! A trigger or a foreign key of somebody else may keep a row, with an error or without. So each transaction begins behind
//! the rows of the last. One that fails is tried again with half of its rows, down to the one that is kept.

use std::time::Instant;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, ffi, params};

use crate::clock::expiry_ms;
use crate::engine::sqlite::connection::ShortWait;
use crate::engine::sqlite::file::{DatabaseFile, FileAccess};
use crate::engine::sqlite::wal::file_mark::MarkKeeper;
use crate::limits::{PURGE_INTERVAL, PURGE_RETRY, PURGE_ROWS_PER_TRANSACTION};
use crate::{Error, faults};

const EXPIRED: &str = "SELECT expires_at, rowid FROM main.__rootapp_kv \
    WHERE expires_at IS NOT NULL AND expires_at <= ?1 AND (expires_at, rowid) > (?2, ?3) \
    ORDER BY expires_at, rowid LIMIT ?4";

/// Deletes expired rows, and with each the older rows of its key: duplicates of the SDK, which would come back to
/// life.
const DELETE_EXPIRED: &str = "DELETE FROM main.__rootapp_kv WHERE rowid IN (\
    SELECT older.rowid \
    FROM (SELECT rowid, community_id, key FROM main.__rootapp_kv \
        WHERE expires_at IS NOT NULL AND expires_at <= ?1 AND (expires_at, rowid) > (?2, ?3) \
        ORDER BY expires_at, rowid LIMIT ?4) \
        AS expired \
    JOIN main.__rootapp_kv AS older \
        ON older.community_id IS expired.community_id AND older.key = expired.key AND older.rowid <= expired.rowid)";

/// Place of a row in the order in which rows are removed: its expiry and its row id.
type Place = (Value, i64);

/// Place before every row.
const START: Place = (Value::Real(f64::NEG_INFINITY), i64::MIN);

/// The purge of a file.
pub struct Purge {
    /// Time at which it is due.
    pub next: Instant,
    /// The last row of the last transaction.
    after: Place,
    rows_at_once: u32,
}

impl Purge {
    /// A purge that is due now.
    pub fn new() -> Self {
        Self { next: Instant::now(), after: START, rows_at_once: PURGE_ROWS_PER_TRANSACTION }
    }

    /// Returns `true` if it is due.
    pub fn is_due(&self) -> bool {
        Instant::now() >= self.next
    }

    /// Removes some of the rows that have expired, in one transaction. Takes no lock if there are none. A failure is
    /// harmless, and is left to the next time.
    pub fn run(&mut self, connection: &Connection, file: &DatabaseFile, marks: &mut MarkKeeper) {
        let interval = faults::purge_interval().unwrap_or(PURGE_INTERVAL);
        // First, in case of a panic.
        self.next = Instant::now() + interval;
        // The log of a replaced file may belong to another file by now.
        let may_write = file.access() == &FileAccess::Full && file.check().is_ok();
        let more = if may_write { self.step(connection, marks, expiry_ms()) } else { Ok(false) };
        match more {
            Ok(true) => self.next = Instant::now(),
            Err(error) if error.is_busy() => self.next = Instant::now() + PURGE_RETRY,
            Ok(false) | Err(_) => *self = Self { next: Instant::now() + interval, ..Self::new() },
        }
    }

    /// Removes some of the rows that have expired at `now_ms`, in milliseconds since 1970 UTC, and goes on behind them.
    /// Returns `true` if there may be more.
    fn step(&mut self, connection: &Connection, marks: &mut MarkKeeper, now_ms: i64) -> Result<bool, Error> {
        let _short = ShortWait::begin();
        let limit = self.rows_at_once;
        let (expiry, rowid) = &self.after;
        let bounds = params![now_ms, expiry, rowid, limit];
        let mut select = connection.prepare_cached(EXPIRED)?;
        let found = select.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found: Vec<Place> = found.collect::<Result<_, _>>()?;
        let count = u32::try_from(found.len()).unwrap_or(limit);
        let Some(last) = found.into_iter().next_back() else { return Ok(false) };
        let mut delete = connection.prepare_cached(DELETE_EXPIRED)?;
        let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        marks.before_write(&transaction)?;
        let removed = delete.execute(bounds).and_then(|_| transaction.commit());
        match removed.inspect_err(|_| marks.failed()) {
            Ok(()) => self.rows_at_once = limit.saturating_mul(2).min(PURGE_ROWS_PER_TRANSACTION),
            Err(error) if !is_of_a_row(&error) => return Err(error.into()),
            Err(_) if count > 1 => {
                self.rows_at_once = count / 2;
                return Ok(true);
            }
            // This row is kept.
            Err(_) => {}
        }
        self.after = last;
        Ok(count == limit)
    }
}

/// Returns `true` for an error of one row, and not of a lock or the disk: a constraint, or a trigger that cannot run.
fn is_of_a_row(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|failure| matches!(failure.extended_code & 0xff, ffi::SQLITE_CONSTRAINT | ffi::SQLITE_ERROR))
}
