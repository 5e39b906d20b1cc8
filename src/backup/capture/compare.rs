//! Compares the pages of a database with a table of them.

use rusqlite::Connection;

use super::page_hashes::PageTable;
use crate::Error;

/// Every page, the lock page with them.
pub const READ_PAGES: &str = "SELECT pgno, data FROM sqlite_dbpage('main')";
const READ_PAGE: &str = "SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?";

/// Is handed a page's number and its bytes.
pub type Visit<'a> = dyn FnMut(u32, &[u8]) -> Result<(), Error> + 'a;

/// Visits those of some pages that are not as a table has them. All of them are there.
///
/// # Errors
///
/// With SQLite's code, or what `visit` returns.
pub fn visit_changed(
    connection: &Connection,
    numbers: impl IntoIterator<Item = u32>,
    table: &PageTable,
    visit: &mut Visit,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(READ_PAGE)?;
    for number in numbers {
        let page: Vec<u8> = statement.query_row([number], |row| row.get(0))?;
        if table.get(number) != Some(table.hash(&page)) {
            visit(number, &page)?;
        }
    }
    Ok(())
}
