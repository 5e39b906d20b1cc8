//! Conditions on keys: patterns and ranges.
//!
//! No key has a NUL here, and PostgreSQL takes none in a text. So a bound with one becomes one without, which no key tells
//! from it; and a pattern that needs one matches nothing.

use tokio_postgres::types::Type;

use super::schema::{FOLDED_KEY, FOLDED_PREFIX};
use crate::engine::postgres::sql::Sql;
use crate::kv::{KeyRange, Pattern};
use crate::limits::PATTERN_PREFIX_CHARACTERS;

/// Adds the condition that a key matches a pattern: by the index for patterns, as far as it begins with literal text.
pub fn matching(sql: &mut Sql<'_>, pattern: &str) {
    if pattern.contains('\0') {
        sql.text(" AND false");
        return;
    }
    if let Some(start) = Pattern::new(pattern).literal_start() {
        let text: String = start.first().to_ascii_lowercase().chars().take(PATTERN_PREFIX_CHARACTERS).collect();
        sql.text(" AND ").text(FOLDED_PREFIX).text(" ~>=~ ").value(text.clone(), Type::TEXT);
        if let Some(end) = behind(&text) {
            sql.text(" AND ").text(FOLDED_PREFIX).text(" ~<~ ").value(end, Type::TEXT);
        }
    }
    sql.text(" AND ").text(FOLDED_KEY).text(" LIKE ").value(Pattern::normal_form(pattern), Type::TEXT);
}

/// The least text behind all that begin with this one, if there is one.
fn behind(text: &str) -> Option<String> {
    let mut chars: Vec<char> = text.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Adds the condition that a key is in a range.
pub fn in_range<'a>(sql: &mut Sql<'a>, range: &'a KeyRange) {
    bound(sql, &range.from, [" AND key >= ", " AND key > "]);
    if let Some(to) = &range.to {
        bound(sql, to, [" AND key < ", " AND key <= "]);
    }
}

fn bound<'a>(sql: &mut Sql<'a>, text: &'a str, [plain, with_nul]: [&str; 2]) {
    match text.split_once('\0') {
        None => sql.text(plain).value(text, Type::TEXT),
        Some((start, _)) => sql.text(with_nul).value(start, Type::TEXT),
    };
}

#[cfg(test)]
mod tests {
    use super::behind;

    #[test]
    fn the_end_of_a_range_lies_behind_all_that_begins_so() {
        assert_eq!(behind("ab").as_deref(), Some("ac"));
        assert_eq!(behind("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(behind("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(behind("\u{10ffff}"), None);
        assert_eq!(behind(""), None);
    }
}
