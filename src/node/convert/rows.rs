//! Rows of user SQL as JavaScript objects.

use std::fmt::Write;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::engine::sqlite::Description;
use crate::sql::{RowSet, Slice, StatementOutcome};

/// See [`Slice`].
#[napi(object, object_from_js = false)]
pub struct RowSlice {
    /// See [`Slice::json`].
    pub json: String,
    /// See [`Slice::patches`]; a JSON array if there are any.
    pub patches: Option<String>,
    /// See [`Slice::bytes`].
    pub bytes: Option<Uint8Array>,
}

impl From<Slice> for RowSlice {
    fn from(Slice { json, patches, bytes }: Slice) -> Self {
        Self {
            json,
            patches: (!patches.is_empty()).then(|| format!("[{patches}]")),
            bytes: (!bytes.is_empty()).then(|| bytes.into()),
        }
    }
}

/// See [`RowSet`].
#[napi(object, object_from_js = false)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub slices: Vec<RowSlice>,
}

impl From<RowSet> for Rows {
    fn from(RowSet { columns, slices }: RowSet) -> Self {
        Self { columns, slices: slices.into_iter().map(RowSlice::from).collect() }
    }
}

/// Changes of statements, as a JSON array: for each statement its number of changed rows, and the row id of its
/// last insert, as a string if a number cannot hold it.
pub fn changes(outcomes: &[StatementOutcome]) -> String {
    const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
    let mut json = String::from("[");
    for outcome in outcomes {
        let (changes, rowid) = (outcome.changes, outcome.last_insert_rowid);
        let comma = if json.len() == 1 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = if rowid.unsigned_abs() <= SAFE_INTEGER_MAX {
            write!(json, "{comma}{changes},{rowid}")
        } else {
            write!(json, "{comma}{changes},\"{rowid}\"")
        };
    }
    json.push(']');
    json
}

/// See [`Description`].
#[napi(object, object_from_js = false)]
pub struct StatementDescription {
    /// See [`Description::columns`].
    pub columns: Vec<String>,
    /// See [`Description::is_readonly`].
    pub is_readonly: bool,
    /// See [`Description::parameters`].
    pub parameters: u32,
}

impl From<Description> for StatementDescription {
    fn from(Description { columns, is_readonly, parameters }: Description) -> Self {
        // SQLite allows 32,766 parameters.
        Self { columns, is_readonly, parameters: u32::try_from(parameters).unwrap_or(u32::MAX) }
    }
}
