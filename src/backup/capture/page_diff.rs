//! Changed pages, found by comparing every page with a table of hashes.

use std::path::Path;

use rusqlite::Connection;

use super::checkpointed::checkpointed_pages;
use super::compare::{Visit, visit_changed, visit_changed_among, visit_pages};
use super::page_hashes::{Page, PageTable};
use crate::backup::fs::disk;
use crate::engine::sqlite::wal::frames::WalState;
use crate::engine::sqlite::{identity, open_own_reader, snapshot_header};
use crate::limits::BUSY_TIMEOUT;
use crate::ltx::PageSize;
use crate::{BackupProblem, Error};

/// Size and log position of a database in one read transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// Page size.
    pub page_size: PageSize,
    /// Size in pages.
    pub commit: u32,
    /// State of the write-ahead log; `None` if nothing was committed to one.
    pub wal: Option<WalState>,
    /// Identity of the database ([`identity`]).
    pub identity: Option<u64>,
    /// Modification time of the database file ([`disk::written_ns`]).
    pub written_ns: Option<u64>,
}

/// Strategy to find changed pages. Pages are visited in ascending order, without the lock page.
pub trait Capture: Send {
    /// Returns false if nobody has committed anything since the last [`Capture::begin`]. Cheap.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    fn has_changed(&mut self) -> Result<bool, Error>;

    /// Begins a read transaction, which lasts until [`Capture::end`]. `None` if the database has no page yet.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    fn begin(&mut self) -> Result<Option<Image>, Error>;

    /// Visits every page of this transaction that differs from the table. The table describes the transaction that
    /// [`Capture::recorded`] was last called for, or an earlier one if it was never called.
    ///
    /// # Errors
    ///
    /// With SQLite's code, or what `visit` returns.
    fn changes(&mut self, table: &PageTable, visit: &mut Visit) -> Result<(), Error>;

    /// Visits every page of this transaction.
    ///
    /// # Errors
    ///
    /// With SQLite's code, or what `visit` returns.
    fn pages(&mut self, visit: &mut Visit) -> Result<(), Error>;

    /// Returns the pages that the database file itself holds in an older version than its log
    /// ([`checkpointed_pages`]). Only within the transaction, which the table describes: it keeps newer versions out of
    /// the file.
    fn checkpointed(&self, table: &PageTable) -> Vec<Page>;

    /// Ends the read transaction.
    fn end(&mut self);

    /// Declares that the table now describes this transaction, or the last one if that has ended.
    fn recorded(&mut self);
}

/// Compares every page, which is right whoever wrote, in whatever way, and whenever.
#[derive(Debug)]
pub struct PageDiff {
    connection: Connection,
    /// SQLite's `data_version` as of the last transaction.
    seen: Option<i64>,
    lock_page: u32,
}

impl PageDiff {
    /// Opens a connection of its own, for reading only.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let connection = open_own_reader(path, BUSY_TIMEOUT)?;
        Ok(Self { connection, seen: None, lock_page: 0 })
    }

    fn number<T: TryFrom<i64>>(&self, pragma: &str) -> Result<T, Error> {
        let number: i64 = self.connection.pragma_query_value(None, pragma, |row| row.get(0))?;
        T::try_from(number).map_err(|_| Error::internal(&format!("SQLite's {pragma} is {number}")))
    }

    fn image(&mut self) -> Result<Option<Image>, Error> {
        // Reads a page, so that the transaction begins here and covers all that follows.
        self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        self.seen = Some(self.number("data_version")?);
        let commit = self.number("page_count")?;
        let bytes: u32 = self.number("page_size")?;
        let page_size = PageSize::new(bytes).map_err(|_| {
            Error::backup(BackupProblem::State, format!("pages of {bytes} bytes cannot be backed up"))
        })?;
        self.lock_page = page_size.lock_page();
        let wal = snapshot_header(&self.connection).map(WalState::new);
        let written_ns = self.connection.path().and_then(|path| disk::written_ns(Path::new(path)));
        let identity = identity(&self.connection);
        Ok((commit > 0).then_some(Image { page_size, commit, wal, identity, written_ns }))
    }

    /// Like [`Capture::changes`], limited to the given pages, all of which exist.
    ///
    /// # Errors
    ///
    /// With SQLite's code, or what `visit` returns.
    pub fn changes_among(
        &mut self,
        numbers: impl IntoIterator<Item = u32>,
        table: &PageTable,
        visit: &mut Visit,
    ) -> Result<(), Error> {
        let numbers = numbers.into_iter().filter(|number| *number != self.lock_page);
        visit_changed_among(&self.connection, numbers, table, visit)
    }
}

