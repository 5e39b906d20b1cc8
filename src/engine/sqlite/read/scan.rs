//! Scan of a `select`: the rows that match a pattern, and their order in the result.
//!
//! The index gives rowids and keys, some at a time. Those rows are read by rowid in ascending order, each page of the table
//! once, and passed on while others are still to be found. Only at the end is it known which of them stay, and in which
//! order. Few rows are in order from the first.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, ffi};

use crate::Error;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::table::{columns, search};
use crate::kv::{EntryWriter, is_expired};
use crate::limits::{SCAN_ROWS_FIRST, SCAN_ROWS_MAX};
use crate::reads::Select;

const FROM_ROWID: &str = "SELECT rowid, value, expires_at FROM main.__rootapp_kv WHERE rowid >= ?1 ORDER BY rowid";

/// Distance of two rowids up to which what lies between is read over, rather than searched past.
const NEAR: i64 = 8;

/// Reads the live entries that match. Returns the last slice, and passes those before it to `send`.
pub fn scan(connection: &UserConnection, select: &Select, mut send: impl FnMut(String)) -> Result<String, Error> {
    let mut scan = Scan {
        select,
        send: &mut send,
        from_rowid: connection.prepare_cached(FROM_ROWID)?,
        slices: EntryWriter::new(select.format),
        found: FoundRows::default(),
        refused: BTreeMap::new(),
    };
    search::each_match(connection, select.community.as_deref(), &select.pattern, &mut |rowid, key| {
        // A key that is not text is skipped: no other operation would find it, and it must not pass for one that is.
        let Some(key) = columns::key(key) else { return Ok(()) };
        scan.found.add(rowid, key);
        if scan.found.unread() >= scan.rows_at_once() { scan.read() } else { Ok(()) }
    })?;
    scan.read()?;
    scan.finish()
}

struct Scan<'a, 'c> {
    select: &'a Select,
    send: &'a mut dyn FnMut(String),
    from_rowid: CachedStatement<'c>,
    slices: EntryWriter,
    found: FoundRows,
    /// Rows that cannot be passed on, by place.
    refused: BTreeMap<usize, Error>,
}

impl Scan<'_, '_> {
    /// Rows that are found before they are read.
    fn rows_at_once(&self) -> usize {
        if self.found.read == 0 { SCAN_ROWS_FIRST } else { SCAN_ROWS_MAX }
    }

