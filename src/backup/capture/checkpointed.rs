//! Pages as the last checkpoint left them in the database file, where the write-ahead log has newer ones. If the log
//! were lost, they would be read instead.

use std::path::Path;

use super::compare::visit_changed_among;
use super::page_hashes::{Page, PageTable};
use crate::Error;
use crate::engine::sqlite::wal::frames::read_pages;
use crate::engine::sqlite::{locks_hold, open_detached};

/// Returns the pages that are in the log and that the database file itself holds in another version than the table,
/// with the hashes of that version. Best effort: others may be checkpointing, and where locks belong to the process
/// nothing is read, because closing the descriptor would release them.
pub fn checkpointed_pages(database: &Path, table: &PageTable) -> Vec<Page> {
    if locks_hold() { read(database, table).unwrap_or_default() } else { Vec::new() }
}

fn read(database: &Path, table: &PageTable) -> Result<Vec<Page>, Error> {
    let numbers = read_pages(database);
    let mut differing = Vec::new();
    if numbers.is_empty() {
        return Ok(differing);
    }
    let connection = open_detached(database)?;
    // The log may have extended the database.
    let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    visit_changed_among(
        &connection,
        numbers.into_iter().filter(|number| *number <= pages),
        table,
        &mut |number, page| {
            differing.push((number, table.hash(page)));
            Ok(())
        },
    )?;
    Ok(differing)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::page_diff::{Capture, PageDiff};
    use super::*;

    #[test]
    fn it_is_what_the_last_checkpoint_has_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        let mut capture = PageDiff::open(&path).unwrap();
        let mut table = PageTable::new(capture.begin().unwrap().unwrap().page_size);
        capture.end();
        let mut hashes = |table: &PageTable| {
            let mut hashes = Vec::new();
            capture.begin().unwrap();
            capture
                .pages(&mut |_, page| {
                    hashes.push(table.hash(page));
                    Ok(())
                })
                .unwrap();
            capture.end();
            hashes
        };
        table.hashes = hashes(&table);
        assert_eq!(checkpointed_pages(&path, &table), []);

        let checkpointed = table.hashes.clone();
        writer.execute_batch("INSERT INTO t VALUES (zeroblob(9000))").unwrap();
        table.hashes = hashes(&table);
        let older: Vec<_> =
            (1..).zip(checkpointed).filter(|(number, hash)| table.get(*number) != Some(*hash)).collect();
        assert_eq!(older.len(), 2);
        assert_eq!(checkpointed_pages(&path, &table), older);
    }
}
