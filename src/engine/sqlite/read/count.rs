//! The number of live keys of a range.
//!
//! If no key has two rows, that is the number of rows less the expired ones, which SQLite counts by itself. Only a file of SDK
//! 0.17.0 has such keys. To find out, each key is compared with the one before, so it is remembered.

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
// By the index without which the rows of a community may have equal keys, too.
const COUNT_UNIQUE: &str = "SELECT count(*) FROM main.__rootapp_kv INDEXED BY __rootapp_kv_community_id_key_unique \
    WHERE community_id IS ?1 AND key >= ?2 AND key < ?3";
// In the order of this index, which has the rows of a key side by side.
const COUNT_KEYS: &str = "SELECT count(*), __rootcellar_keys(key) \
    FROM main.__rootapp_kv INDEXED BY __rootapp_kv_community_id_key_unique \
    WHERE community_id IS ?1 AND key >= ?2 AND key < ?3";
// The newest row of a key counts. The signs keep SQLite from using any other index than that of expiries.
const COUNT_EXPIRED: &str = "SELECT __rootcellar_keys(key) FROM main.__rootapp_kv AS expired \
    WHERE expires_at <= ?4 AND +community_id IS ?1 AND +key >= ?2 AND +key < ?3 \
    AND NOT EXISTS (SELECT 1 FROM main.__rootapp_kv AS newer \
        WHERE newer.community_id IS ?1 AND newer.key = expired.key AND newer.rowid > expired.rowid)";
const EXPIRED: &str = "SELECT rowid FROM main.__rootapp_kv WHERE expires_at <= ?2 AND +community_id IS ?1";
const ALL_KEYS: &str = "SELECT rowid, key FROM main.__rootapp_kv WHERE community_id IS ?1 ORDER BY key, rowid";

/// Counts the live keys. `commit_log` is as for [`super::answer::answer`].
pub fn count(
    connection: &UserConnection,
    query: &CountQuery,
    commit_log: Option<&CommitLog>,
) -> Result<i64, Error> {
    if !has_keys_in_utf_8(connection)? {
        return one_by_one(connection, query);
    }
    let CountQuery { community, range, now_ms } = query;
    let KeyRange { from, to } = range;
    let to = UpperBound(to.as_deref());
    // Rows of a community have different keys: there the unique index does what it is for.
    let snapshot = commit_log.zip(snapshot_header_of_any_log(connection)).filter(|_| community.is_none());
    let is_known = snapshot.is_some_and(|(log, header)| log.has_single_rows(header, range));
    let sql = match community {
        Some(_) => COUNT_UNIQUE,
        None if is_known => COUNT,
        None => COUNT_KEYS,
    };
    let counted = connection.prepare_cached(sql).and_then(|mut statement| {
        statement.query_row(params![community, from, to], |row| {
            let rows: i64 = row.get(0)?;
            Ok((rows, if sql == COUNT_KEYS { row.get(1)? } else { rows }))
        })
    });
    // Without the index, which another program may have removed, there is no such statement, nor any more if it was compiled
    // before.
    let (rows, keys) = match counted {
        Err(error) if is_of_the_statement(&error) => return one_by_one(connection, query),
        counted => counted?,
    };
    if let Some((log, header)) = snapshot.filter(|_| !is_known)
        && rows == keys
    {
        log.add_single_rows(header, range);
    }
    let mut statement = connection.prepare_cached(COUNT_EXPIRED)?;
    let expired: i64 = statement.query_row(params![community, from, to, now_ms], |row| row.get(0))?;
    Ok(keys - expired)
}

/// Returns `true` for `SQLITE_ERROR`: the statement is to blame, and not a lock, the disk or an end of the read.
fn is_of_the_statement(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|failure| failure.extended_code == rusqlite::ffi::SQLITE_ERROR)
}

/// Looks at each row of a community, where no index has the keys of the range.
fn one_by_one(connection: &UserConnection, query: &CountQuery) -> Result<i64, Error> {
    let CountQuery { community, range, now_ms } = query;
    let mut statement = connection.prepare_cached(EXPIRED)?;
    let expired = statement.query_map(params![community, now_ms], |row| row.get(0))?;
    let expired: HashSet<i64> = expired.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(ALL_KEYS)?;
    let mut rows = statement.query(params![community])?;
    let mut keys = 0;
    let mut last: Option<String> = None;
    let mut is_last_live = false;
    while let Some(row) = rows.next()? {
        let Some(key) = columns::key(row.get_ref(1)?).filter(|key| range.has(key)) else { continue };
        if last.as_deref() != Some(key) {
            keys += i64::from(is_last_live);
            key.clone_into(last.get_or_insert_default());
        }
        // The last of the rows of a key is the newest.
        is_last_live = expired.is_empty() || !expired.contains(&row.get(0)?);
    }
    Ok(keys + i64::from(is_last_live))
}
