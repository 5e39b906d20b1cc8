//! The SQL of each command on keys.
//!
//! A file of SDK 0.17.0 may have several rows of one key, because a unique index ignores rows whose community is
//! NULL. The newest row (the highest rowid) has the key's value. A write leaves one row: the oldest since the key
//! last expired. So the key keeps its place in the order of insertion, and the SDK, which reads the oldest row,
//! sees the value.
//!
//! A write that changes no row is an error: a user's trigger can make SQLite skip it.

use rusqlite::{CachedStatement, OptionalExtension, params};

use super::columns::expiry;
use super::gaps::Gaps;
use super::rowid_cache::{CachedRow, RowidCache};
use super::search;
use super::triggers::KeyTriggers;
use crate::batch::{Command, CommandOutcome};
use crate::engine::sqlite::guard::mode::Mode;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::refusal::Refusal;
use crate::engine::sqlite::savepoint::with_savepoint;
use crate::kv::{Address, Budget, Entry, Expected, Interrupted, Swap, is_expired};
use crate::sql::SqlError;
use crate::{Error, faults};

const ROWS_OF_KEY: &str = "SELECT rowid, expires_at FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key = ?2 ORDER BY rowid DESC LIMIT 2";
const COUNT_OF_KEY: &str = "SELECT count(*) FROM main.__rootapp_kv WHERE community_id IS ?1 AND key = ?2";
pub(super) const VALUE_OF_ROW: &str =
    "SELECT value FROM main.__rootapp_kv WHERE rowid = ?1 AND community_id IS ?2 AND key = ?3";
const INSERT: &str = "INSERT INTO main.__rootapp_kv (community_id, key, value, expires_at) VALUES (?1, ?2, ?3, ?4)";
// Comparing the key checks the rowid cache at no cost: the row is read as a whole anyway.
const UPDATE: &str = "UPDATE main.__rootapp_kv SET value = ?4, expires_at = ?5 \
    WHERE rowid = ?1 AND community_id IS ?2 AND key = ?3";
const DELETE: &str = "DELETE FROM main.__rootapp_kv WHERE community_id IS ?1 AND key = ?2";
const DELETE_ROW: &str = "DELETE FROM main.__rootapp_kv WHERE rowid = ?1";
const KEY_OF_ROW: &str = "SELECT key FROM main.__rootapp_kv WHERE rowid = ?1";
const OLDEST_LIVE: &str = "SELECT min(rowid) FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key = ?2 AND rowid > (SELECT coalesce(max(rowid), -9223372036854775808) \
        FROM main.__rootapp_kv WHERE community_id IS ?1 AND key = ?2 AND expires_at <= ?3)";
const DELETE_OTHERS: &str = "DELETE FROM main.__rootapp_kv WHERE community_id IS ?1 AND key = ?2 AND rowid <> ?3";

/// Cost of deleting a row, in steps of a [`Budget`].
const DELETE_STEPS: usize = 2_000;

/// The key-value table, within the open transaction.
pub struct Keys<'a> {
    pub(super) connection: &'a UserConnection,
    pub(super) rowid_cache: &'a mut RowidCache,
    pub(super) triggers: KeyTriggers,
    // Statements that nearly every command needs, prepared once for the transaction. A user's trigger can keep one from
    // being compiled, so this waits until it is needed.
    rows_of_key: Option<CachedStatement<'a>>,
    insert: Option<CachedStatement<'a>>,
    update: Option<CachedStatement<'a>>,
}

/// The rows of one key.
pub(super) enum KeyRows {
    Nothing,
    /// One row, live.
    One(CachedRow),
    /// Several rows, of which the newest is live.
    Several(CachedRow),
    /// The newest row has expired, and the key with it.
    Expired,
}

impl KeyRows {
    /// The row that has the key's value.
    pub fn live(&self) -> Option<&CachedRow> {
        match self {
            Self::Nothing | Self::Expired => None,
            Self::One(row) | Self::Several(row) => Some(row),
        }
    }
}

impl<'a> Keys<'a> {
    pub fn new(connection: &'a UserConnection, rowid_cache: &'a mut RowidCache, triggers: KeyTriggers) -> Self {
        Self { rows_of_key: None, insert: None, update: None, connection, rowid_cache, triggers }
    }