impl Capture for PageDiff {
    fn has_changed(&mut self) -> Result<bool, Error> {
        Ok(self.seen != Some(self.number("data_version")?))
    }

    fn begin(&mut self) -> Result<Option<Image>, Error> {
        self.connection.execute_batch("BEGIN")?;
        let image = self.image();
        if !matches!(image, Ok(Some(_))) {
            self.end();
        }
        image
    }

    fn changes(&mut self, table: &PageTable, visit: &mut Visit) -> Result<(), Error> {
        visit_changed(&self.connection, table, visit)
    }

    fn pages(&mut self, visit: &mut Visit) -> Result<(), Error> {
        visit_pages(&self.connection, self.lock_page, visit)
    }

    fn checkpointed(&self, table: &PageTable) -> Vec<Page> {
        self.connection.path().map(|path| checkpointed_pages(Path::new(path), table)).unwrap_or_default()
    }

    fn end(&mut self) {
        // A failed rollback of a read transaction does no harm; the next one cannot begin then, and reports it.
        drop(self.connection.execute_batch("ROLLBACK"));
    }

    fn recorded(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(capture: &mut PageDiff, table: &mut PageTable) -> Vec<u32> {
        let image = capture.begin().unwrap().unwrap();
        let mut changes = Vec::new();
        capture
            .changes(table, &mut |number, page| {
                changes.push((number, table.hash(page)));
                Ok(())
            })
            .unwrap();
        capture.end();
        table.apply(image.commit, &changes);
        changes.into_iter().map(|(number, _)| number).collect()
    }

    #[test]
    fn only_pages_that_changed_are_visited_whoever_wrote_and_in_whatever_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        let mut capture = PageDiff::open(&path).unwrap();
        let mut table = PageTable::new(PageSize::new(4096).unwrap());

        other.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        assert!(capture.has_changed().unwrap());
        assert_eq!(changed(&mut capture, &mut table), [1, 2]);
        assert!(!capture.has_changed().unwrap());
        assert_eq!(changed(&mut capture, &mut table), [0; 0]);

        other.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert!(capture.has_changed().unwrap());
        assert_eq!(changed(&mut capture, &mut table), [2]);

        other.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        assert_eq!(changed(&mut capture, &mut table), [0; 0]);

        other.execute_batch("INSERT INTO t VALUES (zeroblob(9000))").unwrap();
        let grown = table.hashes.len();
        changed(&mut capture, &mut table);
        assert!(table.hashes.len() > grown);

        other.execute_batch("DROP TABLE t; VACUUM").unwrap();
        changed(&mut capture, &mut table);
        assert_eq!(table.hashes.len(), 1);
        drop(capture);

        other.execute_batch("PRAGMA journal_mode = DELETE; CREATE TABLE u (x)").unwrap();
        let mut capture = PageDiff::open(&path).unwrap();
        assert_eq!(changed(&mut capture, &mut table), [1, 2]);
        other.execute_batch("INSERT INTO u VALUES (1)").unwrap();
        assert!(capture.has_changed().unwrap());
        assert_eq!(changed(&mut capture, &mut table), [1, 2]);
    }

    #[test]
    fn a_database_without_pages_is_no_image() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        drop(Connection::open(&path).unwrap().execute_batch("BEGIN IMMEDIATE; COMMIT"));
        std::fs::write(&path, b"").unwrap();
        assert_eq!(PageDiff::open(&path).unwrap().begin().unwrap(), None);
    }
}
