//! SQLite's integrity checks.

use rusqlite::Connection;

use crate::Error;
use crate::backup::local::first_page::read_first_page;
use crate::engine::sqlite::keep_pages;

/// Depth of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The schema, which opening a database reads.
    Schema,
    /// Every page.
    Pages,
    /// Every page, and all indexes against their tables: takes about five times as long.
    Rows,
}

/// Result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No problem was found.
    Sound,
    /// An index does not match its table. The pages are sound, and most of the content can be read.
    Inconsistent,
    /// The database is damaged; the problem, as a part of a sentence.
    Damaged(String),
}

/// Offsets of the file format versions (sqlite.org/fileformat.html, "File format version numbers").
const WRITE_VERSION: usize = 18;
const READ_VERSION: usize = 19;

/// Known versions: rollback journals and write-ahead logs.
const VERSIONS: std::ops::RangeInclusive<u8> = 1..=2;

/// Runs SQLite's checks on a database, on a connection for this alone.
///
/// Virtual tables are left out: SQLite would ask their modules, and one that is not up to date (a full-text index of another
/// table) is no damage of the file. The tables in which they keep what they have are checked like any other.
///
/// # Errors
///
/// With SQLite's code, if it could not be read: a lock, a missing permission or a failing disk is no evidence against
/// the content.
pub fn check_database(connection: &Connection, depth: Depth) -> Result<Verdict, Error> {
    match try_check(connection, depth) {
        Err(error) if is_damage(&error) => Ok(Verdict::Damaged(format!("SQLite says: {error}"))),
        other => other,
    }
}

fn try_check(connection: &Connection, depth: Depth) -> Result<Verdict, Error> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    if read_first_page(connection)?.is_some_and(|page| !has_known_versions(&page)) {
        return Ok(Verdict::Damaged("its header cannot be".to_owned()));
    }
    keep_pages(connection)?;
    // A violated CHECK constraint is no damage.
    connection.pragma_update(None, "ignore_check_constraints", true)?;
    let rows = if depth == Depth::Rows { passes(connection, "PRAGMA integrity_check(1)")? } else { None };
    if depth == Depth::Schema || rows == Some(true) {
        return Ok(Verdict::Sound);
    }
    if passes(connection, "PRAGMA quick_check(1)")? == Some(false) {
        return Ok(Verdict::Damaged("SQLite finds it damaged".to_owned()));
    }
    // The problem shows only in the deeper check.
    Ok(if rows == Some(false) { Verdict::Inconsistent } else { Verdict::Sound })
}

/// Returns true if a database passes one of SQLite's checks; `None` if the check needs a function that only the
/// user's program has.
fn passes(connection: &Connection, check: &str) -> Result<Option<bool>, Error> {
    match connection.query_row(check, [], |row| row.get::<_, String>(0)).map_err(Error::from) {
        Ok(verdict) => Ok(Some(verdict == "ok")),
        Err(error) if error.code() == "SQLITE_ERROR" => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns true if an error proves damage: SQLite cannot interpret the content of the file.
pub fn is_damage(error: &Error) -> bool {
    ["SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR"].iter().any(|code| error.code().starts_with(code))
}

/// SQLite writes equal versions, and opens a file with a greater write version read-only.
fn has_known_versions(page: &[u8]) -> bool {
    page[WRITE_VERSION] == page[READ_VERSION] && VERSIONS.contains(&page[READ_VERSION])
}

#[cfg(test)]
mod tests {
    use rusqlite::functions::FunctionFlags;

    use super::*;

    #[test]
    fn what_only_the_users_program_understands_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let users = Connection::open(&path).unwrap();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        users.create_scalar_function("twice", 1, flags, |context| Ok(context.get::<i64>(0)? * 2)).unwrap();
        users
            .execute_batch(
                "CREATE TABLE t (x CHECK (twice(x) < 10), y TEXT);
                 CREATE INDEX t_twice ON t (twice(x));
                 CREATE INDEX t_y ON t (y);
                 INSERT INTO t VALUES (1, 'a'), (2, 'b');
                 PRAGMA ignore_check_constraints = ON;
                 INSERT INTO t VALUES (100, 'c');",
            )
            .unwrap();
        drop(users);
        let connection = Connection::open(&path).unwrap();
        for depth in [Depth::Schema, Depth::Pages, Depth::Rows] {
            assert_eq!(check_database(&connection, depth).unwrap(), Verdict::Sound, "{depth:?}");
        }
    }

    #[test]
    fn a_virtual_table_that_is_not_up_to_date_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let users = Connection::open(&path).unwrap();
        users
            .execute_batch(
                "CREATE TABLE t (id INTEGER PRIMARY KEY, x);
                 INSERT INTO t (x) VALUES ('before');
                 CREATE VIRTUAL TABLE words USING fts4(content='t', x);
                 CREATE VIRTUAL TABLE more USING fts5(x, content='t', content_rowid='id');
                 CREATE VIRTUAL TABLE places USING rtree(id, low, high);
                 INSERT INTO words (words) VALUES ('rebuild');
                 INSERT INTO more (more) VALUES ('rebuild');
                 INSERT INTO places VALUES (1, 1, 2);
                 UPDATE t SET x = 'after';
                 DELETE FROM places_rowid;",
            )
            .unwrap();
        let verdict: String = users.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).unwrap();
        assert_ne!(verdict, "ok", "nothing would be left out");
        drop(users);
        for depth in [Depth::Schema, Depth::Pages, Depth::Rows] {
            let connection = Connection::open(&path).unwrap();
            assert_eq!(check_database(&connection, depth).unwrap(), Verdict::Sound, "{depth:?}");
        }
    }

    #[test]
    fn an_index_that_differs_from_its_table_is_seen_where_rows_are_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (x UNIQUE); INSERT INTO t VALUES ('findable')").unwrap();
        drop(connection);
        let mut bytes = std::fs::read(&path).unwrap();
        let place = bytes.windows(8).position(|window| window == b"findable").unwrap();
        bytes[place] = b'g';
        std::fs::write(&path, bytes).unwrap();
        let connection = Connection::open(&path).unwrap();
        assert_eq!(check_database(&connection, Depth::Pages).unwrap(), Verdict::Sound);
        assert_eq!(check_database(&connection, Depth::Rows).unwrap(), Verdict::Inconsistent);
    }
}
