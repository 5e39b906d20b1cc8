//! Comparison of a database's pages with a table of their hashes.

use rusqlite::Connection;

use super::page_hashes::{Page, PageTable};
use crate::Error;

/// All pages, including the lock page.
const READ_PAGES: &str = "SELECT pgno, data FROM sqlite_dbpage('main')";
const READ_PAGE: &str = "SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?";

/// Callback that receives a page's number and its bytes.
pub type Visit<'a> = dyn FnMut(u32, &[u8]) -> Result<(), Error> + 'a;

/// Visits every page but the lock page, in ascending order.
///
/// # Errors
///
/// With SQLite's code, or what `visit` returns.
pub fn visit_pages(connection: &Connection, lock_page: u32, visit: &mut Visit) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(READ_PAGES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number: u32 = row.get(0)?;
        if number != lock_page {
            let page = row.get_ref(1)?.as_blob().map_err(|error| Error::internal(&error.to_string()))?;
            visit(number, page)?;
        }
    }
    Ok(())
}

/// Visits every page that differs from a table, in ascending order.
///
/// # Errors
///
/// With SQLite's code, or what `visit` returns.
pub fn visit_changed(connection: &Connection, table: &PageTable, visit: &mut Visit) -> Result<(), Error> {
    visit_pages(connection, table.page_size.lock_page(), &mut |number, page| {
        if table.matches(number, page) { Ok(()) } else { visit(number, page) }
    })
}

/// Visits those of the given pages that differ from a table. All of them must exist.
///
/// # Errors
///
/// With SQLite's code, or what `visit` returns.
pub fn visit_changed_among(
    connection: &Connection,
    numbers: impl IntoIterator<Item = u32>,
    table: &PageTable,
    visit: &mut Visit,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(READ_PAGE)?;
    for number in numbers {
        let page: Vec<u8> = statement.query_row([number], |row| row.get(0))?;
        if !table.matches(number, &page) {
            visit(number, &page)?;
        }
    }
    Ok(())
}

/// The difference between a database and a table of its pages.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Pages that differ, with their hashes in the database.
    pub pages: Vec<Page>,
    /// The size of the database in pages.
    pub commit: u32,
    /// True if the page size or the number of pages differs.
    pub differs_in_size: bool,
}

impl Difference {
    /// Compares every page of a database in one read transaction.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn between(connection: &Connection, table: &PageTable) -> Result<Self, Error> {
        // Rolled back when it is dropped.
        let moment = connection.unchecked_transaction()?;
        let mut pages = Vec::new();
        visit_changed(&moment, table, &mut |number, page| {
            pages.push((number, table.hash(page)));
            Ok(())
        })?;
        // SQLite knows the page size once it has read a page.
        let page_size: u32 = moment.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let commit: u32 = moment.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let differs_in_size = page_size != table.page_size.get() || commit as usize != table.hashes.len();
        Ok(Self { pages, commit, differs_in_size })
    }

    /// Returns true if the database equals the table.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.pages.is_empty() && !self.differs_in_size
    }
}
