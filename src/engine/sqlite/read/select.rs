//! `select`: the live entries that match a pattern.

use crate::kv::RowFormat;

/// A query for every live entry of a scope whose key matches a pattern.
#[derive(Debug, Clone)]
pub struct Select {
    /// The scope, as in [`crate::kv::Address::community`].
    pub community: Option<String>,
    /// A `LIKE` pattern, see [`crate::kv::Pattern`].
    pub pattern: String,
    /// The client's clock, milliseconds since 1970 UTC.
    pub now_ms: i64,
    /// Content of each row.
    pub format: RowFormat,
}

/// Progress of a select before its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectProgress {
    /// Its snapshot is taken, later than the call.
    Started,
    /// A slice that is not the last, see [`crate::kv::EntryWriter`].
    Slice(String),
}