    /// Runs a command, as a whole or not at all.
    pub fn run(&mut self, command: &Command, now_ms: i64) -> Result<CommandOutcome, Refusal> {
        let authorizer = &self.connection.authorizer;
        let (result, seen) = authorizer.watch(Mode::Internal, || {
            // A trigger can make a statement fail halfway (`RAISE(FAIL)`).
            if self.triggers.on_keys {
                self.atomically(|keys| keys.run_bare(command, now_ms))
            } else {
                self.run_bare(command, now_ms)
            }
        });
        match seen.refused {
            Some(why) if result.is_err() => Err(SqlError::Forbidden(why).into()),
            _ => result,
        }
    }

    fn run_bare(&mut self, command: &Command, now_ms: i64) -> Result<CommandOutcome, Refusal> {
        let outcome = match command {
            Command::Increment(increment) => self.increment(increment, now_ms)?,
            Command::SetIfAbsent(entry) => self.set_if_absent(entry, now_ms)?,
            Command::GetAndDelete(address) => self.get_and_delete(address, now_ms)?,
            Command::Expire { address, expires_at } => self.expire(address, *expires_at, now_ms)?,
            Command::DeleteRange { community, range } => {
                self.atomically(|keys| keys.delete_range(community.as_deref(), range, now_ms))?
            }
            other => return self.run_silent(other, now_ms).map(|()| CommandOutcome::Nothing),
        };
        Ok(CommandOutcome::Key(outcome))
    }

    /// Runs a command that has nothing to tell.
    fn run_silent(&mut self, command: &Command, now_ms: i64) -> Result<(), Refusal> {
        match command {
            Command::Set(entry) => Ok(self.set(entry, now_ms)?),
            Command::SetMany(entries) => self.atomically(|keys| Ok(keys.set_many(entries, now_ms)?)),
            Command::Swap(swap) => self.swap(swap, now_ms),
            Command::SwapMany(parts) => self.atomically(|keys| keys.swap_many(parts, now_ms)),
            Command::Delete(address) => Ok(self.delete(address)?),
            Command::DeleteLike { community, pattern } => {
                self.atomically(|keys| Ok(keys.delete_matching(community.as_deref(), pattern)?))
            }
            _ => Err(Error::internal("this command is not carried out here").into()),
        }
    }

    /// Clears the rowid cache if somebody else has written rows.
    pub fn forget_if(&mut self, others_wrote: bool) {
        if others_wrote {
            self.rowid_cache.clear();
        }
    }

