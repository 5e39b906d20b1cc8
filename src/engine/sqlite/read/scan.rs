//! Scan of a `select`: the rows that match a pattern, and their order in the result.
//!
//! Rows are passed on while they are read, in the order of the index that finds them. Only at the end is it known
//! which of them stay, and in which order. SQLite could sort them first, but it would then copy every value through
//! its sorter, or walk the whole table instead of the index, and nothing could be passed on meanwhile.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use rusqlite::params_from_iter;

use super::select::Select;
use crate::Error;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::table::columns::{self, Matching};
use crate::kv::{Budget, EntryWriter, Interrupted, is_expired};

/// Reads the live entries that match. Returns the last slice, and passes those before it to `send`.
pub fn scan(connection: &UserConnection, select: &Select, mut send: impl FnMut(String)) -> Result<String, Error> {
    let matching = Matching::new(select.community.as_deref(), &select.pattern);
    let sql = format!("SELECT rowid, key, value, expires_at FROM main.__rootapp_kv WHERE {}", matching.condition);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&matching.parameters))?;
    let mut is_over = || connection.is_interrupted();
    let mut budget = Budget::until(&mut is_over);
    let mut slices = EntryWriter::new(select.format);
    let mut found = FoundRows::default();
    let mut refused = BTreeMap::new();
    while let Some(row) = rows.next()? {
        if !matching.fits(row.get_ref(1)?, &mut budget).map_err(|Interrupted| connection.interruption())? {
            continue;
        }
        // A key that is not text is skipped: no other operation would find it, and it must not pass for one that
        // is.
        let Some(key) = columns::key(row.get_ref(1)?) else { continue };
        let expires_at = columns::expiry(row.get_ref(3)?);
        let is_live = !is_expired(expires_at, select.now_ms);
        if let Some(place) = found.add(row.get(0)?, key, is_live) {
            let value = columns::text_of(row.get_ref(2)?).ok_or_else(|| Error::not_json(key));
            let full = match value.and_then(|value| slices.push(key, value, expires_at)) {
                Ok(full) => full,
                Err(error) => {
                    // A newer row of the key may replace it.
                    refused.insert(place, error);
                    slices.push(key, "null", expires_at)?
                }
            };
            full.into_iter().for_each(&mut send);
        }
    }
    let order = found.order();
    let first_refused = match &order {
        None => refused.pop_first().map(|(_, error)| error),
        Some(_) if refused.is_empty() => None,
        Some(order) => order.iter().find_map(|place| refused.remove(place)),
    };
    first_refused.map_or_else(|| Ok(slices.finish(order.as_deref())), Err)
}

/// Rows in the order in which they were found.
#[derive(Default)]
struct FoundRows {
    rows: Vec<FoundRow>,
    /// All keys, one after another.
    keys: String,
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
    /// Adds a row. Returns its index among the live rows if it is live.
    fn add(&mut self, rowid: i64, key: &str, is_live: bool) -> Option<usize> {
        if let Some(last) = self.rows.last() {
            self.is_unordered |= last.rowid >= rowid;
            // Ascending keys are all different. An index has them ascend, unless it ignores case.
            self.may_repeat |= &self.keys[last.key.clone()] >= key;
        }
        let start = self.keys.len();
        self.keys.push_str(key);
        let place = is_live.then_some(self.live);
        self.live += usize::from(is_live);
        self.rows.push(FoundRow { rowid, key: start..self.keys.len(), place });
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
