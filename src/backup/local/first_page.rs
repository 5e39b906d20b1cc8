//! Fingerprint of a database's first page, taken when the file was closed.
//!
//! Every writer increments the change counter in the first page, with or without a write-ahead log
//! (`pager_write_changecounter` in SQLite's sources). If the page differs from its state at the last close although
//! the counter is the same, it was damaged and not written.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use twox_hash::XxHash3_128;

use crate::Error;
use crate::backup::fs::disk;
use crate::backup::fs::replace::replace;

/// File change counter (sqlite.org/fileformat.html).
pub const CHANGES: std::ops::Range<usize> = 24..28;

/// Schema cookie.
const SCHEMAS: std::ops::Range<usize> = 40..44;

/// Ranges excluded from the hash: the counters, and fields in which valid copies with equal counters may differ.
/// These are the database size and the free list, which SQLite's own checks cover, and the version that wrote last.
const APART: [std::ops::Range<usize>; 2] = [24..44, 92..100];

const RECORD_BYTES: usize = 24;

/// Fingerprint of a first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPage {
    counts: [u8; 8],
    hash: u128,
}

impl FirstPage {
    /// Reads the fingerprint; `None` if the database has no page.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn read(connection: &Connection) -> Result<Option<Self>, Error> {
        Ok(read_first_page(connection)?.map(Self::of))
    }

    fn of(mut page: Vec<u8>) -> Self {
        let mut counts = [0; 8];
        counts[..4].copy_from_slice(&page[CHANGES]);
        counts[4..].copy_from_slice(&page[SCHEMAS]);
        for range in APART {
            page[range].fill(0);
        }
        Self { counts, hash: XxHash3_128::oneshot(&page) }
    }

    /// Returns true if a later fingerprint proves damage. `self` was taken when nobody had the file open.
    #[must_use]
    pub fn contradicts(&self, later: &Self) -> bool {
        self.counts == later.counts && self.hash != later.hash
    }

    /// Saves the fingerprint in a folder. After a failure it is simply unknown.
    pub fn keep(&self, folder: &Path) {
        let bytes: Vec<u8> = self.counts.into_iter().chain(self.hash.to_le_bytes()).collect();
        drop(replace(&record(folder), &bytes));
    }

    /// Loads the fingerprint from a folder and removes it: it is valid until the file is opened.
    #[must_use]
    pub fn take(folder: &Path) -> Option<Self> {
        let bytes = std::fs::read(record(folder));
        disk::remove(&record(folder)).ok()?;
        let bytes: [u8; RECORD_BYTES] = bytes.ok()?.try_into().ok()?;
        let (counts, hash) = bytes.split_at(8);
        Some(Self { counts: counts.try_into().ok()?, hash: u128::from_le_bytes(hash.try_into().ok()?) })
    }
}

/// Reads the first page; `None` if there is none yet.
///
/// # Errors
///
/// With SQLite's code.
pub fn read_first_page(connection: &Connection) -> Result<Option<Vec<u8>>, Error> {
    let mut statement = connection.prepare("SELECT data FROM sqlite_dbpage('main') WHERE pgno = 1")?;
    let mut rows = statement.query([])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

fn record(folder: &Path) -> PathBuf {
    folder.join("first-page")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> FirstPage {
        FirstPage::read(&Connection::open(path).unwrap()).unwrap().unwrap()
    }

    #[test]
    fn what_sqlite_wrote_never_contradicts_and_what_it_did_not_write_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        for mode in ["WAL", "DELETE"] {
            let write = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
            write(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE IF NOT EXISTS t (x)"));
            let mut before = read(&path);
            for sql in [
                "INSERT INTO t VALUES (zeroblob(20000))",
                "PRAGMA user_version = 5",
                "CREATE TABLE u (x)",
                "DROP TABLE u",
                "PRAGMA application_id = 6",
                "DELETE FROM t",
                "VACUUM",
            ] {
                write(sql);
                let after = read(&path);
                assert!(!before.contradicts(&after), "{mode}: {sql}");
                before = after;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[63] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert!(before.contradicts(&read(&path)), "{mode}");
        }
    }

    #[test]
    fn what_was_kept_is_known_once() {
        let folder = tempfile::tempdir().unwrap();
        let page = FirstPage::of((0..=255).collect());
        page.keep(folder.path());
        assert_eq!(FirstPage::take(folder.path()), Some(page));
        assert_eq!(FirstPage::take(folder.path()), None);
    }
}
