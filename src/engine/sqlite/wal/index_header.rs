//! WAL-index header, which every commit to the file changes, whoever makes it.
//!
//! Layout: sqlite.org/walformat.html, "The WAL-Index Header". The header has 48 bytes in shared memory, in two
//! copies. A commit writes the second copy first, so whoever sees the first copy changed finds the commit complete.

use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use rusqlite::{Connection, ffi};

/// Size of each part of the WAL-index that SQLite maps (`WALINDEX_PGSZ`).
const REGION_BYTES: c_int = 32 << 10;

/// Position of the number of frames that are in the file (`WalCkptInfo.nBackfill`), in words.
const COPIED_WORD: usize = 2 * WalIndexHeader::WORDS;

/// Progress of a log and of its checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalProgress {
    /// Salts of the log, in the byte order of the log.
    pub salts: [u32; 2],
    /// Committed frames.
    pub frames: u32,
    /// Frames that are in the file, from the first on.
    pub copied: u32,
}

/// The header at one moment. Equal headers mean the same state of the database.
///
/// Its words: version, change counter, flags and page size, last frame, pages, two checksums, two salts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct WalIndexHeader([u32; WalIndexHeader::WORDS]);

impl WalIndexHeader {
    /// 32-bit words of the header.
    pub const WORDS: usize = 12;

    /// The header made of its words.
    #[must_use]
    pub const fn from_words(words: [u32; Self::WORDS]) -> Self {
        Self(words)
    }

    /// The words of the header.
    #[must_use]
    pub const fn words(self) -> [u32; Self::WORDS] {
        self.0
    }

    /// Size of a page in bytes.
    #[must_use]
    pub fn page_bytes(self) -> u32 {
        let [_, _, low, high] = self.0[3].to_ne_bytes();
        match u16::from_ne_bytes([low, high]) {
            1 => 65_536,
            bytes => bytes.into(),
        }
    }

    /// Returns `true` if the checksums in the log are of big-endian words.
    #[must_use]
    pub fn has_big_endian_checksums(self) -> bool {
        self.0[3].to_ne_bytes()[1] != 0
    }

    /// Number of commits, of this log and those before it; it wraps around, and counts on when a log is restarted.
    #[must_use]
    pub const fn commits(self) -> u32 {
        self.0[2]
    }

    /// Committed frames of the log.
    #[must_use]
    pub const fn frames(self) -> u32 {
        self.0[4]
    }

    /// Checksum of the last committed frame.
    #[must_use]
    pub const fn frame_checksum(self) -> [u32; 2] {
        [self.0[6], self.0[7]]
    }

    /// Salts of the log, in the byte order of the log.
    #[must_use]
    pub const fn salts(self) -> [u32; 2] {
        [u32::from_be(self.0[8]), u32::from_be(self.0[9])]
    }
}

impl WalIndexHeader {
    /// Returns `true` if nothing has happened since a header but that the log was restarted, once.
    ///
    /// Every commit changes the counter and the checksum of the frames. A restart changes neither, but the salts, of which
    /// the first grows by one (sqlite.org/walformat.html).
    #[must_use]
    pub fn is_restart_of(self, from: Self) -> bool {
        let unchanged = |word: usize| from.0[word] == self.0[word];
        self.frames() == 0
            && [2, 3, 5, 6, 7].into_iter().all(unchanged)
            && self.salts()[0] == from.salts()[0].wrapping_add(1)
    }
}

/// View of the header in shared memory.
///
/// Valid while the connection is open from which it was made: that keeps the memory mapped, and keeps everybody
/// from ending write-ahead mode.
#[derive(Debug, Clone, Copy)]
pub struct WalIndex(NonNull<AtomicU32>);

// SAFETY: the memory is shared with other processes as it is, and only read, word by word.
unsafe impl Send for WalIndex {}

impl WalIndex {
    /// The view of a connection's file for caches; `None` as for [`WalIndex::of_log`], and for a database in UTF-16, which
    /// alters some texts when it stores them, so that a cache of sent values would be wrong.
    pub fn of(connection: &Connection) -> Option<Self> {
        let encoding: String = connection.pragma_query_value(None, "encoding", |row| row.get(0)).ok()?;
        Self::of_log(connection).filter(|_| encoding == "UTF-8")
    }

