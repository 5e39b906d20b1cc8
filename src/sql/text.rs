//! Places and words in SQL text.

use std::fmt;

/// Characters of the SQL that a message shows from the place of an error on.
const EXCERPT_CHARACTERS: usize = 30;

/// A place in SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlLocation {
    /// UTF-16 units before it, as JavaScript counts.
    pub position: usize,
    line: usize,
    column: usize,
    excerpt: String,
}

impl SqlLocation {
    /// The place at a byte of a text.
    ///
    /// ```
    /// use rootcellar::sql::SqlLocation;
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

/// The word that a statement begins with, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// There is no statement, only space and comments.
    None,
    /// `VACUUM`, which needs to be alone.
    Vacuum,
    /// `PRAGMA`.
    Pragma,
    /// Anything else.
    Other,
}

impl Keyword {
    /// The first word of a text.
    ///
    /// ```
    /// use rootcellar::sql::Keyword;
    ///
    /// assert_eq!(Keyword::of("-- why\n ;/* so */ vacuum"), Keyword::Vacuum);
    /// assert_eq!(Keyword::of(" -- nothing"), Keyword::None);
    /// ```
    #[must_use]
    pub fn of(sql: &str) -> Self {
        let text = skip_space(sql);
        let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
        match &text[..end] {
            _ if text.is_empty() => Self::None,
            word if word.eq_ignore_ascii_case("vacuum") => Self::Vacuum,
            word if word.eq_ignore_ascii_case("pragma") => Self::Pragma,
            _ => Self::Other,
        }
    }
}

/// What follows space, comments and semicolons.
fn skip_space(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ';' || c == '\u{feff}');
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.find('\n').map_or("", |end| &comment[end..])
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.find("*/").map_or("", |end| &comment[end + 2..])
        } else {
            return rest;
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_counts_as_javascript_does() {
        let place = SqlLocation::at("SELECT '\u{1f600}' FORM t", 14);
        assert_eq!(place.position, 12);
    }

    proptest! {
        #[test]
        fn any_text_has_a_place_at_any_byte_and_a_first_word(sql in any::<String>(), byte in 0usize..100) {
            prop_assert!(SqlLocation::at(&sql, byte).position <= sql.encode_utf16().count());
            let _ = Keyword::of(&sql);
        }
    }
}
