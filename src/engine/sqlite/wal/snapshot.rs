//! The snapshot that a connection reads.

use rusqlite::{Connection, ffi};

use super::index_header::{WalIndex, WalIndexHeader};

/// The WAL-index header when the read transaction of a connection began; `None` if it has no transaction, if the
/// file is not in write-ahead mode, or if nothing was ever committed to its log.
///
/// SQLite's snapshots are copies of that header (sqlite.org/c3ref/snapshot.html).
pub fn snapshot_header(connection: &Connection) -> Option<WalIndexHeader> {
    const { assert!(size_of::<ffi::sqlite3_snapshot>() == size_of::<WalIndexHeader>()) };
    let mut snapshot: *mut ffi::sqlite3_snapshot = std::ptr::null_mut();
    // SAFETY: the connection is open, and the name ends with a zero. A snapshot that is handed out is 48 bytes long, and
    // stays until it is freed, once.
    unsafe {
        if ffi::sqlite3_snapshot_get(connection.handle(), c"main".as_ptr(), &raw mut snapshot) != ffi::SQLITE_OK {
            return None;
        }
        let header = snapshot.cast::<WalIndexHeader>().read_unaligned();
        ffi::sqlite3_snapshot_free(snapshot);
        Some(header)
    }
}

/// [`snapshot_header`], also if nothing was ever committed to the log.
pub fn snapshot_header_of_any_log(connection: &Connection) -> Option<WalIndexHeader> {
    snapshot_header(connection).or_else(|| {
        // Had there been a commit since the snapshot was taken, its checksum would be there, also in a restarted log.
        WalIndex::of_log(connection).map(WalIndex::header).filter(|now| now.frame_checksum() == [0, 0])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_transaction_is_told_by_the_header_that_it_began_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("CREATE TABLE t (a)").unwrap();
        let reader = Connection::open(&path).unwrap();
        let begin = || {
            reader.execute_batch("BEGIN").unwrap();
            reader.query_row("SELECT count(*) FROM t", [], |_| Ok(())).unwrap();
        };
        begin();
        assert_eq!(snapshot_header(&reader), None, "in rollback mode");
        reader.execute_batch("COMMIT").unwrap();
        assert_eq!(snapshot_header(&reader), None, "outside a transaction");

        writer.execute_batch("PRAGMA journal_mode = WAL; INSERT INTO t VALUES (1)").unwrap();
        begin();
        let view = WalIndex::of(&writer).unwrap();
        let then = view.header();
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_ne!(view.header(), then);
        assert_eq!(snapshot_header(&reader), Some(then));
        reader.execute_batch("COMMIT").unwrap();
        begin();
        assert_eq!(snapshot_header(&reader), Some(view.header()));
    }

    #[test]
    fn a_read_transaction_before_the_first_commit_has_the_header_until_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let first = Connection::open(&path).unwrap();
        first.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        first.close().unwrap();
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        reader.query_row("SELECT count(*) FROM t", [], |_| Ok(())).unwrap();
        assert_eq!(snapshot_header(&reader), None);
        let found = snapshot_header_of_any_log(&reader);
        assert_eq!(found, WalIndex::of(&reader).map(WalIndex::header));
        assert!(found.is_some());
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert_eq!(snapshot_header_of_any_log(&reader), None, "it is not known any more");
        writer.execute_batch("PRAGMA wal_checkpoint(RESTART)").unwrap_or(());
        assert_eq!(snapshot_header_of_any_log(&reader), None, "nor when the log is restarted");
    }
}