    /// The view of a connection's file; `None` if the file is not in write-ahead mode, or there is no shared
    /// memory. The caller keeps the connection open while it uses the view.
    pub fn of_log(connection: &Connection) -> Option<Self> {
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).ok()?;
        if mode != "wal" {
            return None;
        }
        // Opens the log.
        connection.query_row("SELECT 1 FROM sqlite_schema", [], |_| Ok(())).ok()?;
        let file = file_of(connection, ffi::SQLITE_FCNTL_FILE_POINTER)?;
        let mut region: *mut std::ffi::c_void = std::ptr::null_mut();
        // SAFETY: the file lives as long as the connection, and has shared memory because it is in write-ahead mode:
        // mapping its first region again only returns the address.
        unsafe {
            let map = file.as_ref().pMethods.as_ref()?.xShmMap?;
            if map(file.as_ptr(), 0, REGION_BYTES, 0, &raw mut region) != ffi::SQLITE_OK {
                return None;
            }
        }
        NonNull::new(region.cast()).map(Self)
    }

    /// The header now.
    #[must_use]
    pub fn header(self) -> WalIndexHeader {
        // Acquire: later reads from the database are no older than the header.
        let words = std::array::from_fn(|word| {
            // SAFETY: the mapping holds a whole region, by the invariant of this type.
            unsafe { self.0.add(word).as_ref() }.load(Ordering::Relaxed)
        });
        fence(Ordering::Acquire);
        WalIndexHeader(words)
    }

    /// Progress of the log and of its checkpoints. Both are of one moment only under a lock that keeps others from writing
    /// to the log.
    #[must_use]
    pub fn progress(self) -> WalProgress {
        let header = self.header();
        // SAFETY: the mapping holds a whole region, by the invariant of this type.
        let copied = unsafe { self.0.add(COPIED_WORD).as_ref() }.load(Ordering::Relaxed);
        WalProgress { salts: header.salts(), frames: header.frames(), copied }
    }

    /// Bytes of committed pages that are in the log alone: a copy of the file lacks them.
    #[must_use]
    pub fn bytes_behind(self) -> u64 {
        let WalProgress { frames, copied, .. } = self.progress();
        u64::from(frames.saturating_sub(copied)) * u64::from(self.header().page_bytes())
    }

    /// Returns `true` if both copies of the header are equal. Otherwise a commit is being announced; or its writer
    /// died or was stopped just then, which may take SQLite seconds to find out.
    #[must_use]
    pub fn is_whole(self) -> bool {
        (0..WalIndexHeader::WORDS).all(|word| {
            // SAFETY: the mapping holds a whole region, by the invariant of this type.
            let (first, second) =
                unsafe { (self.0.add(word).as_ref(), self.0.add(WalIndexHeader::WORDS + word).as_ref()) };
            first.load(Ordering::Relaxed) == second.load(Ordering::Relaxed)
        })
    }

    /// Address of the header.
    #[cfg(feature = "node")]
    #[must_use]
    pub fn address(self) -> *mut std::ffi::c_void {
        self.0.as_ptr().cast()
    }
}

/// A file of a connection, valid while the connection is open. `operation` is one of SQLite's that return a file:
/// `SQLITE_FCNTL_FILE_POINTER`, `SQLITE_FCNTL_JOURNAL_POINTER`.
pub fn file_of(connection: &Connection, operation: c_int) -> Option<NonNull<ffi::sqlite3_file>> {
    let mut file: *mut ffi::sqlite3_file = std::ptr::null_mut();
    // SAFETY: the connection is open; these operations take the address of a pointer to a file and set it.
    let found = unsafe {
        ffi::sqlite3_file_control(connection.handle(), c"main".as_ptr(), operation, (&raw mut file).cast())
    };
    if found == ffi::SQLITE_OK { NonNull::new(file) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_changes_the_header_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        let reader = Connection::open(&path).unwrap();
        let view = WalIndex::of(&reader).unwrap();
        let mut before = view.header();
        for _ in 0..100 {
            writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
            let after = view.header();
            assert_ne!(after, before);
            before = after;
        }
        writer.execute_batch("BEGIN; INSERT INTO t VALUES (2); ROLLBACK").unwrap();
        writer.execute_batch("SELECT * FROM t; PRAGMA wal_checkpoint").unwrap();
        assert_eq!(view.header(), before);
    }

    #[test]
    fn there_is_none_without_a_write_ahead_log_or_in_utf_16() {
        let folder = tempfile::tempdir().unwrap();
        let plain = Connection::open(folder.path().join("plain.sqlite3")).unwrap();
        plain.execute_batch("CREATE TABLE t (a)").unwrap();
        assert!(WalIndex::of(&plain).is_none());
        let wide = Connection::open(folder.path().join("wide.sqlite3")).unwrap();
        wide.execute_batch("PRAGMA encoding = 'UTF-16'; PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        assert!(WalIndex::of(&wide).is_none());
    }
}
