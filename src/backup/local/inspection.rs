//! Read-only access to a database file that leaves no trace.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::Error;
use crate::engine::sqlite::wal::frames::wal_path;
use crate::engine::sqlite::{open_detached, open_own_reader};
use crate::limits::BUSY_TIMEOUT;

/// Opens a file for reading and leaves it and its log as they are. Closing the connection neither checkpoints an
/// existing log, even if nobody else has it open, nor leaves a new one behind.
///
/// # Errors
///
/// With SQLite's code.
pub fn open_for_inspection(path: &Path) -> Result<Connection, Error> {
    let has_log = wal_path(path).exists();
    let connection = open_own_reader(path, BUSY_TIMEOUT)?;
    // SQLite makes files beside a database to read it. Where it may not, and there is no log, nothing but the file counts.
    let read = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(Error::from);
    if !has_log && read.is_err_and(|error| error.code() == "SQLITE_READONLY_DIRECTORY") {
        return open_detached(path);
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_left_as_it_is_and_none_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let read = || {
            let connection = open_for_inspection(&path).unwrap();
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
        let log = std::fs::read(wal_path(&path)).unwrap();
        writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        drop(writer);
        assert_eq!(read(), 0);
        assert_eq!(std::fs::read(wal_path(&path)).unwrap(), log);

        drop(Connection::open(&path).unwrap().execute_batch("INSERT INTO t VALUES (1)"));
        assert!(!wal_path(&path).exists());
        assert_eq!(read(), 1);
        assert!(!wal_path(&path).exists());
    }
}
