//! Columns of the key-value table, in which other programs may have stored anything.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::kv::{Budget, Interrupted, KeyRange, Pattern};

/// Expiry in a column. As for the SDK, a value that is not a number never expires.
pub fn expiry(column: ValueRef) -> Option<i64> {
    match column {
        ValueRef::Integer(at) => Some(at),
        // The first whole millisecond at or after the number, as SQL compares it. The conversion saturates, which
        // is right for an expiry beyond all time.
        #[expect(clippy::cast_possible_truncation, reason = "fractions of a millisecond do not matter")]
        ValueRef::Real(at) => Some(at.ceil() as i64),
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    }
}

/// Key in a column. A row whose key is not text belongs to no key.
pub fn key(column: ValueRef<'_>) -> Option<&str> {
    match column {
        ValueRef::Text(bytes) => str::from_utf8(bytes).ok(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

/// Text of a column, if it has one.
pub fn text(row: &Row, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(text_of(row.get_ref(column)?).map(str::to_owned))
}

/// Text of a value, if it is one.
pub fn text_of(value: ValueRef<'_>) -> Option<&str> {
    value.as_bytes().ok().and_then(|bytes| str::from_utf8(bytes).ok())
}

/// Search for the rows of a community whose keys match a pattern.
pub struct Matching {
    /// SQL condition.
    pub condition: String,
    /// Parameters of the condition, in order.
    pub parameters: Vec<Option<String>>,
    /// Pattern that keys must match besides, where the condition is not enough.
    filter: Option<Pattern>,
}

impl Matching {
    pub fn new(community: Option<&str>, pattern: &str) -> Self {
        let pattern = Pattern::new(pattern);
        let mut condition = String::from("community_id IS ?");
        let mut parameters = vec![community.map(str::to_owned)];
        let mut is_range = pattern.is_prefix();
        if let Some(KeyRange { from, to }) = pattern.key_range() {
            // Without an upper bound the range also has keys that are not text.
            is_range &= to.is_some();
            condition.push_str(" AND key COLLATE NOCASE >= ?");
            parameters.push(Some(from));
            if to.is_some() {
                condition.push_str(" AND key COLLATE NOCASE < ?");
                parameters.push(to);
            }
        }
        Self { condition, parameters, filter: (!is_range).then_some(pattern) }
    }

    /// Returns `true` if the condition is enough.
    pub fn is_exact(&self) -> bool {
        self.filter.is_none()
    }

    /// Returns `true` if the key of a row that the condition finds matches. A key that is not text does not.
    ///
    /// # Errors
    ///
    /// If the work was interrupted.
    pub fn fits(&self, key: ValueRef<'_>, budget: &mut Budget) -> Result<bool, Interrupted> {
        match (&self.filter, key) {
            (None, _) => Ok(true),
            (Some(pattern), ValueRef::Text(key)) => pattern.matches_within(&String::from_utf8_lossy(key), budget),
            (Some(_), _) => Ok(false),
        }
    }
}
