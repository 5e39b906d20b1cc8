//! The function of SQL's `REGEXP` operator, which SQLite leaves to others (`sqlite.org/lang_expr.html`).
//!
//! Matching takes time in proportion to the text, whatever the pattern. Like the operator of SQLite's own shell, it looks
//! for the pattern anywhere in the text, tells upper from lower case, and answers `NULL` if either side is `NULL`.

use regex_lite::{Regex, RegexBuilder};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

use crate::Error;
use crate::limits::REGEXP_BYTES_MAX;

/// Registers `regexp(pattern, text)`, for which `text REGEXP pattern` stands.
pub fn register(connection: &Connection) -> Result<(), Error> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("regexp", 2, flags, |context| {
        let (Some(pattern), Some(text)) = (text_of(context.get_raw(0)), text_of(context.get_raw(1))) else {
            return Ok(None);
        };
        let regex = context.get_or_create_aux(0, |_| compile(&pattern))?;
        Ok(Some(regex.is_match(&text)))
    })?;
    Ok(())
}

/// A pattern that is compiled once for a statement.
fn compile(pattern: &str) -> Result<Regex, InvalidPattern> {
    RegexBuilder::new(pattern).size_limit(REGEXP_BYTES_MAX).build().map_err(|_| InvalidPattern)
}

/// A value as text, as SQLite casts it.
fn text_of(value: ValueRef<'_>) -> Option<std::borrow::Cow<'_, str>> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(integer) => integer.to_string().into(),
        ValueRef::Real(real) => format!("{real:?}").into(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text),
    })
}

/// The pattern is no regular expression, or one that is too large. The message has nothing of it.
#[derive(Debug)]
struct InvalidPattern;

impl std::fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the pattern of REGEXP is no regular expression of the regex-lite crate, or too large")
    }
}

impl std::error::Error for InvalidPattern {}
