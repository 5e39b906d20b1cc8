//! Rows as slices of JSON text, which JavaScript parses one at a time.
//!
//! Values that JSON cannot express (bytes, integers as `bigint`s, the infinities) are `null` in the text, and are
//! listed in the slice's patches.

use std::fmt::Write;

use crate::Error;
use crate::error::SqlError;
use crate::limits::{SLICE_BYTES_MAX, SQL_SLICE_ROWS_MAX, TEXT_LENGTH_MAX};

/// `Number.MAX_SAFE_INTEGER`: all integers up to it are different JavaScript numbers.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

/// JavaScript value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An object. Of columns of one name the last wins.
    Object,
    /// An array.
    Array,
}

/// JavaScript values of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integers {
    /// Numbers. One that no number holds exactly is an error.
    Numbers,
    /// Numbers, and `bigint`s where no number holds them exactly.
    LargeBigints,
    /// `bigint`s, all of them.
    Bigints,
}

/// Form of the rows of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsWanted {
    /// JavaScript value of each row.
    pub format: Format,
    /// JavaScript values of integers.
    pub integers: Integers,
    /// Only the first row is returned.
    pub first_only: bool,
    /// The allowed number of rows. More are an error.
    pub max: usize,
}

/// Value of one column of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// `NULL`.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text, which other programs may have stored in another encoding than UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

/// Part of a result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// A JSON array of the rows.
    pub json: String,
    /// Items of a JSON array: for each value that is missing in `json`, its row, its key in the row, and an integer
    /// as a string, the sign of an infinity as `true` or `false`, or the length of a run of `bytes`.
    pub patches: String,
    /// All byte strings, one after another.
    pub bytes: Vec<u8>,
}

/// A complete result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSet {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub slices: Vec<Slice>,
}

/// Writes rows into slices.
#[derive(Debug)]
pub struct RowWriter {
    wanted: RowsWanted,
    columns: Vec<String>,
    /// Text before the value of each column; `None` for a column that a later one of the same name hides.
    labels: Vec<Option<String>>,
    slice: Slice,
    rows: usize,
    total: usize,
}

impl RowWriter {
    /// A writer of rows with these columns.
    #[must_use]
    pub fn new(wanted: RowsWanted, columns: Vec<String>) -> Self {
        let labels = columns
            .iter()
            .enumerate()
            .map(|(index, name)| match wanted.format {
                Format::Array => Some(String::new()),
                Format::Object if columns[index + 1..].contains(name) => None,
                Format::Object => {
                    let mut label = String::new();
                    push_text(&mut label, name);
                    label.push(':');
                    Some(label)
                }
            })
            .collect();
        Self { wanted, columns, labels, slice: Slice::default(), rows: 0, total: 0 }
    }

    /// Adds a row. `cell` returns the value of a column by its index. Returns a slice when one is full.
    ///
    /// # Errors
    ///
    /// `ERR_TOO_MANY_ROWS`, `ERR_INEXACT_INTEGER`, `ERR_VALUE_TOO_LONG`, or what `cell` fails with.
    pub fn push<'a>(
        &mut self,
        mut cell: impl FnMut(usize) -> Result<Cell<'a>, Error>,
    ) -> Result<Option<Slice>, Error> {
        if self.total == self.wanted.max {
            return Err(SqlError::TooManyRows { limit: self.wanted.max }.into());
        }
        self.slice.json.push(if self.rows == 0 { '[' } else { ',' });
        let (open, close) = match self.wanted.format {
            Format::Object => ('{', '}'),
            Format::Array => ('[', ']'),
        };
        self.slice.json.push(open);
        let mut first = true;
        for column in 0..self.columns.len() {
            let Some(label) = &self.labels[column] else { continue };
            if !first {
                self.slice.json.push(',');
            }
            first = false;
            self.slice.json.push_str(label);
            self.push_cell(column, cell(column)?)?;
        }
        self.slice.json.push(close);
        self.rows += 1;
        self.total += 1;
        let is_full =
            self.rows == SQL_SLICE_ROWS_MAX || self.slice.json.len() + self.slice.bytes.len() >= SLICE_BYTES_MAX;
        Ok(is_full.then(|| self.take()))
    }

    /// Returns `true` if a row was added.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        self.total > 0
    }

    /// The rows that were added since the last slice.
    pub fn take(&mut self) -> Slice {
        let mut slice = std::mem::take(&mut self.slice);
        slice.json.push_str(if self.rows == 0 { "[]" } else { "]" });
        self.rows = 0;
        slice
    }

    /// The names of the columns.
    #[must_use]
    pub fn into_columns(self) -> Vec<String> {
        self.columns
    }

    fn push_cell(&mut self, column: usize, cell: Cell) -> Result<(), Error> {
        let json = &mut self.slice.json;
        match cell {
            Cell::Null => json.push_str("null"),
            Cell::Integer(integer) if self.wanted.integers == Integers::Bigints => {
                self.patch_integer(column, integer);
            }
            Cell::Integer(integer) if integer.unsigned_abs() <= SAFE_INTEGER_MAX.unsigned_abs() => {
                append(json, format_args!("{integer}"));
            }
            Cell::Integer(integer) if self.wanted.integers == Integers::LargeBigints => {
                self.patch_integer(column, integer);
            }
            Cell::Integer(_) => {
                return Err(SqlError::InexactInteger { column: self.columns[column].clone() }.into());
            }
            // The shortest text of the same number, with an exponent if that is shorter.
            Cell::Real(real) if real.is_finite() => append(json, format_args!("{real:?}")),
            Cell::Real(real) => self.patch(column, if real > 0.0 { "true" } else { "false" }),
            Cell::Text(text) => {
                push_text(json, &String::from_utf8_lossy(text));
                if json.len() > TEXT_LENGTH_MAX {
                    return Err(SqlError::TooLong { column: self.columns[column].clone() }.into());
                }
            }
            Cell::Blob(bytes) => {
                self.slice.bytes.extend_from_slice(bytes);
                self.patch(column, &bytes.len().to_string());
            }
        }
        Ok(())
    }

    fn patch_integer(&mut self, column: usize, integer: i64) {
        self.patch(column, &format!("\"{integer}\""));
    }

    /// Writes `null`, and adds a patch with the value.
    fn patch(&mut self, column: usize, value: &str) {
        self.slice.json.push_str("null");
        if !self.slice.patches.is_empty() {
            self.slice.patches.push(',');
        }
        let patches = &mut self.slice.patches;
        match self.labels[column].as_deref().and_then(|label| label.strip_suffix(':')) {
            Some(name) => append(patches, format_args!("{},{name},{value}", self.rows)),
            None => append(patches, format_args!("{},{column},{value}", self.rows)),
        }
    }
}

