//! The SQL of each command on keys.
//!
//! A file of SDK 0.17.0 may have several rows of one key, because a unique index ignores rows whose community is
//! NULL. The newest row (the highest rowid) has the key's value. A write leaves one row: the oldest since the key
//! last expired. So the key keeps its place in the order of insertion, and the SDK, which reads the oldest row,
//! sees the value.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params, params_from_iter};

use super::columns::{expiry, matching};
use super::rowid_cache::{CachedRow, RowidCache};
use crate::batch::Command;
use crate::engine::sqlite::refusal::Refusal;
use crate::engine::sqlite::savepoint::with_savepoint;
use crate::kv::{Address, Entry, Expected, Swap, is_expired};
use crate::{Error, faults};

const ROWS_OF_KEY: &str = "SELECT rowid, expires_at FROM __rootapp_kv \
    WHERE community_id IS ?1 AND key = ?2 ORDER BY rowid DESC LIMIT 2";
const VALUE_OF_ROW: &str = "SELECT value FROM __rootapp_kv WHERE rowid = ?1";
const INSERT: &str = "INSERT INTO __rootapp_kv (community_id, key, value, expires_at) VALUES (?1, ?2, ?3, ?4)";
const UPDATE: &str = "UPDATE __rootapp_kv SET value = ?2, expires_at = ?3 WHERE rowid = ?1";
const DELETE: &str = "DELETE FROM __rootapp_kv WHERE community_id IS ?1 AND key = ?2";
const OLDEST_LIVE: &str = "SELECT min(rowid) FROM __rootapp_kv \
    WHERE community_id IS ?1 AND key = ?2 AND rowid > (SELECT coalesce(max(rowid), -9223372036854775808) \
        FROM __rootapp_kv WHERE community_id IS ?1 AND key = ?2 AND expires_at <= ?3)";
const DELETE_OTHERS: &str = "DELETE FROM __rootapp_kv WHERE community_id IS ?1 AND key = ?2 AND rowid <> ?3";

/// The key-value table, within the open transaction.
pub struct Keys<'a> {
    connection: &'a Connection,
    rowid_cache: &'a mut RowidCache,
    // Statements that nearly every command needs, prepared once for the transaction.
    rows_of_key: CachedStatement<'a>,
    insert: CachedStatement<'a>,
    update: CachedStatement<'a>,
}

/// The rows of one key.
enum KeyRows {
    Nothing,
    /// One row, live.
    One(CachedRow),
    /// Several rows, of which the newest is live.
    Several(CachedRow),
    /// The newest row has expired, and the key with it.
    Expired,
}

impl<'a> Keys<'a> {
    pub fn new(connection: &'a Connection, rowid_cache: &'a mut RowidCache) -> rusqlite::Result<Self> {
        Ok(Self {
            rows_of_key: connection.prepare_cached(ROWS_OF_KEY)?,
            insert: connection.prepare_cached(INSERT)?,
            update: connection.prepare_cached(UPDATE)?,
            connection,
            rowid_cache,
        })
    }

    /// Runs a command, as a whole or not at all.
    pub fn run(&mut self, command: &Command, now_ms: i64) -> Result<(), Refusal> {
        match command {
            Command::Set(entry) => Ok(self.set(entry, now_ms)?),
            Command::SetMany(entries) => {
                Ok(self.atomically(|keys| entries.iter().try_for_each(|entry| keys.set(entry, now_ms)))?)
            }
            Command::Swap(swap) => self.swap(swap, now_ms),
            Command::Delete(address) => Ok(self.delete(address)?),
            Command::DeleteLike { community, pattern } => Ok(self.delete_like(community.as_deref(), pattern)?),
            Command::Sql(_) => Err(Error::internal("a statement is no command on keys").into()),
        }
    }

    /// Clears the rowid cache if somebody else has written rows.
    pub fn forget_if(&mut self, others_wrote: bool) {
        if others_wrote {
            self.rowid_cache.clear();
        }
    }

    /// Runs `body` as a whole or not at all. Clears the rowid cache if it fails.
    fn atomically<T>(&mut self, body: impl FnOnce(&mut Self) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let result = with_savepoint(self.connection, || body(self));
        if result.is_err() {
            self.rowid_cache.clear();
        }
        result
    }

