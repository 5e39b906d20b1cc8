//! Rows of a `select` as slices of JSON text.

use std::fmt::Write;

use serde::de::IgnoredAny;

use crate::Error;
use crate::limits::{SLICE_BYTES_MAX, SLICE_ROWS_FIRST, SLICE_ROWS_MAX, TEXT_LENGTH_MAX};

/// Content of each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// The key, the value, and the expiry where there is one.
    Entry,
    /// The value alone.
    Value,
    /// The key alone.
    Key,
}

/// Writes rows into slices: JSON texts of bounded length, each an array of columns.
///
/// The columns are the values (none in [`RowFormat::Key`]); the keys (none in [`RowFormat::Value`]); the expiries, as pairs
/// of an index within the slice and a time; and, in the last slice only, the order of all rows if it differs from the
/// order in which they were written, or whether there are more. V8 parses an array of values a third faster than an array
/// of entries.
///
/// ```
/// use rootcellar::kv::{EntryWriter, RowFormat};
///
/// let mut writer = EntryWriter::new(RowFormat::Entry);
/// assert_eq!(writer.push("a", "[1]", Some(5)).unwrap(), None);
/// assert_eq!(writer.finish(None), r#"[[[1]],["a"],[0,5]]"#);
/// ```
#[derive(Debug)]
pub struct EntryWriter {
    format: RowFormat,
    /// The slice up to its last value.
    slice: String,
    keys: String,
    expiries: String,
    rows: usize,
    rows_max: usize,
}

impl EntryWriter {
    /// A writer without rows.
    #[must_use]
    pub fn new(format: RowFormat) -> Self {
        let rows_max = SLICE_ROWS_FIRST;
        Self { format, slice: START.to_owned(), keys: String::new(), expiries: String::new(), rows: 0, rows_max }
    }

    /// Adds a row. If the slice before it is full, returns that slice.
    ///
    /// # Errors
    ///
    /// `ERR_VALUE_TOO_LONG` if the row does not fit a JavaScript string. `ERR_VALUE_NOT_JSON` if the value is not
    /// exactly one JSON text: unchecked, it could pass for rows that were never stored. The row is not added in
    /// either case.
    pub fn push(&mut self, key: &str, value: &str, expires_at: Option<i64>) -> Result<Option<String>, Error> {
        // Counted only for long texts: a text never has more UTF-16 units than bytes.
        if value.len() + 6 * key.len() > TEXT_LENGTH_MAX / 2 && !fits(key, value) {
            return Err(Error::too_long(key));
        }
        if self.format != RowFormat::Key {
            serde_json::from_str::<IgnoredAny>(value).map_err(|_| Error::not_json(key))?;
        }
        let bytes = self.slice.len() + self.keys.len() + value.len() + key.len();
        let is_full = self.rows == self.rows_max || (self.rows > 0 && bytes > SLICE_BYTES_MAX);
        let full = is_full.then(|| self.take(""));
        let comma = if self.rows > 0 { "," } else { "" };
        if self.format != RowFormat::Key {
            self.slice.push_str(comma);
            self.slice.push_str(value);
        }
        if self.format != RowFormat::Value {
            self.keys.push_str(comma);
            push_json(&mut self.keys, key);
        }
        if let Some(expires_at) = expires_at.filter(|_| self.format == RowFormat::Entry) {
            push_display(&mut self.expiries, self.rows);
            push_display(&mut self.expiries, expires_at);
        }
        self.rows += 1;
        Ok(full)
    }

    /// Returns the last slice, which may be empty. `order` lists the indexes of the rows, as they were written, in
    /// the order of the result.
    #[must_use]
    pub fn finish(mut self, order: Option<&[usize]>) -> String {
        let Some(order) = order else { return self.take("") };
        let mut places = String::new();
        for place in order {
            push_display(&mut places, place);
        }
        self.take(&format!(",[{places}]"))
    }

    /// Returns the last slice of a page. It says whether there are more entries behind the page.
    #[must_use]
    pub fn finish_page(mut self, has_more: bool) -> String {
        self.take(if has_more { ",true" } else { ",false" })
    }

