//! Search for the rows of a community whose keys match a pattern, by the index that keeps keys unique.
//!
//! A pattern matches letters of either case, and the index has them apart. So where keys stop matching the search goes on at
//! the next key that can match: where all keys are in one case, that is a seek for each letter at most.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, StatementStatus, ffi, params};

use super::range_rows::has_keys_in_utf_8;
use crate::Error;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::kv::{Budget, Interrupted, LiteralStart, Pattern, SearchStep};

const OF_COMMUNITY: &str = "SELECT rowid, key FROM main.__rootapp_kv WHERE community_id IS ?1";
const FROM_KEY: &str = "SELECT rowid, key FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key COLLATE BINARY >= ?2 ORDER BY key COLLATE BINARY";

/// Passes each row that matches to `found`, by rowid and key, in the order in which they are found. `%` matches a key that is
/// not text, too.
pub fn each_match(
    connection: &UserConnection,
    community: Option<&str>,
    pattern: &str,
    found: &mut dyn FnMut(i64, ValueRef) -> Result<(), Error>,
) -> Result<(), Error> {
    let pattern = Pattern::new(pattern);
    let mut is_over = || connection.is_interrupted();
    let mut budget = Budget::until(&mut is_over);
    let mut matches = |key: ValueRef| match key {
        _ if pattern.is_start() => Ok(true),
        ValueRef::Text(key) => pattern.matches_within(&String::from_utf8_lossy(key), &mut budget),
        _ => Ok(false),
    };
    let mut take = |rowid: i64, key: ValueRef| {
        if matches(key).map_err(|Interrupted| connection.interruption())? { found(rowid, key) } else { Ok(()) }
    };
    match pattern.literal_start() {
        Some(start) if has_keys_in_utf_8(connection)? => search(connection, community, &start, &mut take),
        start => scan(connection, community, start.as_ref(), &mut take),
    }
}

/// Passes on each row of a key that begins as `start` says.
fn search(
    connection: &Connection,
    community: Option<&str>,
    start: &LiteralStart,
    take: &mut dyn FnMut(i64, ValueRef) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(FROM_KEY)?;
    let mut from = start.first();
    // A table of another program may lack an index in the order of bytes. Then SQLite reads the whole table for each search,
    // and sorts it. So one is enough, from here on.
    statement.reset_status(StatementStatus::Sort);
    loop {
        let is_sorted = statement.get_status(StatementStatus::Sort) > 0;
        let mut next = None;
        let mut rows = statement.query(params![community, from])?;
        while let Some(row) = rows.next()? {
            // BLOBs, which are not keys, follow all text.
            let ValueRef::Text(key) = row.get_ref(1)? else { break };
            match start.step(key) {
                SearchStep::Take => take(row.get(0)?, ValueRef::Text(key))?,
                SearchStep::Seek(_) if is_sorted => {}
                SearchStep::Seek(key) => {
                    next = Some(key);
                    break;
                }
                SearchStep::End => break,
            }
        }
        drop(rows);
        match next {
            // A damaged index may give a key before the one that was sought, and the same one again for ever.
            Some(key) if key <= from => return Err(malformed()),
            Some(key) => from = key,
            None => return Ok(()),
        }
    }
}

fn malformed() -> Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT_INDEX), None).into()
}

/// Passes on each row of a community, or each of a key that begins as `start` says.
fn scan(
    connection: &Connection,
    community: Option<&str>,
    start: Option<&LiteralStart>,
    take: &mut dyn FnMut(i64, ValueRef) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(OF_COMMUNITY)?;
    let mut rows = statement.query(params![community])?;
    while let Some(row) = rows.next()? {
        let key = row.get_ref(1)?;
        let starts = |start: &LiteralStart| match key {
            ValueRef::Text(key) => start.step(key) == SearchStep::Take,
            _ => false,
        };
        if start.is_none_or(starts) {
            take(row.get(0)?, key)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sqlite::connection::open_writer;
    use crate::engine::sqlite::interrupt::Interrupt;

    /// Searches among 20,000 rows that lie between the cases of a few and behind them, and counts the steps that SQLite takes.
    fn steps(connection: &UserConnection) -> i32 {
        let rows = "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
            INSERT INTO __rootapp_kv (key, value) SELECT iif(i % 2, 'Vine:', 'zebra:') || i, '1' FROM n; \
            INSERT INTO __rootapp_kv (key, value) \
            VALUES ('USER:1', '1'), ('Use', '1'), ('User:2', '1'), ('uSex', '1'), ('user:3', '1'), ('usher', '1')";
        connection.execute_batch(rows).unwrap();
        connection.prepare_cached(FROM_KEY).unwrap().reset_status(StatementStatus::VmStep);
        let mut rowids = Vec::new();
        each_match(connection, None, "user:%", &mut |rowid, _| {
            rowids.push(rowid);
            Ok(())
        })
        .unwrap();
        assert_eq!(rowids.len(), 3);
        connection.prepare_cached(FROM_KEY).unwrap().get_status(StatementStatus::VmStep)
    }

    #[test]
    fn what_lies_between_two_cases_of_a_key_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(&folder.path().join("a.sqlite3"), Interrupt::default()).unwrap();
        let steps = steps(&connection);
        assert!((1..1_000).contains(&steps), "{steps}");
    }

    #[test]
    fn a_table_without_an_index_is_not_read_for_each_case() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(&folder.path().join("a.sqlite3"), Interrupt::default()).unwrap();
        connection.execute_batch("DROP INDEX `__rootapp_kv_community_id_key_unique`").unwrap();
        let steps = steps(&connection);
        let mut statement = connection.prepare_cached(FROM_KEY).unwrap();
        statement.reset_status(StatementStatus::VmStep);
        let mut rows = statement.query(params![None::<&str>, "USER:"]).unwrap();
        while rows.next().unwrap().is_some() {}
        drop(rows);
        let once = statement.get_status(StatementStatus::VmStep);
        assert!((20_000..once * 2).contains(&steps), "{steps} of {once}");
    }

    #[test]
    fn a_damaged_index_is_reported_instead_of_being_searched_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        drop(open_writer(&path, Interrupt::default()).unwrap());
        // The index has its keys in another order than it says.
        let other = Connection::open(&path).unwrap();
        let damage = "DROP INDEX `__rootapp_kv_community_id_key_unique`; \
            CREATE UNIQUE INDEX `__rootapp_kv_community_id_key_unique` \
            ON __rootapp_kv (community_id, key COLLATE NOCASE); \
            INSERT INTO __rootapp_kv (key, value) VALUES ('user:1', '1'), ('USF', '1'); \
            PRAGMA writable_schema = ON; \
            UPDATE sqlite_schema SET sql = replace(sql, ' COLLATE NOCASE', '') \
            WHERE name = '__rootapp_kv_community_id_key_unique'";
        other.execute_batch(damage).unwrap();
        drop(other);
        let connection = open_writer(&path, Interrupt::default()).unwrap();
        let searched = each_match(&connection, None, "user:%", &mut |_, _| Ok(()));
        assert_eq!(searched.unwrap_err().code(), "SQLITE_CORRUPT_INDEX");
    }
}