fn append(text: &mut String, arguments: std::fmt::Arguments) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(arguments);
}

/// Appends a JSON string.
fn push_text(json: &mut String, text: &str) {
    json.push('"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        json.push_str(&text[written..at]);
        written = at + 1;
        match byte {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            other => append(json, format_args!("\\u{other:04x}")),
        }
    }
    json.push_str(&text[written..]);
    json.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wanted(format: Format) -> RowsWanted {
        RowsWanted { format, integers: Integers::Numbers, first_only: false, max: usize::MAX }
    }

    fn one_row(format: Format, columns: &[&str], cells: &[Cell]) -> Result<Slice, Error> {
        let mut writer = RowWriter::new(wanted(format), columns.iter().map(ToString::to_string).collect());
        writer.push(|column| Ok(cells[column]))?;
        Ok(writer.take())
    }

    #[test]
    fn of_columns_of_one_name_the_last_wins() {
        let slice = one_row(Format::Object, &["a", "b", "a"], &[Cell::Integer(1), Cell::Null, Cell::Integer(3)]);
        assert_eq!(slice.unwrap().json, r#"[{"b":null,"a":3}]"#);
    }

    #[test]
    fn what_json_cannot_express_stands_in_the_patches() {
        let cells = [Cell::Blob(b"ab"), Cell::Real(f64::NEG_INFINITY), Cell::Real(0.5)];
        let slice = one_row(Format::Array, &["a", "b", "c"], &cells).unwrap();
        assert_eq!(slice.json, "[[null,null,0.5]]");
        assert_eq!(slice.patches, "0,0,2,0,1,false");
        assert_eq!(slice.bytes, b"ab");
    }

    #[test]
    fn an_integer_is_never_rounded() {
        let exact = one_row(Format::Array, &["a"], &[Cell::Integer(SAFE_INTEGER_MAX)]).unwrap();
        assert_eq!(exact.json, "[[9007199254740991]]");
        let error = one_row(Format::Array, &["a"], &[Cell::Integer(SAFE_INTEGER_MAX + 1)]).unwrap_err();
        assert_eq!(error.code(), "ERR_INEXACT_INTEGER");
    }

    #[test]
    fn slices_end_after_a_thousand_rows() {
        let mut writer = RowWriter::new(wanted(Format::Array), vec!["a".into()]);
        let full = (0..2_500).filter(|_| writer.push(|_| Ok(Cell::Null)).unwrap().is_some()).count();
        assert_eq!(full, 2);
        assert_eq!(writer.take().json.matches("[null]").count(), 500);
    }

    proptest! {
        #[test]
        fn any_text_and_any_number_survive(text in any::<String>(), real in any::<f64>(), name in any::<String>()) {
            let real = if real.is_finite() { real } else { 0.0 };
            let names = [name.as_str(), "number"];
            let slice = one_row(Format::Object, &names, &[Cell::Text(text.as_bytes()), Cell::Real(real)]).unwrap();
            let parsed: serde_json::Value = serde_json::from_str(&slice.json).unwrap();
            if name != "number" {
                prop_assert_eq!(parsed[0][&name].as_str(), Some(text.as_str()));
            }
            // serde_json itself reads to the nearest but one.
            let digits: f64 = format!("{real:?}").parse().unwrap();
            prop_assert_eq!(digits.to_bits(), real.to_bits());
        }
    }
}
