//! The SQL behind each command of [`crate::kv`].
//!
//! A file of SDK 0.17.0 may hold several rows of one key, because a unique index does not bind where the
//! community is NULL. The newest row (the highest rowid) is the key's value. A write leaves one row: the oldest
//! since the key last expired, so that the key keeps its place in the order of insertion and the SDK, which reads
//! the oldest, sees the value.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::kv::{Address, Command, Entry, KeyRange, Pattern, Swap, is_expired};
use crate::{Error, faults};

const ROWS_OF_KEY: &str = "SELECT rowid, expires_at, value FROM __rootapp_kv \
    WHERE community_id IS ?1 AND key = ?2 ORDER BY rowid DESC LIMIT 2";
const INSERT: &str = "INSERT INTO __rootapp_kv (community_id, key, value, expires_at) VALUES (?1, ?2, ?3, ?4)";
const UPDATE: &str = "UPDATE __rootapp_kv SET value = ?2, expires_at = ?3 WHERE rowid = ?1";
const DELETE: &str = "DELETE FROM __rootapp_kv WHERE community_id IS ?1 AND key = ?2";
const OLDEST_LIVE: &str = "SELECT min(rowid) FROM __rootapp_kv \
    WHERE community_id IS ?1 AND key = ?2 AND rowid > (SELECT coalesce(max(rowid), -9223372036854775808) \
        FROM __rootapp_kv WHERE community_id IS ?1 AND key = ?2 AND expires_at <= ?3)";
const DELETE_OTHERS: &str = "DELETE FROM __rootapp_kv WHERE community_id IS ?1 AND key = ?2 AND rowid <> ?3";

