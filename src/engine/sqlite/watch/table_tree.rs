//! The tree of the key-value table: which rows lie on which page (sqlite.org/fileformat.html, "B-tree Pages").

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};
use twox_hash::XxHash3_64;

use super::dirty::Dirty;
use crate::Error;

const ROOT: &str = "SELECT rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = '__rootapp_kv'";
const PAGE: &str = "SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1";

/// Kinds of pages of trees.
const INDEX_INTERIOR: u8 = 2;
const TABLE_INTERIOR: u8 = 5;
const INDEX_LEAF: u8 = 10;
const TABLE_LEAF: u8 = 13;

/// Pages of a tree. All leaves lie at the same depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableTree {
    root: u32,
    interior: BTreeSet<u32>,
    leaves: BTreeMap<u32, Leaf>,
}

/// Leaf of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leaf {
    /// Row ids that it has room for, inclusive.
    range: (i64, i64),
    /// Digest of its content.
    digest: u64,
}

impl TableTree {
    /// Reads the tree, in a transaction; `None` if there is no table.
    pub fn read(connection: &Connection) -> Result<Option<Self>, Error> {
        Self::read_beside(connection, None, None)
    }

    /// Reads the tree. Of leaves that an earlier one had, only those are read that may have been written since.
    fn read_beside(
        connection: &Connection,
        before: Option<&Self>,
        written: Option<&BTreeSet<u32>>,
    ) -> Result<Option<Self>, Error> {
        let Some(root) = root_of(connection)? else { return Ok(None) };
        let mut tree = Self { root, interior: BTreeSet::new(), leaves: BTreeMap::new() };
        let mut level = vec![(root, (i64::MIN, i64::MAX))];
        while let Some((first, _)) = level.first() {
            let Some(first) = page(connection, *first)? else { return Ok(None) };
            if first.first() == Some(&TABLE_INTERIOR) {
                let mut below = Vec::new();
                for (number, range) in level {
                    let found = page(connection, number)?.and_then(|page| children(&page, range));
                    let Some(found) = found else { return Ok(None) };
                    tree.interior.insert(number);
                    below.extend(found);
                }
                level = below;
                continue;
            }
            for (number, range) in level {
                let known = before.and_then(|tree| tree.leaves.get(&number));
                let known = known.filter(|_| written.is_some_and(|written| !written.contains(&number)));
                let digest = match known {
                    Some(leaf) => leaf.digest,
                    None => digest_of(connection, number)?,
                };
                tree.leaves.insert(number, Leaf { range, digest });
            }
            return Ok(Some(tree));
        }
        Ok(None)
    }

    /// The tree after some pages were written, or any if it is not known which, and the rows that may have changed.
    pub fn after(
        self,
        connection: &Connection,
        written: Option<&BTreeSet<u32>>,
    ) -> Result<(Option<Self>, Dirty), Error> {
        if let Some(written) = written
            && self.has_same_shape(connection, written)?
        {
            return self.with_leaves_written(connection, written);
        }
        let Some(now) = Self::read_beside(connection, Some(&self), written)? else { return Ok((None, Dirty::All)) };
        if now.root != self.root {
            return Ok((Some(now), Dirty::All));
        }
        let is_changed = |page: &u32, leaf: &Leaf| self.leaves.get(page) != Some(leaf);
        let changed = now.leaves.iter().filter(|(page, leaf)| is_changed(page, leaf)).map(|(_, leaf)| leaf.range);
        let ranges = changed.collect();
        let overflowing = match written {
            Some(written) => now.may_have_overflow(connection, written)?,
            None => true,
        };
        Ok((Some(now), Dirty::of(ranges, overflowing)))
    }

    fn has_same_shape(&self, connection: &Connection, written: &BTreeSet<u32>) -> Result<bool, Error> {
        // A root that was a leaf may have become an interior page.
        let is_root_written = self.interior.is_empty() && written.contains(&self.root);
        Ok(!is_root_written && self.interior.is_disjoint(written) && root_of(connection)? == Some(self.root))
    }

    fn with_leaves_written(
        mut self,
        connection: &Connection,
        written: &BTreeSet<u32>,
    ) -> Result<(Option<Self>, Dirty), Error> {
        let mut ranges = Vec::new();
        for number in written {
            if let Some(leaf) = self.leaves.get_mut(number) {
                leaf.digest = digest_of(connection, *number)?;
                ranges.push(leaf.range);
            }
        }
        let overflowing = self.may_have_overflow(connection, written)?;
        Ok((Some(self), Dirty::of(ranges, overflowing)))
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

fn digest_of(connection: &Connection, number: u32) -> Result<u64, Error> {
    let mut statement = connection.prepare_cached(PAGE)?;
    let digest = statement.query_row([number], |row| Ok(XxHash3_64::oneshot(row.get_ref(0)?.as_blob()?)));
    Ok(digest.optional()?.unwrap_or_default())
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
            let (mut known, mut partly, mut unknown) = (0, 0, 0);
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
                let written = written_since(&path, at, now, &RestartLog::default());
                unknown += usize::from(written.is_none());
                let dirty = if let Some(from) = tree.take() {
                    let (after, dirty) = from.after(&reader, written.as_ref()).unwrap();
                    assert_eq!(after, TableTree::read(&reader).unwrap());
                    tree = after;
                    dirty
                } else {
                    tree = TableTree::read(&reader).unwrap();
                    Dirty::All
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
            assert!(known > 120 && partly > 60 && unknown > 5, "{known} {partly} {unknown}");
        }
    }
}