    /// Takes the slice, which ends with a last column.
    fn take(&mut self, last: &str) -> String {
        let room = self.slice.capacity();
        let mut slice = std::mem::replace(&mut self.slice, String::with_capacity(room.min(SLICE_BYTES_MAX)));
        self.slice.push_str(START);
        slice.push_str("],[");
        slice.push_str(&self.keys);
        slice.push_str("],[");
        slice.push_str(&self.expiries);
        slice.push(']');
        slice.push_str(last);
        slice.push(']');
        self.keys.clear();
        self.expiries.clear();
        self.rows = 0;
        self.rows_max = (2 * self.rows_max).min(SLICE_ROWS_MAX);
        slice
    }
}

/// Start of a slice: its array, and the array of values.
const START: &str = "[[";

/// Appends a text as a JSON string.
pub fn push_json(json: &mut String, text: &str) {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Appends a number to the items of a JSON array.
fn push_display(json: &mut String, number: impl std::fmt::Display) {
    let comma = if json.is_empty() { "" } else { "," };
    write!(json, "{comma}{number}").expect("writing to a string never fails");
}

/// Length of the brackets, commas and expiry around a key and its value in a slice, at most.
const ROW_PUNCTUATION: usize = 100;

/// Returns `true` if a row fits a JavaScript string, in UTF-16 units. Escaping makes a key at most six times as
/// long.
fn fits(key: &str, value: &str) -> bool {
    let units = |text: &str| text.encode_utf16().count();
    units(value) + 6 * units(key) + ROW_PUNCTUATION <= TEXT_LENGTH_MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Columns = (Vec<serde_json::Value>, Vec<String>, Vec<i64>);

    fn parse(slice: &str) -> Columns {
        serde_json::from_str(slice).unwrap()
    }

    #[test]
    fn a_value_that_would_forge_rows_is_refused() {
        for forged in ["1,2", "1],[2", r#"1],["x"],[]]"#, "", "1 2", "hello", "[1", "\u{0}"] {
            let error = EntryWriter::new(RowFormat::Entry).push("a", forged, None).unwrap_err();
            assert_eq!(error.code(), "ERR_VALUE_NOT_JSON", "{forged:?}");
        }
    }

    #[test]
    fn slices_hold_a_bounded_number_of_rows_and_the_first_is_short() {
        let mut writer = EntryWriter::new(RowFormat::Value);
        let mut slices: Vec<String> = (0..2_500).filter_map(|_| writer.push("k", "1", None).unwrap()).collect();
        slices.push(writer.finish(None));
        let lengths: Vec<usize> = slices.iter().map(|slice| parse(slice).0.len()).collect();
        assert_eq!(lengths[0], SLICE_ROWS_FIRST);
        assert_eq!(lengths.iter().max(), Some(&SLICE_ROWS_MAX));
        assert_eq!(lengths.iter().sum::<usize>(), 2_500);
    }

    #[test]
    fn a_slice_ends_early_before_a_large_value() {
        let large = "1".repeat(SLICE_BYTES_MAX);
        let mut writer = EntryWriter::new(RowFormat::Value);
        assert_eq!(writer.push("a", "1", None).unwrap(), None);
        assert_eq!(writer.push("b", &large, None).unwrap().as_deref(), Some("[[1],[],[]]"));
        assert_eq!(writer.push("c", "2", None).unwrap().map(|slice| slice.len()), Some(large.len() + 10));
        assert_eq!(writer.finish(None), "[[2],[],[]]");
    }

    #[test]
    fn no_rows_are_one_slice_of_empty_columns() {
        assert_eq!(EntryWriter::new(RowFormat::Entry).finish(None), "[[],[],[]]");
    }

    #[test]
    fn expiries_name_their_rows_and_the_order_comes_last() {
        let mut writer = EntryWriter::new(RowFormat::Entry);
        for (key, expires_at) in [("a", None), ("b", Some(5)), ("c", Some(-7))] {
            assert_eq!(writer.push(key, "1", expires_at).unwrap(), None);
        }
        assert_eq!(writer.finish(Some(&[2, 0, 1])), r#"[[1,1,1],["a","b","c"],[1,5,2,-7],[2,0,1]]"#);
    }

    proptest! {
        #[test]
        fn any_key_and_any_foreign_value_give_json_or_an_error(key in any::<String>(), value in any::<String>()) {
            let mut writer = EntryWriter::new(RowFormat::Entry);
            if writer.push(&key, &value, None).is_ok() {
                let (values, keys, _) = parse(&writer.finish(None));
                prop_assert_eq!((values.len(), keys), (1, vec![key]));
            }
        }
    }
}
