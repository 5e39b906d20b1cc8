//! SQL `LIKE` patterns with the escapes that Root's documentation has.

/// A parsed pattern.
///
/// `%` stands for any run of characters, also none; `_` for exactly one; ASCII letters match either case. `\%`,
/// `\_` and `\\` stand for the character itself, and a backslash before anything else for a backslash.
///
/// Unlike in SQLite's own `LIKE`, a NUL ends neither pattern nor key, and any length is allowed.
///
/// ```
/// use rootcellar::kv::Pattern;
///
/// assert!(Pattern::new("user:%").matches("USER:ada"));
/// assert!(Pattern::new(r"100\%").matches("100%"));
/// assert!(!Pattern::new(r"100\%").matches("1000"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This character; ASCII letters in lower case.
    Literal(char),
    /// Exactly one character.
    One,
    /// Any run of characters. Never two in a row.
    Many,
}

/// Bounds of the keys that begin with the literal text of a pattern, in the order of SQLite's `NOCASE` collation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// Inclusive.
    pub from: String,
    /// Exclusive; `None` for no upper bound.
    pub to: Option<String>,
}

impl Pattern {
    /// Parses a pattern. Every text is a valid one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut tokens = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let token = match c {
                '%' => Token::Many,
                '_' => Token::One,
                '\\' => {
                    let escaped = chars.next_if(|next| matches!(next, '%' | '_' | '\\'));
                    Token::Literal(escaped.unwrap_or('\\'))
                }
                other => Token::Literal(other.to_ascii_lowercase()),
            };
            if token != Token::Many || tokens.last() != Some(&Token::Many) {
                tokens.push(token);
            }
        }
        Self { tokens }
    }

    /// Returns `true` if a key matches.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        // Greedy matching with one point to return to: when the text after a `%` does not match, that `%` takes one
        // more character. An earlier `%` never needs another try, so the cost is at worst key length times pattern
        // length.
        let mut rest = key.chars();
        let mut next = 0;
        let mut retry: Option<(usize, std::str::Chars)> = None;
        loop {
            match self.tokens.get(next) {
                Some(Token::Many) => {
                    next += 1;
                    if next == self.tokens.len() {
                        return true;
                    }
                    retry = Some((next, rest.clone()));
                    continue;
                }
                Some(token) => {
                    let fits = match (token, rest.next()) {
                        (_, None) => return false,
                        (Token::Literal(literal), Some(c)) => *literal == c.to_ascii_lowercase(),
                        (_, Some(_)) => true,
                    };
                    if fits {
                        next += 1;
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((after, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            next = *after;
            rest = from.clone();
        }
    }

    /// Returns `true` if the pattern is literal text and a final `%`, so that [`Self::key_range`] has exactly the
    /// keys that match.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        let literals = self.prefix().count();
        literals + 1 == self.tokens.len()
            && self.tokens[literals] == Token::Many
            && !self.prefix().any(|c| c == '\0')
    }

    /// The range of keys to search an index for, if the pattern begins with literal text.
    #[must_use]
    pub fn key_range(&self) -> Option<KeyRange> {
        // NOCASE compares only up to a NUL (nocaseCollatingFunc in SQLite's main.c), so a bound must not have one.
        let from: String = self.prefix().take_while(|c| *c != '\0').collect();
        if from.is_empty() {
            return None;
        }
        Some(KeyRange { to: next_text(&from), from })
    }

    fn prefix(&self) -> impl Iterator<Item = char> {
        self.tokens.iter().map_while(|token| match token {
            Token::Literal(c) => Some(*c),
            Token::One | Token::Many => None,
        })
    }
}

/// The least text greater than every text that begins with `prefix`, in the order of `NOCASE`; `None` if there is
/// none. `prefix` is in lower case.
fn next_text(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // A range of characters skips the surrogates. Capital letters are skipped because NOCASE sorts them as
        // small ones.
        if let Some(next) = (last..=char::MAX).skip(1).find(|c| !c.is_ascii_uppercase()) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_backslash_escapes_only_wildcards_and_itself() {
        assert!(Pattern::new(r"a\_b").matches("a_b"));
        assert!(!Pattern::new(r"a\_b").matches("axb"));
        assert!(Pattern::new(r"a\\b").matches(r"a\b"));
        assert!(Pattern::new(r"C:\dir%").matches(r"C:\dir1"));
        assert!(Pattern::new(r"end\").matches(r"end\"));
    }

    #[test]
    fn only_ascii_letters_match_either_case() {
        assert!(Pattern::new("User").matches("uSER"));
        assert!(!Pattern::new("\u{c9}").matches("\u{e9}"));
    }

    #[test]
    fn a_nul_is_a_character_like_any_other() {
        assert!(Pattern::new("%b").matches("a\0b"));
        assert!(!Pattern::new("a\0c%").matches("a\0b"));
        assert_eq!(Pattern::new("a\0c%").key_range().unwrap().from, "a");
        assert!(!Pattern::new("a\0c%").is_prefix());
    }

    #[test]
    fn literal_text_at_the_beginning_becomes_a_range_of_keys() {
        let range = |text| Pattern::new(text).key_range();
        assert_eq!(range("User:%"), Some(KeyRange { from: "user:".into(), to: Some("user;".into()) }));
        assert_eq!(range("@%").unwrap().to.as_deref(), Some("["));
        assert_eq!(range("%user"), None);
        assert_eq!(range("_"), None);
        assert_eq!(range("\u{d7ff}%").unwrap().to.as_deref(), Some("\u{e000}"));
        assert_eq!(range("a\u{10ffff}%").unwrap().to.as_deref(), Some("b"));
        assert_eq!(range("\u{10ffff}%").unwrap().to, None);
    }

    #[test]
    fn a_pattern_of_many_wildcards_stays_fast() {
        let pattern = Pattern::new(&"%a".repeat(5_000));
        assert!(!pattern.matches(&"b".repeat(20_000)));
        assert!(pattern.matches(&"ba".repeat(5_000)));
        assert!(!pattern.matches(&"ba".repeat(4_999)));
    }

    fn text() -> impl Strategy<Value = String> {
        proptest::string::string_regex("[abAB%_\u{e9}\u{1f600}]{0,8}").unwrap()
    }

    proptest! {
        #[test]
        fn without_backslash_and_nul_it_is_the_like_of_sqlite(pattern in text(), key in text()) {
            let sqlite = Connection::open_in_memory().unwrap();
            let expected: bool = sqlite.query_row("SELECT ?2 LIKE ?1", [&pattern, &key], |row| row.get(0)).unwrap();
            prop_assert_eq!(Pattern::new(&pattern).matches(&key), expected);
        }

        #[test]
        fn any_text_is_a_pattern_and_matches_without_panic(pattern in any::<String>(), key in any::<String>()) {
            let pattern = Pattern::new(&pattern);
            let matches = pattern.matches(&key);
            if pattern.is_prefix() {
                let prefix: String = pattern.prefix().collect();
                prop_assert_eq!(matches, key.to_ascii_lowercase().starts_with(&prefix));
            }
        }

        #[test]
        fn an_escaped_text_matches_itself_alone(key in any::<String>(), other in any::<String>()) {
            let escaped: String = key
                .chars()
                .flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c]))
                .collect();
            prop_assert!(Pattern::new(&escaped).matches(&key));
            prop_assert_eq!(Pattern::new(&escaped).matches(&other), key.eq_ignore_ascii_case(&other));
        }
    }
}
