//! The tree of the key-value table: which rows lie on which page (sqlite.org/fileformat.html, "B-tree Pages").

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};

use super::dirty::Dirty;
use crate::Error;

const ROOT: &str = "SELECT rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = '__rootapp_kv'";
const PAGE: &str = "SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1";

/// Kinds of pages of trees.
const INDEX_INTERIOR: u8 = 2;
const TABLE_INTERIOR: u8 = 5;
const INDEX_LEAF: u8 = 10;
const TABLE_LEAF: u8 = 13;

/// Pages of a tree, and the row ids that each leaf has room for. All leaves lie at the same depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableTree {
    root: u32,
    interior: BTreeSet<u32>,
    /// Page and inclusive range.
    leaves: BTreeMap<u32, (i64, i64)>,
}

impl TableTree {
    /// Reads the tree, in a transaction; `None` if there is no table.
    pub fn read(connection: &Connection) -> Result<Option<Self>, Error> {
        let Some(root) = root_of(connection)? else { return Ok(None) };
        let mut tree = Self { root, interior: BTreeSet::new(), leaves: BTreeMap::new() };
        let mut level = vec![(root, (i64::MIN, i64::MAX))];
        while let Some((first, _)) = level.first() {
            let Some(first) = page(connection, *first)? else { return Ok(None) };
            if first.first() != Some(&TABLE_INTERIOR) {
                tree.leaves.extend(level);
                return Ok(Some(tree));
            }
            let mut below = Vec::new();
            for (number, range) in level {
                let found = page(connection, number)?.and_then(|page| children(&page, range));
                let Some(found) = found else { return Ok(None) };
                tree.interior.insert(number);
                below.extend(found);
            }
            level = below;
        }
        Ok(None)
    }

    /// The tree after some pages were written, and the rows that may have changed.
    pub fn after(self, connection: &Connection, written: &BTreeSet<u32>) -> Result<(Option<Self>, Dirty), Error> {
        let is_same = root_of(connection)? == Some(self.root) && self.interior.is_disjoint(written);
        // A root that was a leaf may have become an interior page.
        let is_same = is_same && !(self.interior.is_empty() && written.contains(&self.root));
        let now = if is_same { Some(self.clone()) } else { Self::read(connection)? };
        let Some(now) = now.filter(|now| now.root == self.root) else {
            return Ok((Self::read(connection)?, Dirty::All));
        };
        let mut ranges: Vec<(i64, i64)> = if is_same {
            written.iter().filter_map(|page| now.leaves.get(page).copied()).collect()
        } else {
            let is_changed =
                |page: &u32, range: &(i64, i64)| self.leaves.get(page) != Some(range) || written.contains(page);
            now.leaves.iter().filter(|(page, range)| is_changed(page, range)).map(|(_, range)| *range).collect()
        };
        ranges.sort_unstable();
        let overflowing = now.may_have_overflow(connection, written)?;
        let mut dirty = Dirty::NOTHING;
        dirty.add(&Dirty::Rows { ranges, overflowing });
        Ok((Some(now), dirty))
    }

