//! The number of live keys of a range.
//!
//! Where no key has two rows, that is the number of rows less the expired ones, which SQLite counts by itself. Only a file
//! of SDK 0.17.0 has such keys; to find out takes a few times as long as to count, so it is remembered.

use std::collections::HashSet;

use rusqlite::params;

use crate::Error;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::table::columns;
use crate::engine::sqlite::table::range_rows::{UpperBound, has_keys_in_utf_8};
use crate::engine::sqlite::wal::commit_log::CommitLog;
use crate::engine::sqlite::wal::snapshot::snapshot_header_of_any_log;
use crate::kv::KeyRange;
use crate::reads::CountQuery;

const COUNT: &str = "SELECT count(*) FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key >= ?2 AND key < ?3";
// The signs keep SQLite from using any other index than that of expiries.
const COUNT_EXPIRED: &str = "SELECT count(*) FROM main.__rootapp_kv \
    WHERE expires_at <= ?4 AND +community_id IS ?1 AND +key >= ?2 AND +key < ?3";
const EXPIRED: &str = "SELECT rowid FROM main.__rootapp_kv WHERE expires_at <= ?2 AND +community_id IS ?1";
const KEYS: &str = "SELECT rowid, key FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key >= ?2 AND key < ?3 ORDER BY key, rowid";
const ALL_KEYS: &str = "SELECT rowid, key FROM main.__rootapp_kv WHERE community_id IS ?1 ORDER BY key, rowid";

/// Counts the live keys. `commit_log` is as for [`super::answer::answer`].
pub fn count(
    connection: &UserConnection,
    query: &CountQuery,
    commit_log: Option<&CommitLog>,
) -> Result<i64, Error> {
    let CountQuery { community, range, now_ms } = query;
    if !has_keys_in_utf_8(connection)? {
        return Ok(one_by_one(connection, query, false)?.keys);
    }
    // Rows of a community have different keys: there the unique index does what it is for.
    let snapshot = commit_log.zip(snapshot_header_of_any_log(connection)).filter(|_| community.is_none());
    if community.is_some() || snapshot.is_some_and(|(log, header)| log.has_single_rows(header, range)) {
        let KeyRange { from, to } = range;
        let to = UpperBound(to.as_deref());
        let rows: i64 =
            connection.prepare_cached(COUNT)?.query_row(params![community, from, to], |row| row.get(0))?;
        let expired: i64 = connection
            .prepare_cached(COUNT_EXPIRED)?
            .query_row(params![community, from, to, now_ms], |row| row.get(0))?;
        return Ok(rows - expired);
    }
    let counted = one_by_one(connection, query, true)?;
    if let Some((log, header)) = snapshot
        && counted.rows == counted.all_keys
    {
        log.add_single_rows(header, range);
    }
    Ok(counted.keys)
}

/// Numbers of a range.
#[derive(Default)]
struct Counted {
    /// Rows, also those of no key.
    rows: i64,
    /// Keys, also expired ones.
    all_keys: i64,
    /// Live keys.
    keys: i64,
}

/// Looks at each row. Without `is_ordered` the index has the keys in another order than the range.
fn one_by_one(connection: &UserConnection, query: &CountQuery, is_ordered: bool) -> Result<Counted, Error> {
    let CountQuery { community, range, now_ms } = query;
    let mut statement = connection.prepare_cached(EXPIRED)?;
    let expired = statement.query_map(params![community, now_ms], |row| row.get::<_, i64>(0))?;
    let expired: HashSet<i64> = expired.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(if is_ordered { KEYS } else { ALL_KEYS })?;
    let to = UpperBound(range.to.as_deref());
    let mut rows = if is_ordered {
        statement.query(params![community, range.from, to])?
    } else {
        statement.query(params![community])?
    };
    let mut counted = Counted::default();
    let mut last = String::new();
    let mut is_last_live = false;
    while let Some(row) = rows.next()? {
        counted.rows += 1;
        let Some(key) = columns::key(row.get_ref(1)?).filter(|key| is_ordered || range.has(key)) else { continue };
        if counted.all_keys == 0 || last != key {
            counted.keys += i64::from(is_last_live);
            counted.all_keys += 1;
            key.clone_into(&mut last);
        }
        // Of equal keys the last row is the newest.
        is_last_live = expired.is_empty() || !expired.contains(&row.get(0)?);
    }
    counted.keys += i64::from(is_last_live);
    Ok(counted)
}
