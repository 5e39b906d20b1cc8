//! Keys that differ between two states.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::merge::{are_equal, merge};
use super::progress::Compared;
use super::spool::{Held, Spool};
use super::states::State;
use crate::Error;
use crate::engine::sqlite::{columns, holds_keys};
use crate::kv::is_expired;

const ROWS: &str = "SELECT rowid, community_id, key, value, expires_at FROM main.__rootapp_kv ORDER BY rowid";
const COUNT: &str = "SELECT count(*) FROM main.__rootapp_kv";
const NEWEST_ROW: &str = "SELECT value, expires_at FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key = ?2 ORDER BY rowid DESC LIMIT 1";

/// Columns of [`ROWS`].
const COMMUNITY: usize = 1;
const KEY: usize = 2;
const EXPIRY: usize = 4;

/// Keys to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// The only community, empty for the default scope; `None` for all.
    pub community: Option<String>,
    /// Beginning of the keys.
    pub prefix: String,
}

impl KeyFilter {
    fn allows(&self, community: &str, key: &str) -> bool {
        self.community.as_ref().is_none_or(|only| only == community) && key.starts_with(&self.prefix)
    }
}

/// Numbers of keys that differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// Keys that are only in the later state.
    pub added: u64,
    /// Keys that are only in the earlier state.
    pub removed: u64,
    /// Keys whose value or expiry is another.
    pub changed: u64,
}

/// Number of rows of the key-value table; 0 if there is none.
pub(super) fn count(connection: &Connection) -> Result<u64, Error> {
    if !holds_keys(connection)? {
        return Ok(0);
    }
    let rows: i64 = connection.query_row(COUNT, [], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

/// Finds the keys that differ.
///
/// A key has the value of its newest row. Rows that are the same in both states do not tell that a key is: another may have
/// come or gone. So every key of a row that differs is looked up in both states, once.
pub(super) fn compare(
    before: &State,
    after: &State,
    filter: &KeyFilter,
    spool: &Spool,
    compared: &mut Compared,
) -> Result<KeyCounts, Error> {
    note_candidates(before, after, filter, spool, compared)?;
    let (before, after) = (Lookup::new(before)?, Lookup::new(after)?);
    let mut counts = KeyCounts::default();
    spool.candidates(&mut |community, key| {
        let (was, is) = (before.held(community, key)?, after.held(community, key)?);
        match (&was, &is) {
            (None, None) => return Ok(()),
            (None, Some(_)) => counts.added += 1,
            (Some(_), None) => counts.removed += 1,
            (Some(was), Some(is)) if was == is => return Ok(()),
            (Some(_), Some(_)) => counts.changed += 1,
        }
        spool.add(community, key, was.as_ref(), is.as_ref())
    })?;
    Ok(counts)
}

/// Notes the keys of rows that differ, and of those that have expired in one state and not in the other.
fn note_candidates(
    before: &State,
    after: &State,
    filter: &KeyFilter,
    spool: &Spool,
    compared: &mut Compared,
) -> Result<(), Error> {
    let rows = |state: &State| -> Result<_, Error> {
        if holds_keys(&state.connection)? { Ok(Some(ROWS)) } else { Ok(None) }
    };
    let mut left = rows(before)?.map(|sql| before.connection.prepare(sql)).transpose()?;
    let mut right = rows(after)?.map(|sql| after.connection.prepare(sql)).transpose()?;
    let mut add = spool.adds_candidate()?;
    let mut note = |row: &Row| -> Result<(), Error> {
        let Some((community, key)) = address(row)? else { return Ok(()) };
        if filter.allows(community, key) {
            add.execute(params![community, key])?;
        }
        Ok(())
    };
    let expired_differently = |row: &Row| -> Result<bool, Error> {
        let expiry = columns::expiry(row.get_ref(EXPIRY)?);
        Ok(is_expired(expiry, before.time_ms) != is_expired(expiry, after.time_ms))
    };
    merge(left.as_mut(), right.as_mut(), &mut |was, is| {
        compared.add(1);
        if let (Some(was), Some(is)) = (was, is)
            && are_equal(was, is, COMMUNITY..EXPIRY + 1)?
        {
            return if expired_differently(was)? { note(was) } else { Ok(()) };
        }
        was.map_or(Ok(()), &mut note)?;
        is.map_or(Ok(()), &mut note)
    })
}

/// Community, empty for the default scope, and key of a row, if it has one.
fn address<'a>(row: &'a Row) -> Result<Option<(&'a str, &'a str)>, Error> {
    let community = match row.get_ref(COMMUNITY)? {
        ValueRef::Null => Some(""),
        // No method reaches a row of the empty community.
        other => columns::key(other).filter(|community| !community.is_empty()),
    };
    Ok(community.zip(columns::key(row.get_ref(KEY)?)))
}

/// Looks keys up in a state.
pub struct Lookup<'a> {
    state: &'a State,
    has_keys: bool,
}

impl<'a> Lookup<'a> {
    /// Looks keys up in a state.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn new(state: &'a State) -> Result<Self, Error> {
        Ok(Self { state, has_keys: holds_keys(&state.connection)? })
    }

    /// Returns the value of a key at the time of the state. An empty `community` stands for the default scope.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn held(&self, community: &str, key: &str) -> Result<Option<Held>, Error> {
        if !self.has_keys {
            return Ok(None);
        }
        let community = Some(community).filter(|community| !community.is_empty());
        let mut statement = self.state.connection.prepare_cached(NEWEST_ROW)?;
        let found = statement.query_row(params![community, key], |row| {
            Ok(Held { text: text_of(row.get_ref(0)?), expires_at: columns::expiry(row.get_ref(1)?) })
        });
        let held = found.optional()?;
        Ok(held.filter(|held| !is_expired(held.expires_at, self.state.time_ms)))
    }
}

/// Text of a stored value, whatever another program has stored.
fn text_of(value: ValueRef) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
