//! What the first page of a database was when its file was closed.
//!
//! Whoever opens a file and writes to its first page counts one more there than was read, with or without a write-ahead log
//! (`pager_write_changecounter` in SQLite's sources). So a first page that differs from what it was when nobody had the file
//! open, and counts the same, was not written but damaged.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use twox_hash::XxHash3_128;

use crate::Error;
use crate::backup::fs::disk;

/// What counts changes (sqlite.org/fileformat.html, "File change counter").
pub const CHANGES: std::ops::Range<usize> = 24..28;

/// What counts changes of the schema ("Schema cookie").
const SCHEMAS: std::ops::Range<usize> = 40..44;

/// What is left out: the counts, and what two copies of a file that were written in different ways may differ in while
/// they count the same, which is the size and the free pages, that SQLite's own checks compare with the pages, and which
/// SQLite wrote last.
const APART: [std::ops::Range<usize>; 2] = [24..44, 92..100];

const RECORD_BYTES: usize = 24;

/// A first page at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPage {
    counts: [u8; 8],
    hash: u128,
}

impl FirstPage {
    /// That of a database; `None` if it has none.
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

    /// Whether a later first page differs from this, which was read when nobody had the file open, without having been
    /// written.
    #[must_use]
    pub fn contradicts(&self, later: &Self) -> bool {
        self.counts == later.counts && self.hash != later.hash
    }

    /// Keeps it in a folder. If that fails, nothing is known of it later.
    pub fn keep(&self, folder: &Path) {
        let bytes: Vec<u8> = self.counts.into_iter().chain(self.hash.to_le_bytes()).collect();
        drop(disk::replace(&record(folder), &bytes));
    }

    /// What was kept in a folder, and is not any more: it holds until the file is opened.
    #[must_use]
    pub fn take(folder: &Path) -> Option<Self> {
        let bytes = std::fs::read(record(folder));
        disk::remove(&record(folder)).ok()?;
        let bytes: [u8; RECORD_BYTES] = bytes.ok()?.try_into().ok()?;
        let (counts, hash) = bytes.split_at(8);
        Some(Self { counts: counts.try_into().ok()?, hash: u128::from_le_bytes(hash.try_into().ok()?) })
    }
}

/// The first page; `None` if there is none yet.
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
