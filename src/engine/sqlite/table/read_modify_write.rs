//! Read-modify-write commands: those whose effect depends on the value that a key has.

use rusqlite::{OptionalExtension, params};

use super::columns;
use super::keys::{KeyRows, Keys, VALUE_OF_ROW};
use super::range_rows::{RangeRow, RangeRows, UpperBound, has_keys_in_utf_8};
use super::rowid_cache::CachedRow;
use crate::Error;
use crate::engine::sqlite::refusal::Refusal;
use crate::kv::{
    Address, Entry, Increment, JsonNumber, KeyOutcome, KeyRange, SwapPart, Then, is_expired, is_json, number_text,
    parse_number,
};

const EXPIRE: &str =
    "UPDATE main.__rootapp_kv SET expires_at = ?4 WHERE rowid = ?1 AND community_id IS ?2 AND key = ?3";
const COPY_VALUE: &str = "UPDATE main.__rootapp_kv \
    SET value = (SELECT value FROM main.__rootapp_kv WHERE rowid = ?2) WHERE rowid = ?1";
const DELETE_RANGE: &str = "DELETE FROM main.__rootapp_kv WHERE community_id IS ?1 AND key >= ?2 AND key < ?3";

impl Keys<'_> {
    pub(super) fn increment(&mut self, increment: &Increment, now_ms: i64) -> Result<KeyOutcome, Error> {
        let address = &increment.address;
        let (found, value) = self.read(address, now_ms)?;
        let before = match value.as_deref().map_or(JsonNumber::Number(0.0), parse_number) {
            JsonNumber::Number(number) => number,
            JsonNumber::Other => return Err(Error::not_number(&address.key)),
            JsonNumber::NotJson => return Err(Error::not_json(&address.key)),
        };
        let number = increment.add_to(before).ok_or_else(|| Error::out_of_range(&address.key))?;
        let expires_at = found.live().map_or(increment.expires_at, |row| row.expires_at);
        self.write(&found, address, &number_text(number), expires_at, now_ms)?;
        Ok(KeyOutcome::Number { number, expires_at })
    }

    pub(super) fn set_if_absent(&mut self, entry: &Entry, now_ms: i64) -> Result<KeyOutcome, Error> {
        let found = self.find(&entry.address, now_ms)?;
        let is_absent = found.live().is_none();
        if is_absent {
            self.write(&found, &entry.address, &entry.value, entry.expires_at, now_ms)?;
        }
        Ok(KeyOutcome::Done(is_absent))
    }

    pub(super) fn get_and_delete(&mut self, address: &Address, now_ms: i64) -> Result<KeyOutcome, Error> {
        let (_, value) = self.read(address, now_ms)?;
        if let Some(text) = &value {
            // Nobody could have the value any more.
            columns::check_length(&address.key, text)?;
            if !is_json(text) {
                return Err(Error::not_json(&address.key));
            }
            self.delete(address)?;
        }
        Ok(KeyOutcome::Value(value))
    }

    pub(super) fn expire(
        &mut self,
        address: &Address,
        expires_at: Option<i64>,
        now_ms: i64,
    ) -> Result<KeyOutcome, Error> {
        let rowid = match self.find(address, now_ms)? {
            KeyRows::Nothing | KeyRows::Expired => return Ok(KeyOutcome::Done(false)),
            KeyRows::One(row) => row.rowid,
            // The newest row alone would not do: the others would come back to life with its end.
            KeyRows::Several(newest) => self.atomically(|keys| keys.keep_newest(address, newest.rowid, now_ms))?,
        };
        let mut statement = self.connection.prepare_cached(EXPIRE)?;
        if statement.execute(params![rowid, address.community, address.key, expires_at])? == 0 {
            self.check_place(address)?;
            return self.expire(address, expires_at, now_ms);
        }
        self.rowid_cache.insert(address, CachedRow { rowid, expires_at });
        Ok(KeyOutcome::Done(true))
    }

    /// Leaves one row of a key that has several: with the value of the newest, in the place of the oldest. Returns where
    /// it lies.
    fn keep_newest(&mut self, address: &Address, newest: i64, now_ms: i64) -> Result<i64, Error> {
        let oldest = self.oldest_live(address, now_ms)?;
        self.connection.prepare_cached(COPY_VALUE)?.execute([oldest, newest])?;
        self.delete_others(address, oldest)?;
        Ok(oldest)
    }

    /// Changes several keys, or none. To be run atomically.
    pub(super) fn swap_many(&mut self, parts: &[SwapPart], now_ms: i64) -> Result<(), Refusal> {
        let found: Vec<KeyRows> = parts
            .iter()
            .map(|part| self.find_expected(&part.address, &part.expected, now_ms))
            .collect::<Result<_, _>>()?;
        for (SwapPart { address, then, .. }, found) in parts.iter().zip(&found) {
            match then {
                Then::Keep => {}
                Then::Store(value) => {
                    let expires_at = found.live().and_then(|row| row.expires_at);
                    self.write(found, address, value, expires_at, now_ms)?;
                }
                Then::Delete => self.delete(address)?,
            }
        }
        Ok(())
    }

    /// Deletes a range of keys. To be run atomically.
    pub(super) fn delete_range(
        &mut self,
        community: Option<&str>,
        range: &KeyRange,
        now_ms: i64,
    ) -> Result<KeyOutcome, Error> {
        self.rowid_cache.clear();
        // One statement may do, unless it finds other keys than those of the range, or a trigger keeps any.
        let is_one_by_one = self.triggers.on_keys || !has_keys_in_utf_8(self.connection)?;
        let (mut removed, mut keys) = (0, Vec::new());
        let rows = RangeRows { community, range, has_values: false };
        rows.newest_of_each_key(self.connection, false, |RangeRow { key, expires_at, .. }| {
            removed += u64::from(!is_expired(expires_at, now_ms));
            if is_one_by_one {
                keys.push(key.to_owned());
            }
            Ok(true)
        })?;
        if !is_one_by_one {
            let KeyRange { from, to } = range;
            let mut delete = self.connection.prepare_cached(DELETE_RANGE)?;
            delete.execute(params![community, from, UpperBound(to.as_deref())])?;
        }
        for key in keys {
            self.delete(&Address { community: community.map(str::to_owned), key })?;
        }
        Ok(KeyOutcome::Removed(removed))
    }

    /// The rows of a key, and its live value. A value of another program that is no text is the empty text, which is
    /// not JSON.
    fn read(&mut self, address: &Address, now_ms: i64) -> Result<(KeyRows, Option<String>), Error> {
        let found = self.find(address, now_ms)?;
        let Some(row) = found.live() else { return Ok((found, None)) };
        let mut statement = self.connection.prepare_cached(VALUE_OF_ROW)?;
        let place = params![row.rowid, address.community, address.key];
        let text = |row: &rusqlite::Row| Ok(columns::text(row, 0)?.unwrap_or_default());
        if let Some(value) = statement.query_row(place, text).optional()? {
            return Ok((found, Some(value)));
        }
        self.check_place(address)?;
        self.read(address, now_ms)
    }
}