    /// Returns `true` if among some pages there may be one with the rest of a long row.
    ///
    /// Such a page begins with the number of the next one, whose first byte is no kind of a page in a file below 128 GiB, if
    /// pages have 4 KiB.
    fn may_have_overflow(&self, connection: &Connection, written: &BTreeSet<u32>) -> Result<bool, Error> {
        for number in written {
            if *number == 1 || self.leaves.contains_key(number) || self.interior.contains(number) {
                continue;
            }
            let kind = page(connection, *number)?.and_then(|page| page.first().copied());
            if !matches!(kind, Some(INDEX_INTERIOR | TABLE_INTERIOR | INDEX_LEAF | TABLE_LEAF)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn root_of(connection: &Connection) -> Result<Option<u32>, Error> {
    Ok(connection.prepare_cached(ROOT)?.query_row([], |row| row.get(0)).optional()?)
}

fn page(connection: &Connection, number: u32) -> Result<Option<Vec<u8>>, Error> {
    Ok(connection.prepare_cached(PAGE)?.query_row([number], |row| row.get(0)).optional()?)
}

/// Children of an interior page whose rows lie in a range, with the range of each; `None` if it is not one.
fn children(page: &[u8], (from, to): (i64, i64)) -> Option<Vec<(u32, (i64, i64))>> {
    if page.first() != Some(&TABLE_INTERIOR) {
        return None;
    }
    let cells = usize::from(u16::from_be_bytes(page.get(3..5)?.try_into().ok()?));
    let mut children = Vec::with_capacity(cells + 1);
    let mut next = from;
    for cell in 0..cells {
        let at = 12 + 2 * cell;
        let offset = usize::from(u16::from_be_bytes(page.get(at..at + 2)?.try_into().ok()?));
        let child = u32::from_be_bytes(page.get(offset..offset + 4)?.try_into().ok()?);
        let last = varint(page.get(offset + 4..)?)?;
        children.push((child, (next, last)));
        next = last.checked_add(1)?;
    }
    children.push((u32::from_be_bytes(page.get(8..12)?.try_into().ok()?), (next, to)));
    Some(children)
}

/// A variable-length integer ("varint").
#[expect(clippy::cast_possible_wrap, reason = "the format has it so")]
fn varint(bytes: &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    for index in 0..8 {
        let byte = *bytes.get(index)?;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value as i64);
        }
    }
    Some((value << 8 | u64::from(*bytes.get(8)?)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sqlite::wal::index_header::WalIndex;
    use crate::engine::sqlite::wal::restart_log::RestartLog;
    use crate::engine::sqlite::watch::step::written_since;

    const TABLE: &str = "CREATE TABLE __rootapp_kv (key, community_id, value, expires_at)";

    /// Rows of a table, which are what is compared.
    fn rows(connection: &Connection) -> BTreeMap<i64, String> {
        let mut statement = connection.prepare("SELECT rowid, value FROM __rootapp_kv").unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_row_that_changes_is_among_those_that_may_have() {
        let mut rng = fastrand::Rng::with_seed(7);
        for vacuum in ["NONE", "FULL", "INCREMENTAL"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.sqlite3");
            let writer = Connection::open(&path).unwrap();
            let settings =
                format!("PRAGMA page_size = 512; PRAGMA auto_vacuum = {vacuum}; PRAGMA journal_mode = WAL");
            writer.execute_batch(&format!("{settings}; {TABLE}; CREATE TABLE other (a PRIMARY KEY, b)")).unwrap();
            let reader = Connection::open(&path).unwrap();
            let wal = WalIndex::of(&reader).unwrap();
            let (mut before, mut at) = (rows(&writer), wal.header());
            let mut tree = TableTree::read(&reader).unwrap();
            let (mut known, mut partly) = (0, 0);
            for _ in 0..500 {
                let id = rng.i64(0..600);
                let length = if rng.u8(0..8) == 0 { rng.usize(0..3_000) } else { rng.usize(0..60) };
                let value: String = std::iter::repeat_with(|| rng.alphanumeric()).take(length).collect();
                let (from, to) = (id, id + rng.i64(0..40));
                let sql = match rng.u8(0..12) {
                    0..5 => format!("INSERT OR REPLACE INTO __rootapp_kv (rowid, value) VALUES ({id}, '{value}')"),
                    5 => format!("UPDATE __rootapp_kv SET value = '{value}' WHERE rowid BETWEEN {from} AND {to}"),
                    // Only a page of the rest of a long row changes.
                    6..8 => format!(
                        "UPDATE __rootapp_kv SET value = substr(value, 1, length(value) - 1) || 'x' WHERE rowid IN \
                        (SELECT rowid FROM __rootapp_kv WHERE length(value) > 1000 LIMIT 2 OFFSET {})",
                        rng.u8(0..5)
                    ),
                    8..10 => format!("DELETE FROM __rootapp_kv WHERE rowid BETWEEN {from} AND {to}"),
                    10 => format!("INSERT OR REPLACE INTO other VALUES ({id}, '{value}')"),
                    _ => match rng.u8(0..20) {
                        0 => "VACUUM".into(),
                        1 => "DELETE FROM __rootapp_kv".into(),
                        2 => "PRAGMA incremental_vacuum".into(),
                        _ => "PRAGMA wal_checkpoint(TRUNCATE)".into(),
                    },
                };
                writer.execute_batch(&sql).unwrap();
                if rng.bool() {
                    continue;
                }
                reader.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema").unwrap();
                let now = wal.header();
                let dirty = match (written_since(&path, at, now, &RestartLog::default()), tree.take()) {
                    (Some(written), Some(from)) => {
                        let (after, dirty) = from.after(&reader, &written).unwrap();
                        assert_eq!(after, TableTree::read(&reader).unwrap());
                        tree = after;
                        dirty
                    }
                    _ => {
                        tree = TableTree::read(&reader).unwrap();
                        Dirty::All
                    }
                };
                let after = rows(&reader);
                reader.execute_batch("COMMIT").unwrap();
                if let Dirty::Rows { ranges, overflowing } = dirty {
                    known += 1;
                    partly += usize::from(ranges.iter().all(|range| *range != (i64::MIN, i64::MAX)));
                    for id in before.keys().chain(after.keys()) {
                        let long =
                            |rows: &BTreeMap<i64, String>| rows.get(id).is_some_and(|value| value.len() > 300);
                        let is_told = ranges.iter().any(|(from, to)| (from..=to).contains(&id))
                            || overflowing && (long(&before) || long(&after));
                        assert!(is_told || before.get(id) == after.get(id), "{id} after {sql}");
                    }
                }
                (before, at) = (after, now);
            }
            assert!(known > 120 && partly > 60, "{known} {partly}");
        }
    }
}
