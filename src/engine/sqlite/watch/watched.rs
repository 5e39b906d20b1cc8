//! Watched keys, their last known state, and their changes since.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use twox_hash::XxHash3_128;

use super::dirty::Dirty;
use crate::Error;
use crate::engine::sqlite::table::columns::{self, NEWEST_ROW};
use crate::engine::sqlite::table::range_rows::{UpperBound, has_keys_in_utf_8};
use crate::kv::{ChangeWriter, KeyRange, is_expired};
use crate::limits::{WATCH_BYTES_MAX, WATCH_CHANGES_MAX};
use crate::reads::{Scope, WatchReport};

const ROWS_OF_RANGE: &str = "SELECT rowid, key, value, expires_at FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key >= ?2 AND key < ?3 ORDER BY key, rowid";
const ROWS_OF_PAGES: &str = "SELECT rowid, key, value, community_id, expires_at FROM main.__rootapp_kv \
    WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid";

/// Digest of a value.
type Digest = u128;

/// Last known state of a key that has a value.
#[derive(Debug)]
struct KnownValue {
    digest: Digest,
    expires_at: Option<i64>,
    /// Scan that has last found it.
    scan: u32,
}

/// Some keys of a community that are watched. A range takes some 250 bytes with its text for each key; values are not kept.
#[derive(Debug)]
pub struct Watched {
    community: Option<String>,
    scope: Scope,
    known: HashMap<Arc<str>, KnownValue>,
    /// The rows of a range, expired ones and duplicates of the SDK among them.
    rows: BTreeMap<i64, Arc<str>>,
    /// Those whose end may lie on pages of its own.
    long_rows: BTreeSet<i64>,
    expiries: BTreeSet<(i64, Arc<str>)>,
    /// Keys that may have changed.
    suspects: BTreeSet<Arc<str>>,
    dirty: Dirty,
    scans: u32,
    /// Rows from this length on count as long.
    long_bytes: usize,
}

impl Watched {
    /// Keys to be watched. Nothing is known of them yet.
    #[must_use]
    pub fn new(community: Option<String>, scope: Scope) -> Self {
        Self {
            community,
            scope,
            known: HashMap::new(),
            rows: BTreeMap::new(),
            long_rows: BTreeSet::new(),
            expiries: BTreeSet::new(),
            suspects: BTreeSet::new(),
            dirty: Dirty::NOTHING,
            scans: 0,
            long_bytes: 0,
        }
    }