    /// Runs `body` as a whole or not at all. Clears the rowid cache if it fails.
    pub(super) fn atomically<T, E: From<rusqlite::Error>>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let result = with_savepoint(self.connection, || body(self));
        if result.is_err() {
            self.rowid_cache.clear();
        }
        result
    }

    /// Sets the triggers that there are from here on.
    pub fn set_triggers(&mut self, triggers: KeyTriggers) {
        self.triggers = triggers;
        self.rowid_cache.set_triggers(triggers.on_keys);
    }

    fn set(&mut self, entry: &Entry, now_ms: i64) -> Result<(), Error> {
        let found = self.find(&entry.address, now_ms)?;
        self.write(&found, &entry.address, &entry.value, entry.expires_at, now_ms)
    }

    fn set_many(&mut self, entries: &[Entry], now_ms: i64) -> Result<(), Error> {
        // A trigger may write keys between two of the array.
        let mut gaps = if self.triggers.on_keys { None } else { Gaps::of(self.connection, entries)? };
        for entry in entries {
            let Entry { address, value, expires_at } = entry;
            let is_known = self.rowid_cache.get(address).is_some();
            if !is_known && gaps.as_mut().map_or(Ok(false), |gaps| gaps.has(address))? {
                faults::panic_on(&address.key);
                self.write(&KeyRows::Nothing, address, value, *expires_at, now_ms)?;
            } else {
                self.set(entry, now_ms)?;
            }
        }
        Ok(())
    }

    fn swap(&mut self, swap: &Swap, now_ms: i64) -> Result<(), Refusal> {
        let found = self.find_expected(&swap.address, &swap.expected, now_ms)?;
        let expires_at = swap.expiry.over(found.live().and_then(|row| row.expires_at));
        Ok(self.write(&found, &swap.address, &swap.value, expires_at, now_ms)?)
    }

    /// Finds the rows of a key that must hold what is expected.
    pub(super) fn find_expected(
        &mut self,
        address: &Address,
        expected: &Expected,
        now_ms: i64,
    ) -> Result<KeyRows, Refusal> {
        let found = self.find(address, now_ms)?;
        let holds = match (expected, found.live()) {
            (Expected::Previous, _) | (Expected::Nothing, None) => true,
            (Expected::Value(expected), Some(row)) => self.has_value(row.rowid, address, expected)?,
            (Expected::Nothing, Some(_)) | (Expected::Value(_), None) => false,
        };
        if !holds {
            // The next try has to search the table itself.
            self.rowid_cache.remove(address);
            return Err(Refusal::Conflict);
        }
        Ok(found)
    }

    pub(super) fn delete(&mut self, address: &Address) -> Result<(), Error> {
        self.rowid_cache.remove(address);
        let due = self.count(address)?;
        let deleted = self.connection.prepare_cached(DELETE)?.execute(params![address.community, address.key])?;
        if deleted < due { Err(Error::not_written(&address.key)) } else { Ok(()) }
    }

    /// Number of rows of a key, of which a trigger may keep some from being deleted; 0 if there is no trigger.
    fn count(&self, address: &Address) -> Result<usize, Error> {
        if !self.triggers.on_keys {
            return Ok(0);
        }
        let mut count = self.connection.prepare_cached(COUNT_OF_KEY)?;
        let found: i64 = count.query_row(params![address.community, address.key], |row| row.get(0))?;
        Ok(usize::try_from(found).unwrap_or_default())
    }

    fn delete_matching(&mut self, community: Option<&str>, pattern: &str) -> Result<(), Error> {
        self.rowid_cache.clear();
        let connection = self.connection;
        let mut found = Vec::new();
        search::each_match(connection, community, pattern, &mut |rowid, _| {
            found.push(rowid);
            Ok(())
        })?;
        found.sort_unstable();
        let mut is_over = || connection.is_interrupted();
        let mut budget = Budget::until(&mut is_over);
        let mut delete = connection.prepare_cached(DELETE_ROW)?;
        for rowid in found {
            budget.spend(DELETE_STEPS).map_err(|Interrupted| connection.interruption())?;
            if delete.execute([rowid])? == 0
                && let Some(key) = self.key_of(rowid)?
            {
                return Err(Error::not_written(&key));
            }
        }
        Ok(())
    }

    /// Key of a row, if that still exists.
    fn key_of(&self, rowid: i64) -> Result<Option<String>, Error> {
        let mut statement = self.connection.prepare_cached(KEY_OF_ROW)?;
        let text = |row: &rusqlite::Row| Ok(super::columns::text(row, 0)?.unwrap_or_default());
        Ok(statement.query_row([rowid], text).optional()?)
    }

    pub(super) fn find(&mut self, address: &Address, now_ms: i64) -> Result<KeyRows, Error> {
        faults::panic_on(&address.key);
        if let Some(row) = self.rowid_cache.get(address) {
            return Ok(if is_expired(row.expires_at, now_ms) { KeyRows::Expired } else { KeyRows::One(row) });
        }
        let rows_of_key = prepared(self.connection, &mut self.rows_of_key, ROWS_OF_KEY)?;
        let mut rows = rows_of_key.query(params![address.community, address.key])?;
        let Some(newest) = rows.next()? else {
            return Ok(KeyRows::Nothing);
        };
        let row = CachedRow { rowid: newest.get(0)?, expires_at: expiry(newest.get_ref(1)?) };
        if is_expired(row.expires_at, now_ms) {
            return Ok(KeyRows::Expired);
        }
        Ok(if rows.next()?.is_none() { KeyRows::One(row) } else { KeyRows::Several(row) })
    }

    fn has_value(&self, rowid: i64, address: &Address, expected: &str) -> Result<bool, Error> {
        let mut statement = self.connection.prepare_cached(VALUE_OF_ROW)?;
        let same = statement.query_row(params![rowid, address.community, address.key], |row| {
            Ok(row.get_ref(0)?.as_bytes() == Ok(expected.as_bytes()))
        });
        Ok(same.optional()?.unwrap_or(false))
    }

    /// Leaves one row of the key, with the given value and expiry.
    pub(super) fn write(
        &mut self,
        found: &KeyRows,
        address: &Address,
        value: &str,
        expires_at: Option<i64>,
        now_ms: i64,
    ) -> Result<(), Error> {
        let key = &address.key;
        let rowid = match found {
            KeyRows::Nothing => self.insert(address, value, expires_at)?,
            KeyRows::One(row) => {
                if !self.update(row.rowid, address, value, expires_at)? {
                    self.check_place(address)?;
                    let found = self.find(address, now_ms)?;
                    return self.write(&found, address, value, expires_at, now_ms);
                }
                row.rowid
            }
            KeyRows::Several(_) => self.atomically(|keys| {
                let oldest = keys.oldest_live(address, now_ms)?;
                keys.delete_others(address, oldest)?;
                if keys.update(oldest, address, value, expires_at)? {
                    Ok(oldest)
                } else {
                    Err(Error::not_written(key))
                }
            })?,
            KeyRows::Expired => self.atomically(|keys| {
                keys.delete(address)?;
                keys.insert(address, value, expires_at)
            })?,
        };
        self.rowid_cache.insert(address, CachedRow { rowid, expires_at });
        Ok(())
    }

    /// Clears the rowid cache for another search: a row of a key was not found, and may not be where the cache has it.
    ///
    /// # Errors
    ///
    /// If the place was not the cache's.
    pub(super) fn check_place(&mut self, address: &Address) -> Result<(), Error> {
        if self.rowid_cache.get(address).is_none() {
            return Err(Error::not_written(&address.key));
        }
        self.rowid_cache.clear();
        Ok(())
    }

    /// The row of a key that keeps its place, of several.
    pub(super) fn oldest_live(&self, address: &Address, now_ms: i64) -> Result<i64, Error> {
        let mut statement = self.connection.prepare_cached(OLDEST_LIVE)?;
        Ok(statement.query_row(params![address.community, address.key, now_ms], |row| row.get(0))?)
    }

    /// Deletes every row of a key but one.
    ///
    /// # Errors
    ///
    /// If a trigger keeps one: a newer row would hide the value.
    pub(super) fn delete_others(&self, address: &Address, rowid: i64) -> Result<(), Error> {
        let due = self.count(address)?.saturating_sub(1);
        let mut statement = self.connection.prepare_cached(DELETE_OTHERS)?;
        let deleted = statement.execute(params![address.community, address.key, rowid])?;
        if deleted < due { Err(Error::not_written(&address.key)) } else { Ok(()) }
    }

    /// Inserts a row, and returns where it lies.
    fn insert(&mut self, address: &Address, value: &str, expires_at: Option<i64>) -> Result<i64, Error> {
        let Address { community, key } = address;
        let insert = prepared(self.connection, &mut self.insert, INSERT)?;
        match insert.execute(params![community, key, value, expires_at])? {
            0 => Err(Error::not_written(key)),
            _ => Ok(self.connection.last_insert_rowid()),
        }
    }

    /// Updates a row. Returns whether there was one.
    fn update(
        &mut self,
        rowid: i64,
        address: &Address,
        value: &str,
        expires_at: Option<i64>,
    ) -> Result<bool, Error> {
        let Address { community, key } = address;
        let update = prepared(self.connection, &mut self.update, UPDATE)?;
        Ok(update.execute(params![rowid, community, key, value, expires_at])? > 0)
    }
}

/// A statement, compiled when it is first needed.
fn prepared<'s, 'c>(
    connection: &'c UserConnection,
    statement: &'s mut Option<CachedStatement<'c>>,
    sql: &str,
) -> rusqlite::Result<&'s mut CachedStatement<'c>> {
    if statement.is_none() {
        *statement = Some(connection.prepare_cached(sql)?);
    }
    Ok(statement.as_mut().expect("it was prepared above"))
}
