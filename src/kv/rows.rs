//! Rows of a `select` as JSON text, in slices.

use serde::de::IgnoredAny;

use crate::Error;
use crate::limits::{SLICE_BYTES_MAX, SLICE_ROWS_MAX, TEXT_LENGTH_MAX};

/// A live entry as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: String,
    /// JSON text, if whoever wrote it kept to the format.
    pub value: String,
    /// Milliseconds since 1970 UTC.
    pub expires_at: Option<i64>,
}

/// What of a row is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// `{"key":...,"value":...}`, and `"expires_at":...` in milliseconds where there is one.
    Entry,
    /// The value alone.
    Value,
}

/// Writes rows as JSON arrays of bounded length, in order.
///
/// # Errors
///
/// `ERR_VALUE_TOO_LONG` if a row does not fit a JavaScript string.
/// `ERR_VALUE_NOT_JSON` if a value is not exactly one JSON text. (Pasted in unchecked it could pass for rows
/// that were never stored.)
///
/// ```
/// use rootcellar::kv::{Row, RowFormat, to_json_slices};
///
/// let row = Row { key: "a".into(), value: "[1]".into(), expires_at: Some(5) };
/// let slices = to_json_slices(&[row], RowFormat::Entry).unwrap();
/// assert_eq!(slices, [r#"[{"key":"a","value":[1],"expires_at":5}]"#]);
/// ```
pub fn to_json_slices(rows: &[Row], format: RowFormat) -> Result<Vec<String>, Error> {
    let mut slices = Vec::new();
    let mut slice = String::from("[");
    let mut in_slice = 0;
    for row in rows {
        if in_slice == SLICE_ROWS_MAX || slice.len() >= SLICE_BYTES_MAX {
            slice.push(']');
            slices.push(std::mem::replace(&mut slice, String::from("[")));
            in_slice = 0;
        }
        if in_slice > 0 {
            slice.push(',');
        }
        push_row(&mut slice, row, format)?;
        in_slice += 1;
    }
    slice.push(']');
    slices.push(slice);
    Ok(slices)
}

fn push_row(json: &mut String, row: &Row, format: RowFormat) -> Result<(), Error> {
    // Counted only where it may matter: a text has no more UTF-16 units than bytes.
    if json.len() + row.value.len() + 6 * row.key.len() > TEXT_LENGTH_MAX / 2 && !fits(json, row) {
        return Err(Error::too_long(&row.key));
    }
    serde_json::from_str::<IgnoredAny>(&row.value).map_err(|_| Error::not_json(&row.key))?;
    match format {
        RowFormat::Value => json.push_str(&row.value),
        RowFormat::Entry => {
            json.push_str(r#"{"key":"#);
            json.push_str(&serde_json::Value::from(row.key.as_str()).to_string());
            json.push_str(r#","value":"#);
            json.push_str(&row.value);
            if let Some(expires_at) = row.expires_at {
                json.push_str(r#","expires_at":"#);
                json.push_str(&expires_at.to_string());
            }
            json.push('}');
        }
    }
    Ok(())
}

/// Room for what surrounds a key and its value in an entry: names, punctuation, the expiry.
const ROW_PUNCTUATION: usize = 100;

/// Whether a row still fits a JavaScript string, in UTF-16 units. Escaping makes a key six times as long at worst.
fn fits(json: &str, row: &Row) -> bool {
    let units = |text: &str| text.encode_utf16().count();
    units(json) + units(&row.value) + 6 * units(&row.key) + ROW_PUNCTUATION <= TEXT_LENGTH_MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(key: &str, value: &str) -> Row {
        Row { key: key.into(), value: value.into(), expires_at: None }
    }

    #[test]
    fn a_value_that_would_forge_rows_is_refused() {
        for forged in [r#"1},{"key":"x","value":2"#, "", "1 2", "hello", "[1", "\u{0}"] {
            let error = to_json_slices(&[row("a", forged)], RowFormat::Entry).unwrap_err();
            assert_eq!(error.code(), "ERR_VALUE_NOT_JSON", "{forged:?}");
        }
    }

    #[test]
    fn slices_hold_at_most_a_thousand_rows() {
        let rows = vec![row("k", "1"); 2_500];
        let slices = to_json_slices(&rows, RowFormat::Value).unwrap();
        let lengths: Vec<usize> =
            slices.iter().map(|slice| serde_json::from_str::<Vec<u8>>(slice).unwrap().len()).collect();
        assert_eq!(lengths, [1_000, 1_000, 500]);
    }

    #[test]
    fn no_rows_are_one_empty_array() {
        assert_eq!(to_json_slices(&[], RowFormat::Entry).unwrap(), ["[]"]);
    }

    proptest! {
        #[test]
        fn any_key_and_any_foreign_value_give_json_or_an_error(key in any::<String>(), value in any::<String>()) {
            if let Ok(slices) = to_json_slices(&[row(&key, &value)], RowFormat::Entry) {
                let parsed: serde_json::Value = serde_json::from_str(&slices[0]).unwrap();
                prop_assert_eq!(parsed[0]["key"].as_str(), Some(key.as_str()));
                prop_assert_eq!(parsed.as_array().unwrap().len(), 1);
            }
        }
    }
}