    /// Learns all, in a transaction: what changes later is a change.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn begin(&mut self, connection: &Connection, now_ms: i64) -> Result<(), Error> {
        self.dirty = Dirty::NOTHING;
        self.suspects.clear();
        if self.long_bytes == 0 {
            let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            self.long_bytes = page as usize / 2;
        }
        match self.scope.clone() {
            Scope::Keys(keys) => {
                for key in keys {
                    let key = Arc::from(key);
                    let now = self.read(connection, &key, now_ms, |_| Ok(()))?;
                    self.learn(&key, now);
                }
                Ok(())
            }
            Scope::Range(range) => self.scan(connection, &range, now_ms, true),
        }
    }

    /// Notes what may have changed.
    pub fn add(&mut self, dirty: &Dirty) {
        self.dirty.add(dirty);
    }

    /// Returns `true` if anything may have changed.
    #[must_use]
    pub fn is_due(&self, now_ms: i64) -> bool {
        !self.dirty.is_nothing()
            || !self.suspects.is_empty()
            || self.expiries.first().is_some_and(|(at, _)| *at <= now_ms)
    }

    /// Finds what has changed, in a transaction; `None` if nothing has.
    ///
    /// # Errors
    ///
    /// With SQLite's code, or `ERR_VALUE_NOT_JSON`.
    pub fn changes(&mut self, connection: &Connection, now_ms: i64) -> Result<Option<WatchReport>, Error> {
        while let Some((at, _)) = self.expiries.first()
            && *at <= now_ms
        {
            self.suspects.extend(self.expiries.pop_first().map(|(_, key)| key));
        }
        let dirty = self.dirty.clone();
        match (self.scope.clone(), dirty) {
            (_, dirty) if dirty.is_nothing() => {}
            (Scope::Keys(keys), _) => self.suspects.extend(keys.into_iter().map(Arc::from)),
            (Scope::Range(range), Dirty::All) => self.scan(connection, &range, now_ms, false)?,
            (Scope::Range(range), Dirty::Rows { ranges, overflowing }) => {
                self.suspect(connection, &range, &ranges, overflowing)?;
            }
        }
        self.dirty = Dirty::NOTHING;
        self.report(connection, now_ms)
    }

    /// Compares the suspects with what is known of them.
    fn report(&mut self, connection: &Connection, now_ms: i64) -> Result<Option<WatchReport>, Error> {
        let mut writer = ChangeWriter::default();
        while let Some(key) = self.suspects.pop_first() {
            let before = self.known.get(&key).map(|known| known.digest);
            let now = self.read(connection, &key, now_ms, |value| {
                if Some(digest_of(value)) == before { Ok(()) } else { writer.push(&key, Some(value)) }
            })?;
            if now.is_none() && before.is_some() {
                writer.push(&key, None)?;
            }
            self.learn(&key, now);
            if writer.changes() > WATCH_CHANGES_MAX {
                self.begin(connection, now_ms)?;
                return Ok(Some(WatchReport::Resync));
            }
            if writer.bytes() > WATCH_BYTES_MAX {
                break;
            }
        }
        Ok((writer.changes() > 0).then(|| WatchReport::Changes(writer.finish())))
    }

    /// Reads the value of a key, which `take` gets; what is to be known of it, if it has one.
    fn read(
        &self,
        connection: &Connection,
        key: &Arc<str>,
        now_ms: i64,
        take: impl FnOnce(&str) -> Result<(), Error>,
    ) -> Result<Option<KnownValue>, Error> {
        let mut statement = connection.prepare_cached(NEWEST_ROW)?;
        let mut rows = statement.query(params![self.community, &**key])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let expires_at = columns::expiry(row.get_ref(1)?);
        if is_expired(expires_at, now_ms) {
            return Ok(None);
        }
        let value = columns::text_of(row.get_ref(0)?).unwrap_or_default();
        take(value)?;
        Ok(Some(KnownValue { digest: digest_of(value), expires_at, scan: self.scans }))
    }

    fn learn(&mut self, key: &Arc<str>, now: Option<KnownValue>) {
        let expires_at = now.as_ref().and_then(|known| known.expires_at);
        let before = match now {
            Some(now) => self.known.insert(Arc::clone(key), now),
            None => self.known.remove(key),
        };
        let was_to_expire_at = before.and_then(|known| known.expires_at);
        if let Some(at) = was_to_expire_at.filter(|_| was_to_expire_at != expires_at) {
            self.expiries.remove(&(at, Arc::clone(key)));
        }
        if let Some(at) = expires_at {
            self.expiries.insert((at, Arc::clone(key)));
        }
    }

    /// Reads all rows of the range. Learns what they hold, or makes suspects of the keys that differ from what is known.
    fn scan(&mut self, connection: &Connection, range: &KeyRange, now_ms: i64, learns: bool) -> Result<(), Error> {
        self.scans = self.scans.wrapping_add(1);
        self.rows.clear();
        self.long_rows.clear();
        let mut found: Vec<(i64, Arc<str>)> = Vec::new();
        let mut statement = connection.prepare_cached(ROWS_OF_RANGE)?;
        // If the index has keys in another order, those of the range may lie anywhere in it.
        let (from, to) =
            if has_keys_in_utf_8(connection)? { (&*range.from, range.to.as_deref()) } else { ("", None) };
        let mut rows = statement.query(params![self.community, from, UpperBound(to)])?;
        let mut last: Option<(Arc<str>, Option<KnownValue>)> = None;
        while let Some(row) = rows.next()? {
            let Some(key) = columns::key(row.get_ref(1)?).filter(|key| range.has(key)) else { continue };
            // Rows of one key follow each other, the newest at their end.
            let key = match &last {
                Some((same, _)) if &**same == key => Arc::clone(same),
                _ => {
                    if let Some((key, now)) = last.take() {
                        self.found(&key, now, learns);
                    }
                    self.known.get_key_value(key).map_or_else(|| Arc::from(key), |(key, _)| Arc::clone(key))
                }
            };
            let rowid = row.get(0)?;
            let value = columns::text_of(row.get_ref(2)?).unwrap_or_default();
            let expires_at = columns::expiry(row.get_ref(3)?);
            let now = (!is_expired(expires_at, now_ms)).then(|| KnownValue {
                digest: digest_of(value),
                expires_at,
                scan: self.scans,
            });
            if is_long(self.long_bytes, &key, row.get_ref(2)?) {
                self.long_rows.insert(rowid);
            }
            found.push((rowid, Arc::clone(&key)));
            last = Some((key, now));
        }
        if let Some((key, now)) = last {
            self.found(&key, now, learns);
        }
        found.sort_unstable_by_key(|(rowid, _)| *rowid);
        self.rows = BTreeMap::from_iter(found);
        let scan = self.scans;
        let gone = self.known.iter().filter(|(_, known)| known.scan != scan).map(|(key, _)| Arc::clone(key));
        let gone: Vec<Arc<str>> = gone.collect();
        if learns {
            for key in &gone {
                self.learn(key, None);
            }
        } else {
            self.suspects.extend(gone);
        }
        Ok(())
    }

    /// Takes what a scan has found of a key.
    fn found(&mut self, key: &Arc<str>, now: Option<KnownValue>, learns: bool) {
        if learns {
            return self.learn(key, now);
        }
        let scan = self.scans;
        match (self.known.get_mut(key), now) {
            (Some(known), Some(now)) if known.digest == now.digest && known.expires_at == now.expires_at => {
                known.scan = scan;
            }
            (None, None) => {}
            (known, _) => {
                if let Some(known) = known {
                    known.scan = scan;
                }
                self.suspects.insert(Arc::clone(key));
            }
        }
    }

    /// Makes suspects of the keys of rows that may have changed, which were there or are there now.
    fn suspect(
        &mut self,
        connection: &Connection,
        range: &KeyRange,
        ranges: &[(i64, i64)],
        overflowing: bool,
    ) -> Result<(), Error> {
        if overflowing {
            let keys = self.long_rows.iter().filter_map(|rowid| self.rows.get(rowid));
            self.suspects.extend(keys.cloned());
        }
        // In a damaged tree a range may end before it begins.
        for (from, to) in ranges.iter().copied().filter(|(from, to)| from <= to) {
            let there = self.rows.range(from..=to).map(|(rowid, key)| (*rowid, Arc::clone(key)));
            let mut gone: BTreeMap<i64, Arc<str>> = there.collect();
            let mut statement = connection.prepare_cached(ROWS_OF_PAGES)?;
            let mut rows = statement.query([from, to])?;
            while let Some(row) = rows.next()? {
                let Some(key) = columns::key(row.get_ref(1)?).filter(|key| range.has(key)) else { continue };
                if columns::key(row.get_ref(3)?) != self.community.as_deref() {
                    continue;
                }
                let rowid = row.get(0)?;
                let was_there = gone.get(&rowid).is_some_and(|before| **before == *key);
                if was_there && self.is_as_known(key, row)? {
                    gone.remove(&rowid);
                    continue;
                }
                let key = self.known.get_key_value(key).map_or_else(|| Arc::from(key), |(key, _)| Arc::clone(key));
                if is_long(self.long_bytes, &key, row.get_ref(2)?) {
                    self.long_rows.insert(rowid);
                } else {
                    self.long_rows.remove(&rowid);
                }
                self.suspects.extend(gone.remove(&rowid));
                self.suspects.insert(Arc::clone(&key));
                self.rows.insert(rowid, key);
            }
            for (rowid, key) in gone {
                self.rows.remove(&rowid);
                self.long_rows.remove(&rowid);
                self.suspects.insert(key);
            }
        }
        Ok(())
    }

    /// Returns `true` if a row of [`ROWS_OF_PAGES`] holds what is known of its key, so that it is not this row that has changed.
    fn is_as_known(&self, key: &str, row: &Row) -> Result<bool, Error> {
        let Some(known) = self.known.get(key) else { return Ok(false) };
        let value = columns::text_of(row.get_ref(2)?).unwrap_or_default();
        Ok(known.expires_at == columns::expiry(row.get_ref(4)?) && known.digest == digest_of(value))
    }
}

fn digest_of(value: &str) -> Digest {
    XxHash3_128::oneshot(value.as_bytes())
}

fn is_long(bytes: usize, key: &str, value: ValueRef) -> bool {
    let length = match value {
        ValueRef::Text(value) | ValueRef::Blob(value) => value.len(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 0,
    };
    length + key.len() > bytes
}
