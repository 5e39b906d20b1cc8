//! `select`: the live entries that match a pattern.

use std::collections::HashMap;

use rusqlite::{Connection, params_from_iter};

use super::keys;
use crate::Error;
use crate::kv::{Row, RowFormat, is_expired, to_json_slices};

/// A question for every live entry of a scope whose key matches.
#[derive(Debug, Clone)]
pub struct Select {
    /// The scope, as in [`crate::kv::Address::community`].
    pub community: Option<String>,
    /// A `LIKE` pattern, see [`crate::kv::Pattern`].
    pub pattern: String,
    /// The client's clock, milliseconds since 1970 UTC.
    pub now_ms: i64,
    /// What of each row is wanted.
    pub format: RowFormat,
}

/// The answer as JSON text, see [`to_json_slices`].
pub fn slices(connection: &Connection, select: &Select) -> Result<Vec<String>, Error> {
    to_json_slices(&rows(connection, select)?, select.format)
}

/// A row as it was found.
struct Found {
    rowid: i64,
    key: String,
    /// `None` if what is stored is no text.
    value: Option<String>,
    expires_at: Option<i64>,
    is_live: bool,
}

/// The live entries that match, in the order of insertion.
fn rows(connection: &Connection, select: &Select) -> Result<Vec<Row>, Error> {
    let (condition, parameters) = keys::matching(select.community.as_deref(), &select.pattern);
    let sql = format!("SELECT rowid, key, value, expires_at FROM __rootapp_kv WHERE {condition}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        // What is no text is no key: no other operation would find it, and it must not pass for one that is.
        let Some(key) = keys::key(row.get_ref(1)?) else { continue };
        let expires_at = keys::expiry(row.get_ref(3)?);
        found.push(Found {
            rowid: row.get(0)?,
            key: key.to_owned(),
            value: keys::text(row, 2)?,
            expires_at,
            is_live: !is_expired(expires_at, select.now_ms),
        });
    }
    // Sorted here, and not by SQLite, which would copy every value through its sorter, or walk the whole table
    // instead of the index.
    found.sort_unstable_by_key(|row| row.rowid);
    one_row_per_key(found)
        .filter(|row| row.is_live)
        .map(|Found { key, value, expires_at, .. }| {
            let value = value.ok_or_else(|| Error::not_json(&key))?;
            Ok(Row { key, value, expires_at })
        })
        .collect()
}

/// Of the rows of one key the newest, at the place of the oldest that had not expired. Takes rows in the order of
/// insertion.
fn one_row_per_key(found: Vec<Found>) -> impl Iterator<Item = Found> {
    let mut places: Vec<Option<Found>> = Vec::with_capacity(found.len());
    let mut place_of: HashMap<String, usize> = HashMap::with_capacity(found.len());
    for row in found {
        if let Some(place) = place_of.get(&row.key) {
            let standing = &mut places[*place];
            if standing.as_ref().is_some_and(|older| older.is_live) {
                *standing = Some(row);
                continue;
            }
            *standing = None;
        }
        place_of.insert(row.key.clone(), places.len());
        places.push(Some(row));
    }
    places.into_iter().flatten()
}
