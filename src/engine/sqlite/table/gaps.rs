//! Gaps between the keys of the table. Where the keys of an array ascend, one search shows that all those within a gap are
//! new.

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, OptionalExtension, params};

use super::range_rows::has_keys_in_utf_8;
use crate::Error;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::kv::{Address, Entry};

const NEXT_KEY: &str = "SELECT key FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key COLLATE BINARY >= ?2 ORDER BY key COLLATE BINARY LIMIT 1";
const ORDERED_BY_BYTES: &str = "SELECT 1 FROM pragma_index_xinfo('__rootapp_kv_community_id_key_unique', 'main') \
    WHERE name = 'key' AND coll = 'BINARY'";

/// Shortest array for which searching for gaps pays.
const ENTRIES_MIN: usize = 16;

/// Keys that are not looked up after many that were not new.
const PAUSE_MAX: usize = 64;

/// The gap that an array's keys are in.
pub struct Gaps<'c> {
    next_key: CachedStatement<'c>,
    gap: Gap,
    /// Keys that are not looked up, and how many they are the next time.
    pause: usize,
    next_pause: usize,
}

enum Gap {
    /// There is none, or none is known.
    None,
    /// Everything below this key.
    Below(String),
    /// Everything above all keys.
    Above,
}

impl<'c> Gaps<'c> {
    /// For an array whose keys ascend; `None` for another, and where the index has keys in another order.
    pub fn of(connection: &'c UserConnection, entries: &[Entry]) -> Result<Option<Self>, Error> {
        let ascend = |pair: &[Entry]| {
            let [one, next] = [&pair[0].address, &pair[1].address];
            one.key < next.key && one.community == next.community
        };
        if entries.len() < ENTRIES_MIN || !entries.windows(2).all(ascend) || !has_keys_in_utf_8(connection)? {
            return Ok(None);
        }
        if connection.prepare_cached(ORDERED_BY_BYTES)?.query_row([], |_| Ok(())).optional()?.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { next_key: connection.prepare_cached(NEXT_KEY)?, gap: Gap::None, pause: 0, next_pause: 0 }))
    }

    /// Returns `true` if a key is known to be new. It is behind all that were asked for, and nobody else has written since.
    pub fn has(&mut self, address: &Address) -> Result<bool, Error> {
        if self.is_in_gap(&address.key) {
            return Ok(true);
        }
        if self.pause > 0 {
            self.pause -= 1;
            return Ok(false);
        }
        let next = self.next_key.query_row(params![address.community, address.key], |row| {
            Ok(match row.get_ref(0)? {
                ValueRef::Text(key) => str::from_utf8(key).map_or(Gap::None, |key| Gap::Below(key.to_owned())),
                // A BLOB, which is not a key, follows all text.
                _ => Gap::Above,
            })
        });
        self.gap = next.optional()?.unwrap_or(Gap::Above);
        let is_new = self.is_in_gap(&address.key);
        self.next_pause = if is_new { 0 } else { (2 * self.next_pause + 1).min(PAUSE_MAX) };
        self.pause = self.next_pause;
        Ok(is_new)
    }

    fn is_in_gap(&self, key: &str) -> bool {
        match &self.gap {
            Gap::None => false,
            Gap::Below(next) => key < next.as_str(),
            Gap::Above => true,
        }
    }
}
