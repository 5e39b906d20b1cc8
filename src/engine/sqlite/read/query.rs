//! Reads of many keys from one snapshot.

use super::select::Select;
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
