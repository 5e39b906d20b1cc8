//! The names in a statement, which SQLite does not always tell the authorizer.

use std::borrow::Cow;

/// A word of a statement that may be a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'s> {
    /// Without its quotes.
    pub text: Cow<'s, str>,
    /// True if it had no quotes, and so may be a keyword.
    pub is_bare: bool,
}

/// The words of SQL that SQLite compiles, in order: names, keywords, and texts, which SQLite takes for names where it
/// expects one (sqlite.org/quirks.html).
pub fn names(sql: &str) -> impl Iterator<Item = Name<'_>> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            let (name, end) = match first {
                '-' if rest.starts_with("--") => (None, rest.find('\n').unwrap_or(rest.len())),
                '/' if rest.starts_with("/*") => (None, rest[2..].find("*/").map_or(rest.len(), |end| end + 4)),
                '\'' | '"' | '`' => quoted(rest, first),
                '[' => {
                    let end = rest.find(']').unwrap_or(rest.len());
                    (Some(Name { text: rest[1..end].into(), is_bare: false }), (end + 1).min(rest.len()))
                }
                _ if is_in_word(first) => {
                    let end = rest.find(|c| !is_in_word(c)).unwrap_or(rest.len());
                    (Some(Name { text: rest[..end].into(), is_bare: true }), end)
                }
                other => (None, other.len_utf8()),
            };
            rest = &rest[end..];
            if name.is_some() {
                return name;
            }
        }
    })
}

/// Quoted name, in which a doubled quote stands for one, and its length in the text.
fn quoted(sql: &str, quote: char) -> (Option<Name<'_>>, usize) {
    let mut at = 1;
    while let Some(place) = sql[at..].find(quote) {
        at += place + 1;
        if !sql[at..].starts_with(quote) {
            let inner = &sql[1..at - 1];
            let doubled = [quote, quote].iter().collect::<String>();
            let text = if inner.contains(&doubled) {
                inner.replace(&doubled, quote.encode_utf8(&mut [0; 4])).into()
            } else {
                inner.into()
            };
            return (Some(Name { text, is_bare: false }), at);
        }
        at += 1;
    }
    (None, sql.len())
}

/// Returns `true` for a character of an identifier or a number (sqlite3IsIdChar in SQLite's tokenize.c).
fn is_in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// The name that an `ALTER TABLE` ends with, if it gives one: to a table or to a column.
#[must_use]
pub fn new_name(sql: &str) -> Option<Cow<'_, str>> {
    let mut before = None;
    let mut last: Option<Name> = None;
    for name in names(sql) {
        before = last.replace(name);
    }
    let is_to = |name: Name| name.is_bare && name.text.eq_ignore_ascii_case("to");
    before.is_some_and(is_to).then(|| last.map(|name| name.text))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(sql: &str) -> Vec<String> {
        names(sql).map(|name| name.text.into_owned()).collect()
    }

    #[test]
    fn names_are_found_in_every_quoting_and_not_in_comments() {
        let sql = "UPDATE \"a\"\"b\" SET [c d]=`e``f` --g\n WHERE/*h*/main.i = 'j''k' AND \u{e9} > 1;";
        assert_eq!(
            texts(sql),
            ["UPDATE", "a\"b", "SET", "c d", "e`f", "WHERE", "main", "i", "j'k", "AND", "\u{e9}", "1"]
        );
        assert_eq!(texts("a'b"), ["a"]);
        assert_eq!(texts("a /* b"), ["a"]);
    }

    #[test]
    fn a_new_name_is_the_last_word() {
        assert_eq!(new_name("ALTER TABLE a RENAME TO b").as_deref(), Some("b"));
        assert_eq!(new_name("alter table main.a rename to/**/\"b c\" ; -- d").as_deref(), Some("b c"));
        assert_eq!(new_name("ALTER TABLE a RENAME b TO 'c'").as_deref(), Some("c"));
        assert_eq!(new_name("ALTER TABLE a ADD COLUMN b DEFAULT 'c'"), None);
        assert_eq!(new_name("ALTER TABLE a DROP COLUMN b"), None);
        assert_eq!(new_name(""), None);
    }

    proptest! {
        #[test]
        fn any_text_has_names(sql in any::<String>()) {
            for name in names(&sql) {
                prop_assert!(name.text.len() <= sql.len());
            }
        }
    }
}
