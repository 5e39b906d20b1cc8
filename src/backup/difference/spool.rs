//! Differing keys, in a temporary file that nobody else sees.

use std::path::Path;

use rusqlite::{CachedStatement, Connection, params};

use crate::Error;
use crate::engine::sqlite::open_scratch;
use crate::limits::{DIFFERENCE_SLICE_ROWS_MAX, SLICE_BYTES_MAX, TEXT_LENGTH_MAX};

const TABLES: &str = "
CREATE TABLE candidate (community TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE difference (
    id INTEGER PRIMARY KEY, community TEXT NOT NULL, key TEXT NOT NULL,
    before TEXT, before_expiry INTEGER, after TEXT, after_expiry INTEGER
);
BEGIN;
";
const ADD_CANDIDATE: &str = "INSERT INTO candidate VALUES (?1, ?2)";
const CANDIDATES: &str = "SELECT community, key FROM candidate GROUP BY community, key ORDER BY community, key";
const ADD: &str = "INSERT INTO difference VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6)";
const NEXT: &str = "SELECT id, community, key, before, before_expiry, after, after_expiry FROM difference \
    WHERE id > ?1 ORDER BY id LIMIT ?2";

/// Entry of a key: its text as it is stored, and its expiry in milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Text of the value.
    pub text: String,
    /// Expiry, if it has one.
    pub expires_at: Option<i64>,
}

/// Part of the differing keys, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceSlice {
    /// JSON array of an array for each key: community or `null`, key, and for either state text or `null`, and expiry or
    /// `null`.
    pub json: String,
    /// True if none are left.
    pub is_last: bool,
}

/// Differing keys in a temporary file.
pub struct Spool {
    connection: Connection,
    last: i64,
}

impl Spool {
    /// Makes an empty one whose file lies beside another, or where the system has temporary files.
    pub(super) fn create(beside: &Path) -> Result<Self, Error> {
        let connection = open_scratch(beside)?;
        connection.execute_batch(TABLES)?;
        Ok(Self { connection, last: 0 })
    }

    /// Statement that adds a key that may differ: its community, empty for the default scope, and the key.
    pub(super) fn adds_candidate(&self) -> Result<CachedStatement<'_>, Error> {
        Ok(self.connection.prepare_cached(ADD_CANDIDATE)?)
    }

    /// Visits each candidate once, in the order of communities and keys.
    pub(super) fn candidates(&self, visit: &mut dyn FnMut(&str, &str) -> Result<(), Error>) -> Result<(), Error> {
        let mut statement = self.connection.prepare(CANDIDATES)?;
        let mut rows = statement.query([])?;
        let internal = |error: rusqlite::types::FromSqlError| Error::internal(&error.to_string());
        while let Some(row) = rows.next()? {
            visit(row.get_ref(0)?.as_str().map_err(internal)?, row.get_ref(1)?.as_str().map_err(internal)?)?;
        }
        Ok(())
    }

    /// Adds a key that differs.
    pub(super) fn add(
        &self,
        community: &str,
        key: &str,
        before: Option<&Held>,
        after: Option<&Held>,
    ) -> Result<(), Error> {
        let text = |held: Option<&Held>| held.map(|held| held.text.clone());
        let expiry = |held: Option<&Held>| held.and_then(|held| held.expires_at);
        let mut statement = self.connection.prepare_cached(ADD)?;
        statement.execute(params![community, key, text(before), expiry(before), text(after), expiry(after)])?;
        Ok(())
    }

    /// Takes the next differing keys.
    ///
    /// # Errors
    ///
    /// With SQLite's code; `ERR_VALUE_TOO_LONG` if a value does not fit a JavaScript string.
    pub(super) fn next_slice(&mut self) -> Result<DifferenceSlice, Error> {
        let mut statement = self.connection.prepare_cached(NEXT)?;
        let limit = i64::try_from(DIFFERENCE_SLICE_ROWS_MAX).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![self.last, limit])?;
        let (mut json, mut count) = (String::from("["), 0);
        while json.len() < SLICE_BYTES_MAX {
            let Some(row) = rows.next()? else { break };
            let start = json.len();
            json.push(if count == 0 { '[' } else { ',' });
            if count > 0 {
                json.push('[');
            }
            let (community, key): (String, String) = (row.get(1)?, row.get(2)?);
            push_text(&mut json, Some(&community).filter(|community| !community.is_empty()));
            json.push(',');
            push_text(&mut json, Some(&key));
            for column in [3, 5] {
                json.push(',');
                push_text(&mut json, row.get::<_, Option<String>>(column)?.as_ref());
                let expiry = row.get::<_, Option<i64>>(column + 1)?;
                json.push(',');
                json.push_str(&expiry.map_or_else(|| "null".to_owned(), |expiry| expiry.to_string()));
            }
            json.push(']');
            if json.len() - start > TEXT_LENGTH_MAX {
                return Err(Error::too_long(&key));
            }
            self.last = row.get(0)?;
            count += 1;
        }
        json.push(']');
        let is_last = count < DIFFERENCE_SLICE_ROWS_MAX && json.len() < SLICE_BYTES_MAX;
        Ok(DifferenceSlice { json, is_last })
    }
}

fn push_text(json: &mut String, text: Option<&String>) {
    // A text can always be written.
    json.push_str(&serde_json::to_string(&text).unwrap_or_default());
}
