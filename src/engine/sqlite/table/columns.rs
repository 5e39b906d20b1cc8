//! The columns of the table of keys.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::kv::{KeyRange, Pattern};

/// The expiry as the column holds it. Whatever is not a number never expires, as the SDK has it.
pub fn expiry(column: ValueRef) -> Option<i64> {
    match column {
        ValueRef::Integer(at) => Some(at),
        // The first millisecond that is not before it, as SQL compares it. Saturates, which is what an expiry beyond
        // all time means.
        #[expect(clippy::cast_possible_truncation, reason = "fractions of a millisecond do not matter")]
        ValueRef::Real(at) => Some(at.ceil() as i64),
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    }
}

/// The key that a row is of. Others may have stored what is no text, and such a row is no key's.
pub fn key(column: ValueRef<'_>) -> Option<&str> {
    match column {
        ValueRef::Text(bytes) => str::from_utf8(bytes).ok(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

/// A column's text, if it is one.
pub fn text(row: &Row, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(text_of(row.get_ref(column)?).map(str::to_owned))
}

/// A value's text, if it is one.
pub fn text_of(value: ValueRef<'_>) -> Option<&str> {
    value.as_bytes().ok().and_then(|bytes| str::from_utf8(bytes).ok())
}

/// The condition that a row is of a community and matches a pattern, and its parameters in order.
pub fn matching(community: Option<&str>, pattern: &str) -> (String, Vec<Option<String>>) {
    let mut condition = String::from("community_id IS ?");
    let mut parameters = vec![community.map(str::to_owned)];
    let parsed = Pattern::new(pattern);
    let mut is_range = parsed.is_prefix();
    if let Some(KeyRange { from, to }) = parsed.key_range() {
        // Without an upper bound it holds what is no text, too.
        is_range &= to.is_some();
        condition.push_str(" AND key COLLATE NOCASE >= ?");
        parameters.push(Some(from));
        if to.is_some() {
            condition.push_str(" AND key COLLATE NOCASE < ?");
            parameters.push(to);
        }
    }
    if !is_range {
        condition.push_str(" AND __rootcellar_like(?, key)");
        parameters.push(Some(pattern.to_owned()));
    }
    (condition, parameters)
}