    /// Reads the rows that were found since the last time.
    fn read(&mut self) -> Result<(), Error> {
        let Self { select, send, from_rowid, slices, found, refused } = self;
        let mut next = found.begin();
        while let Some(first) = found.rows.get(next) {
            let mut least = first.rowid;
            let mut rows = from_rowid.query([least])?;
            loop {
                let Some(row) = rows.next()? else { return Ok(()) };
                let rowid: i64 = row.get(0)?;
                // A damaged table may give a row before the one that was sought, and the same one again for ever.
                if rowid < least {
                    return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None).into());
                }
                least = rowid;
                next += found.rows[next..].iter().take_while(|wanted| wanted.rowid < rowid).count();
                if found.rows.get(next).is_some_and(|wanted| wanted.rowid == rowid) {
                    let expires_at = columns::expiry(row.get_ref(2)?);
                    if !is_expired(expires_at, select.now_ms) {
                        let place = found.place(next);
                        let key = &found.keys[found.rows[next].key.clone()];
                        let full = match pushed(slices, key, row.get_ref(1)?, expires_at) {
                            Ok(full) => full,
                            Err(error) => {
                                // A newer row of the key may replace it.
                                refused.insert(place, error);
                                slices.push(key, "null", expires_at)?
                            }
                        };
                        full.into_iter().for_each(&mut **send);
                    }
                    next += 1;
                }
                if found.rows.get(next).is_none_or(|wanted| wanted.rowid.saturating_sub(rowid) > NEAR) {
                    break;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<String, Error> {
        let Self { slices, found, mut refused, .. } = self;
        let order = found.order();
        let first_refused = match &order {
            None => refused.pop_first().map(|(_, error)| error),
            Some(_) if refused.is_empty() => None,
            Some(order) => order.iter().find_map(|place| refused.remove(place)),
        };
        first_refused.map_or_else(|| Ok(slices.finish(order.as_deref())), Err)
    }
}

/// Adds a row to the slices. Returns the one that was full.
fn pushed(
    slices: &mut EntryWriter,
    key: &str,
    value: ValueRef,
    expires_at: Option<i64>,
) -> Result<Option<String>, Error> {
    slices.push(key, columns::text_of(value).ok_or_else(|| Error::not_json(key))?, expires_at)
}

/// Rows in the order in which they were found, as far as they are not read, and else in which they were read.
#[derive(Default)]
struct FoundRows {
    rows: Vec<FoundRow>,
    /// All keys, one after another.
    keys: String,
    /// The key that was found last.
    last_key: Range<usize>,
    /// Number of rows that were read.
    read: usize,
    live: usize,
    is_unordered: bool,
    may_repeat: bool,
}

struct FoundRow {
    rowid: i64,
    key: Range<usize>,
    /// Index among the live rows, if it is live.
    place: Option<usize>,
}

impl FoundRows {
    fn add(&mut self, rowid: i64, key: &str) {
        // Ascending keys are all different.
        self.may_repeat |= !self.rows.is_empty() && &self.keys[self.last_key.clone()] >= key;
        let start = self.keys.len();
        self.keys.push_str(key);
        self.last_key = start..self.keys.len();
        self.rows.push(FoundRow { rowid, key: self.last_key.clone(), place: None });
    }

    fn unread(&self) -> usize {
        self.rows.len() - self.read
    }

    /// Puts the rows that are not read in order, and returns the index of the first. They are being read from now on.
    fn begin(&mut self) -> usize {
        let first = self.read;
        self.rows[first..].sort_unstable_by_key(|row| row.rowid);
        let before = first.checked_sub(1).map(|last| self.rows[last].rowid);
        self.is_unordered |=
            self.rows.get(first).is_some_and(|row| before.is_some_and(|before| before > row.rowid));
        self.read = self.rows.len();
        first
    }

    /// Index among the live rows of one that is live.
    fn place(&mut self, index: usize) -> usize {
        let place = self.live;
        self.rows[index].place = Some(place);
        self.live += 1;
        place
    }

    /// Indexes of the rows that stay, in the order of insertion; `None` if all stay and are in that order.
    fn order(mut self) -> Option<Vec<usize>> {
        if !self.is_unordered && !self.may_repeat {
            return None;
        }
        self.rows.sort_unstable_by_key(|row| row.rowid);
        let places: Vec<usize> = if self.may_repeat {
            one_row_per_key(&self.rows, &self.keys)
        } else {
            self.rows.iter().filter_map(|row| row.place).collect()
        };
        let is_as_found = places.len() == self.live && places.is_sorted();
        (!is_as_found).then_some(places)
    }
}

/// Keeps one row of each key: the newest, at the index of the oldest that had not expired. Takes rows in the order
/// of insertion, and returns the indexes of the live ones.
fn one_row_per_key(rows: &[FoundRow], keys: &str) -> Vec<usize> {
    let mut standing: Vec<Option<usize>> = Vec::with_capacity(rows.len());
    let mut index_of: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
    for row in rows {
        let key = &keys[row.key.clone()];
        if let Some(older) = index_of.get(key).map(|index| &mut standing[*index])
            && older.is_some()
        {
            *older = row.place;
            continue;
        }
        index_of.insert(key, standing.len());
        standing.push(row.place);
    }
    standing.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::sqlite::connection::open_writer;
    use crate::engine::sqlite::interrupt::Interrupt;
    use crate::kv::RowFormat;

    fn select(path: &Path) -> Result<String, Error> {
        let connection = open_writer(path, Interrupt::default())?;
        let select = Select { community: None, pattern: "%".into(), now_ms: 0, format: RowFormat::Entry };
        let mut slices = String::new();
        let last = scan(&connection, &select, |slice| slices += &slice)?;
        Ok(slices + &last)
    }

    #[test]
    fn a_damaged_table_is_reported_instead_of_being_read_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let connection = open_writer(&path, Interrupt::default()).unwrap();
        let rows = "WITH RECURSIVE n(i) AS (VALUES (100) UNION ALL SELECT i + 1 FROM n WHERE i < 299) \
            INSERT INTO __rootapp_kv (key, value) SELECT 'key ' || i, json_quote(printf('%.300c', 'x')) FROM n";
        connection.execute_batch(rows).unwrap();
        drop(connection);
        assert_eq!(select(&path).unwrap().matches("key ").count(), 200);

        // Later pages of the table hold what earlier ones do, as where a disk has left out what was written since.
        let mut bytes = std::fs::read(&path).unwrap();
        let leaves: Vec<usize> = (0..bytes.len())
            .step_by(4096)
            .filter(|place| {
                bytes[*place] == 13 && bytes[*place..][..4096].windows(9).any(|text| text == b"xxxxxxxxx")
            })
            .collect();
        assert!(leaves.len() > 10, "{leaves:?}");
        for (index, place) in leaves.iter().enumerate().skip(5) {
            bytes.copy_within(leaves[index - 5]..leaves[index - 5] + 4096, *place);
        }
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(select(&path).unwrap_err().code(), "SQLITE_CORRUPT");
    }
}
