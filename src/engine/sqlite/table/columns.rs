//! Columns of the key-value table, in which other programs may have stored anything.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::Error;
use crate::limits::TEXT_LENGTH_MAX;

/// The value and the expiry of a key: those of its newest row, because a file of SDK 0.17.0 may have several.
pub const NEWEST_ROW: &str = "SELECT value, expires_at FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key = ?2 ORDER BY rowid DESC LIMIT 1";

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

/// Checks that the value of a key fits a JavaScript string.
///
/// # Errors
///
/// `ERR_VALUE_TOO_LONG`
pub fn check_length(key: &str, text: &str) -> Result<(), Error> {
    // Counted only for long texts: a text never has more UTF-16 units than bytes.
    let is_long = text.len() > TEXT_LENGTH_MAX && text.encode_utf16().count() > TEXT_LENGTH_MAX;
    if is_long { Err(Error::too_long(key)) } else { Ok(()) }
}