    fn set(&mut self, entry: &Entry, now_ms: i64) -> rusqlite::Result<()> {
        let found = self.find(&entry.address, now_ms)?;
        self.write(&found, &entry.address, &entry.value, entry.expires_at, now_ms)
    }

    fn swap(&mut self, swap: &Swap, now_ms: i64) -> Result<(), Refusal> {
        let found = self.find(&swap.address, now_ms)?;
        let row = match &found {
            KeyRows::Nothing | KeyRows::Expired => None,
            KeyRows::One(row) | KeyRows::Several(row) => Some(row),
        };
        let holds = match (&swap.expected, row) {
            (Expected::Previous, _) | (Expected::Nothing, None) => true,
            (Expected::Value(expected), Some(row)) => self.has_value(row.rowid, expected)?,
            (Expected::Nothing, Some(_)) | (Expected::Value(_), None) => false,
        };
        if !holds {
            return Err(Refusal::Conflict);
        }
        let expires_at = swap.expires_at.or(row.and_then(|row| row.expires_at));
        Ok(self.write(&found, &swap.address, &swap.value, expires_at, now_ms)?)
    }

    fn delete(&mut self, address: &Address) -> rusqlite::Result<()> {
        self.rowid_cache.remove(address);
        self.connection.prepare_cached(DELETE)?.execute(params![address.community, address.key])?;
        Ok(())
    }

    fn delete_like(&mut self, community: Option<&str>, pattern: &str) -> rusqlite::Result<()> {
        self.rowid_cache.clear();
        let (condition, parameters) = matching(community, pattern);
        let sql = format!("DELETE FROM __rootapp_kv WHERE {condition}");
        self.connection.prepare_cached(&sql)?.execute(params_from_iter(parameters))?;
        Ok(())
    }

    fn find(&mut self, address: &Address, now_ms: i64) -> rusqlite::Result<KeyRows> {
        faults::panic_on(&address.key);
        if let Some(row) = self.rowid_cache.get(address) {
            return Ok(if is_expired(row.expires_at, now_ms) { KeyRows::Expired } else { KeyRows::One(row) });
        }
        let mut rows = self.rows_of_key.query(params![address.community, address.key])?;
        let Some(newest) = rows.next()? else {
            return Ok(KeyRows::Nothing);
        };
        let row = CachedRow { rowid: newest.get(0)?, expires_at: expiry(newest.get_ref(1)?) };
        if is_expired(row.expires_at, now_ms) {
            return Ok(KeyRows::Expired);
        }
        Ok(if rows.next()?.is_none() { KeyRows::One(row) } else { KeyRows::Several(row) })
    }

    fn has_value(&self, rowid: i64, expected: &str) -> rusqlite::Result<bool> {
        let mut statement = self.connection.prepare_cached(VALUE_OF_ROW)?;
        let same = statement.query_row([rowid], |row| Ok(row.get_ref(0)?.as_bytes() == Ok(expected.as_bytes())));
        Ok(same.optional()?.unwrap_or(false))
    }

    /// Leaves one row of the key, with the given value and expiry.
    fn write(
        &mut self,
        found: &KeyRows,
        address: &Address,
        value: &str,
        expires_at: Option<i64>,
        now_ms: i64,
    ) -> rusqlite::Result<()> {
        let Address { community, key } = address;
        let rowid = match found {
            KeyRows::Nothing => self.insert.insert(params![community, key, value, expires_at])?,
            KeyRows::One(row) => {
                self.update.execute(params![row.rowid, value, expires_at])?;
                row.rowid
            }
            KeyRows::Several(_) => self.atomically(|keys| {
                let oldest = keys
                    .connection
                    .prepare_cached(OLDEST_LIVE)?
                    .query_row(params![community, key, now_ms], |row| row.get(0))?;
                keys.connection.prepare_cached(DELETE_OTHERS)?.execute(params![community, key, oldest])?;
                keys.update.execute(params![oldest, value, expires_at])?;
                Ok(oldest)
            })?,
            KeyRows::Expired => self.atomically(|keys| {
                keys.delete(address)?;
                keys.insert.insert(params![community, key, value, expires_at])
            })?,
        };
        self.rowid_cache.insert(address, CachedRow { rowid, expires_at });
        Ok(())
    }
}
