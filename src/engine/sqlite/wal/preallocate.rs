//! Preallocation of space in the write-ahead log for the next commits.
//!
//! A commit that makes the log longer has to wait until the file system has recorded its new length. On a
//! journaling file system that takes as long again as writing the data. So the log grows in larger steps. Bytes
//! behind the last valid frame have no meaning (sqlite.org/fileformat2.html, "The Write-Ahead Log").

use std::ptr::NonNull;
use std::sync::atomic::AtomicU8;

use rusqlite::{Connection, ffi};

use super::gather::{Gatherer, Gathering};
use super::index_header::{WalIndexHeader, file_of};
use crate::limits::{WAL_BYTES_MAX, WAL_GROWTH_BYTES};

/// Size of the header of a frame, and of the log.
const FRAME_HEADER_BYTES: u64 = 24;
const LOG_HEADER_BYTES: u64 = 32;

/// Frames that a small commit writes at most.
const SMALL_COMMIT_FRAMES: u64 = 16;

/// Bytes of one write: SQLite's files accept less than 128 KiB. Atomic, so that they are no part of the binary: what could
/// change and begins as zeros is memory that the system clears.
static ZEROS: [AtomicU8; 64 << 10] = [const { AtomicU8::new(0) }; 64 << 10];

/// The log file of a connection. It belongs to the connection, and must not be used after that is closed.
#[derive(Debug)]
pub struct WalFile {
    file: NonNull<ffi::sqlite3_file>,
    /// Last known length. The file is shorter if others have truncated it since.
    length: u64,
    gatherer: Option<Gatherer>,
}

// SAFETY: SQLite's files are used by one thread at a time, and this one goes with its connection.
unsafe impl Send for WalFile {}

impl WalFile {
    /// The log file of a connection in write-ahead mode, which the caller keeps open while it uses this.
    pub fn of(connection: &Connection) -> Option<Self> {
        file_of(connection, ffi::SQLITE_FCNTL_JOURNAL_POINTER).map(|file| Self {
            file,
            length: 0,
            gatherer: Gatherer::of(file),
        })
    }

    /// Makes room for a small commit behind the last frame. The caller holds the write lock, so nobody else writes
    /// to the log. If that fails, the commit will report it.
    pub fn make_room(&mut self, header: WalIndexHeader) {
        let (frames, page_bytes) = (u64::from(header.frames()), u64::from(header.page_bytes()));
        if frames < SMALL_COMMIT_FRAMES {
            // A restarted log may have been truncated. That of a bot that writes now and then stays as short as this.
            self.length = 0;
            return;
        }
        let needed = LOG_HEADER_BYTES + (frames + SMALL_COMMIT_FRAMES) * (FRAME_HEADER_BYTES + page_bytes);
        if needed <= self.length || needed > WAL_BYTES_MAX {
            return;
        }
        if let Some(length) = self.read_length() {
            self.length = length;
            while self.length < length + WAL_GROWTH_BYTES && needed > length && self.write_zeros(self.length) {
                self.length += ZEROS.len() as u64;
            }
        }
    }

    /// Gathers what a commit writes, until the result is dropped. The commit must sync the log.
    pub fn gather(&mut self) -> Option<Gathering<'_>> {
        self.gatherer.as_mut().map(Gatherer::begin)
    }

    fn read_length(&self) -> Option<u64> {
        let mut length = 0;
        // SAFETY: the file is open, by the invariant of this type.
        let read = unsafe {
            let methods = self.file.as_ref().pMethods.as_ref()?;
            methods.xFileSize?(self.file.as_ptr(), &raw mut length)
        };
        if read == ffi::SQLITE_OK { u64::try_from(length).ok() } else { None }
    }

    fn write_zeros(&self, at: u64) -> bool {
        let (Ok(at), Ok(bytes)) = (i64::try_from(at), i32::try_from(ZEROS.len())) else { return false };
        // SAFETY: the file is open, by the invariant of this type, and the buffer has as many bytes.
        let written = unsafe {
            let Some(write) = self.file.as_ref().pMethods.as_ref().and_then(|methods| methods.xWrite) else {
                return false;
            };
            write(self.file.as_ptr(), ZEROS.as_ptr().cast(), bytes, at)
        };
        written == ffi::SQLITE_OK
    }
}

#[cfg(test)]
mod tests {
    use super::super::index_header::WalIndex;
    use super::*;

    #[test]
    fn a_log_with_room_is_read_and_recovered_as_one_without() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        let view = WalIndex::of(&connection).unwrap();
        let mut log = WalFile::of(&connection).unwrap();
        let length = || path.with_extension("sqlite3-wal").metadata().unwrap().len();
        let before = length();
        for n in 0..100 {
            if n < 10 {
                assert!(length() < WAL_GROWTH_BYTES / 4, "a short log");
            }
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            log.make_room(view.header());
            connection.execute_batch(&format!("INSERT INTO t VALUES ({n}); COMMIT")).unwrap();
        }
        let begun = before + SMALL_COMMIT_FRAMES * (FRAME_HEADER_BYTES + 4096);
        assert!((before + WAL_GROWTH_BYTES..=begun + WAL_GROWTH_BYTES).contains(&length()), "{}", length());

        // The state after a kill: the database and its log, copied while they are open.
        let copy = folder.path().join("b.sqlite3");
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(path.with_extension("sqlite3-wal"), copy.with_extension("sqlite3-wal")).unwrap();
        let recovered = Connection::open(&copy).unwrap();
        let count = |sql: &str| recovered.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM t"), 100);
        assert_eq!(count("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    }

    #[test]
    fn a_log_is_not_made_longer_than_it_gets_anyway() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("a.sqlite3")).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        let mut words = WalIndex::of(&connection).unwrap().header().words();
        let mut log = WalFile::of(&connection).unwrap();
        words[4] = 1 << 20;
        log.make_room(WalIndexHeader::from_words(words));
        assert_eq!(log.length, 0);
    }
}