/// Why a command had no effect.
pub enum Refusal {
    /// A swap whose expectation does not hold.
    Conflict,
    /// The command failed.
    Failed(Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs a command within the open transaction, as a whole or not at all.
pub fn run(connection: &Connection, command: &Command, now_ms: i64) -> Result<(), Refusal> {
    match command {
        Command::Set(entry) => Ok(set(connection, entry, now_ms)?),
        Command::SetMany(entries) => {
            Ok(savepoint(connection, || entries.iter().try_for_each(|entry| set(connection, entry, now_ms)))?)
        }
        Command::Swap(swap) => swap_value(connection, swap, now_ms),
        Command::Delete(Address { community, key }) => {
            connection.prepare_cached(DELETE)?.execute(params![community, key])?;
            Ok(())
        }
        Command::DeleteLike { community, pattern } => Ok(delete_like(connection, community.as_deref(), pattern)?),
    }
}

/// The expiry as the column holds it. Whatever is not a number never expires, as the SDK has it.
pub fn expiry(column: ValueRef) -> Option<i64> {
    match column {
        ValueRef::Integer(at) => Some(at),
        // The first millisecond that is not before it, as SQL compares it. Saturates, which is what an expiry beyond
        // all time means.
        #[expect(clippy::cast_possible_truncation, reason = "fractions of a millisecond do not matter")]
        ValueRef::Real(at) => Some(at.ceil() as i64),
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    }
}

/// The rows of one key.
enum Found {
    Nothing,
    /// One row, live.
    One {
        rowid: i64,
        value: Option<String>,
        expires_at: Option<i64>,
    },
    /// Several rows, of which the newest is live.
    Several {
        value: Option<String>,
        expires_at: Option<i64>,
    },
    /// The newest row has expired, and with it the key.
    Expired,
}

fn find(connection: &Connection, address: &Address, now_ms: i64) -> rusqlite::Result<Found> {
    faults::panic_on(&address.key);
    let mut statement = connection.prepare_cached(ROWS_OF_KEY)?;
    let mut rows = statement.query(params![address.community, address.key])?;
    let Some(newest) = rows.next()? else {
        return Ok(Found::Nothing);
    };
    let expires_at = expiry(newest.get_ref(1)?);
    if is_expired(expires_at, now_ms) {
        return Ok(Found::Expired);
    }
    let (rowid, value) = (newest.get(0)?, text(newest, 2)?);
    Ok(match rows.next()? {
        None => Found::One { rowid, value, expires_at },
        Some(_) => Found::Several { value, expires_at },
    })
}

/// The key that a row is of. Others may have stored what is no text, and such a row is no key's.
pub fn key(column: ValueRef<'_>) -> Option<&str> {
    match column {
        ValueRef::Text(bytes) => str::from_utf8(bytes).ok(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

/// A column's text, if it is one.
pub fn text(row: &Row, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(text_of(row.get_ref(column)?).map(str::to_owned))
}

/// A value's text, if it is one.
pub fn text_of(value: ValueRef<'_>) -> Option<&str> {
    value.as_bytes().ok().and_then(|bytes| str::from_utf8(bytes).ok())
}

fn set(connection: &Connection, entry: &Entry, now_ms: i64) -> rusqlite::Result<()> {
    let found = find(connection, &entry.address, now_ms)?;
    write(connection, &found, &entry.address, &entry.value, entry.expires_at, now_ms)
}

fn swap_value(connection: &Connection, swap: &Swap, now_ms: i64) -> Result<(), Refusal> {
    let found = find(connection, &swap.address, now_ms)?;
    let (holds, kept_expiry) = match &found {
        Found::Nothing | Found::Expired => (swap.expected.is_none(), None),
        Found::One { value, expires_at, .. } | Found::Several { value, expires_at } => {
            (swap.expected.is_some() && *value == swap.expected, *expires_at)
        }
    };
    if !holds {
        return Err(Refusal::Conflict);
    }
    let expires_at = swap.expires_at.or(kept_expiry);
    Ok(write(connection, &found, &swap.address, &swap.value, expires_at, now_ms)?)
}

/// Leaves one row of the key, with this value and expiry.
fn write(
    connection: &Connection,
    found: &Found,
    address: &Address,
    value: &str,
    expires_at: Option<i64>,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let Address { community, key } = address;
    let insert =
        || connection.prepare_cached(INSERT)?.execute(params![community, key, value, expires_at]).map(drop);
    let update =
        |rowid: i64| connection.prepare_cached(UPDATE)?.execute(params![rowid, value, expires_at]).map(drop);
    match found {
        Found::Nothing => insert(),
        Found::One { rowid, .. } => update(*rowid),
        Found::Several { .. } => savepoint(connection, || {
            let oldest: i64 = connection
                .prepare_cached(OLDEST_LIVE)?
                .query_row(params![community, key, now_ms], |row| row.get(0))?;
            connection.prepare_cached(DELETE_OTHERS)?.execute(params![community, key, oldest])?;
            update(oldest)
        }),
        Found::Expired => savepoint(connection, || {
            connection.prepare_cached(DELETE)?.execute(params![community, key])?;
            insert()
        }),
    }
}

fn delete_like(connection: &Connection, community: Option<&str>, pattern: &str) -> rusqlite::Result<()> {
    let (condition, parameters) = matching(community, pattern);
    let sql = format!("DELETE FROM __rootapp_kv WHERE {condition}");
    connection.prepare_cached(&sql)?.execute(params_from_iter(parameters))?;
    Ok(())
}

/// The condition that a row is of a community and matches a pattern, and its parameters in order.
pub fn matching(community: Option<&str>, pattern: &str) -> (String, Vec<Option<String>>) {
    let mut condition = String::from("community_id IS ?");
    let mut parameters = vec![community.map(str::to_owned)];
    let parsed = Pattern::new(pattern);
    let mut is_range = parsed.is_prefix();
    if let Some(KeyRange { from, to }) = parsed.key_range() {
        // Without an upper bound it holds what is no text, too.
        is_range &= to.is_some();
        condition.push_str(" AND key COLLATE NOCASE >= ?");
        parameters.push(Some(from));
        if to.is_some() {
            condition.push_str(" AND key COLLATE NOCASE < ?");
            parameters.push(to);
        }
    }
    if !is_range {
        condition.push_str(" AND __rootcellar_like(?, key)");
        parameters.push(Some(pattern.to_owned()));
    }
    (condition, parameters)
}

/// Runs `body` as a whole or not at all within the open transaction.
fn savepoint(connection: &Connection, body: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    connection.prepare_cached("SAVEPOINT __rootcellar")?.execute([])?;
    let result = body();
    // Some failures (a full disk) end the whole transaction, and the savepoint with it.
    if result.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK TO __rootcellar")?.execute([])?;
    }
    if !connection.is_autocommit() {
        connection.prepare_cached("RELEASE __rootcellar")?.execute([])?;
    }
    result
}
