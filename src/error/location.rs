//! Locations in SQL text.

use std::fmt;

/// Characters of SQL that a message shows from the location on.
const EXCERPT_CHARACTERS: usize = 30;

/// A location in SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlLocation {
    /// UTF-16 units before it, as JavaScript counts.
    pub position: usize,
    line: usize,
    column: usize,
    excerpt: String,
}

impl SqlLocation {
    /// The location of a byte of a text.
    ///
    /// ```
    /// use rootcellar::error::SqlLocation;
    ///
    /// let place = SqlLocation::at("SELECT 1\nFORM t", 9);
    /// assert_eq!(place.position, 9);
    /// assert_eq!(place.to_string(), r#"at line 2, column 1: "FORM t""#);
    /// ```
    #[must_use]
    pub fn at(sql: &str, byte: usize) -> Self {
        let byte = (0..=byte.min(sql.len())).rev().find(|byte| sql.is_char_boundary(*byte)).unwrap_or(0);
        let (before, after) = sql.split_at(byte);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let excerpt = after.lines().next().unwrap_or_default();
        Self {
            position: before.encode_utf16().count(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            excerpt: excerpt.chars().take(EXCERPT_CHARACTERS).collect(),
        }
    }
}

impl fmt::Display for SqlLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, excerpt, .. } = self;
        if excerpt.is_empty() {
            return write!(f, "at the end, line {line}, column {column}");
        }
        write!(f, "at line {line}, column {column}: \"{excerpt}\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_location_counts_as_javascript_does() {
        let location = SqlLocation::at("SELECT '\u{1f600}' FORM t", 14);
        assert_eq!(location.position, 12);
    }

    proptest! {
        #[test]
        fn any_text_has_a_location_at_any_byte(sql in any::<String>(), byte in 0usize..100) {
            prop_assert!(SqlLocation::at(&sql, byte).position <= sql.encode_utf16().count());
        }
    }
}
