//! Reads of keys and watches, and their answers.

use crate::Error;
use crate::kv::{KeyRange, RowFormat};

/// A read of many keys.
#[derive(Debug, Clone)]
pub enum KeyQuery {
    /// The entries whose keys match a pattern.
    Select(Select),
    /// The first entries of a range.
    Page(PageQuery),
    /// The number of keys of a range.
    Count(CountQuery),
    /// The values of given keys.
    Values(ValuesQuery),
}

/// A query for the first live entries of a range, in the order of their keys' bytes.
#[derive(Debug, Clone)]
pub struct PageQuery {
    /// The scope, as in [`crate::kv::Address::community`].
    pub community: Option<String>,
    /// The keys.
    pub range: KeyRange,
    /// Begins with the last key of the range.
    pub is_reverse: bool,
    /// Entries at most.
    pub limit: usize,
    /// Bytes of keys and values after which the page ends early.
    pub bytes_max: usize,
    /// The client's clock, milliseconds since 1970 UTC.
    pub now_ms: i64,
    /// Content of each row.
    pub format: RowFormat,
}

/// A query for the number of live keys of a range.
#[derive(Debug, Clone)]
pub struct CountQuery {
    /// The scope, as in [`crate::kv::Address::community`].
    pub community: Option<String>,
    /// The keys.
    pub range: KeyRange,
    /// The client's clock, milliseconds since 1970 UTC.
    pub now_ms: i64,
}

/// A query for the live values of keys.
#[derive(Debug, Clone)]
pub struct ValuesQuery {
    /// The scope, as in [`crate::kv::Address::community`].
    pub community: Option<String>,
    /// The keys.
    pub keys: Vec<String>,
    /// The client's clock, milliseconds since 1970 UTC.
    pub now_ms: i64,
}

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

/// Entry of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// JSON text; `None` if there is no live entry. A value of another program that is not text reads as the empty
    /// text, which is not JSON.
    pub text: Option<String>,
    /// Expiry of the entry, past or to come, in milliseconds since 1970 UTC.
    pub expires_at: Option<i64>,
}

/// Entry of each key, or the error of reading it.
pub type Values = Vec<Result<Stored, Error>>;

/// Keys that are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Each of these.
    Keys(Vec<String>),
    /// Those of a range.
    Range(KeyRange),
}

impl Scope {
    /// Keys, or those from `start` up to `end` if there are none given.
    #[must_use]
    pub fn new(keys: Option<Vec<String>>, start: String, end: Option<String>) -> Self {
        keys.map_or_else(|| Self::Range(KeyRange { from: start, to: end }), Self::Keys)
    }
}

/// Changes since the last report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchReport {
    /// Some keys have changed, see [`crate::kv::ChangeWriter`].
    Changes(String),
    /// So many have changed that all have to be read again, or the file was restored.
    Resync,
}
