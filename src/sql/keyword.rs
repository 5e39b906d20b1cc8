//! The first words of statements.

/// First word of a statement, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// No statement, only space and comments.
    None,
    /// `VACUUM`, which must run alone.
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

/// Skips space, comments and semicolons.
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

    proptest! {
        #[test]
        fn any_text_has_a_first_word(sql in any::<String>()) {
            let _ = Keyword::of(&sql);
        }
    }
}
