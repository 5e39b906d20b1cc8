//! SQL `LIKE` patterns with the escapes that Root's documentation has.

use super::budget::{Budget, Interrupted};
use super::case_insensitive::LiteralStart;
use super::segment::Segment;
use super::token::Token;

/// A parsed pattern.
///
/// `%` stands for any run of characters, also none; `_` for exactly one; ASCII letters match either case. `\%`,
/// `\_` and `\\` stand for the character itself, and a backslash before anything else for a backslash.
///
/// Unlike in SQLite's own `LIKE`, a NUL ends neither pattern nor key, and any length is allowed. Matching takes time in
/// proportion to the length of the key.
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
    /// Start of the key; the whole key if the pattern has no `%`.
    start: Vec<Token>,
    /// Rest of the pattern after the first `%`, if there is one.
    rest: Option<Rest>,
}

/// A pattern from its first `%` on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rest {
    /// Parts between two `%`, in order.
    segments: Vec<Segment>,
    /// End of the key.
    end: Vec<Token>,
}

impl Pattern {
    /// Parses a pattern. Every text is a valid one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        // Split at each `%`.
        let mut parts = vec![Vec::new()];
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let token = match c {
                '%' => {
                    parts.push(Vec::new());
                    continue;
                }
                '_' => Token::Any,
                '\\' => {
                    let escaped = chars.next_if(|next| matches!(next, '%' | '_' | '\\'));
                    Token::Literal(escaped.unwrap_or('\\'))
                }
                other => Token::Literal(other.to_ascii_lowercase()),
            };
            if let Some(part) = parts.last_mut() {
                part.push(token);
            }
        }
        let mut parts = parts.into_iter();
        let start = parts.next().unwrap_or_default();
        let rest = parts.next_back().map(|end| Rest {
            segments: parts.filter(|part| !part.is_empty()).map(|part| Segment::new(&part)).collect(),
            end,
        });
        Self { start, rest }
    }

    /// A pattern as SQL's `LIKE` has it for keys whose ASCII letters are in lower case: every backslash escapes.
    ///
    /// ```
    /// use rootcellar::kv::Pattern;
    ///
    /// assert_eq!(Pattern::normal_form(r"C:\dir\_%"), r"c:\\dir\_%");
    /// ```
    #[must_use]
    pub fn normal_form(text: &str) -> String {
        let mut normal = String::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            normal.push(c.to_ascii_lowercase());
            if c == '\\' {
                normal.push(chars.next_if(|next| matches!(next, '%' | '_' | '\\')).unwrap_or('\\'));
            }
        }
        normal
    }

    /// Returns `true` if a key matches.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        self.matches_within(key, &mut Budget::unbounded()).unwrap_or(false)
    }

    /// [`Pattern::matches`] that can be interrupted.
    ///
    /// # Errors
    ///
    /// If it was interrupted.
    pub fn matches_within(&self, key: &str, budget: &mut Budget) -> Result<bool, Interrupted> {
        budget.spend(key.len().min(self.start.len()) + 1)?;
        let mut chars = key.chars();
        if !self.start.iter().all(|token| chars.next().is_some_and(|c| token.fits(c))) {
            return Ok(false);
        }
        let Some(Rest { segments, end }) = &self.rest else { return Ok(chars.as_str().is_empty()) };
        budget.spend(key.len().min(end.len()))?;
        if !end.iter().rev().all(|token| chars.next_back().is_some_and(|c| token.fits(c))) {
            return Ok(false);
        }
        // The first match of a segment leaves the longest rest for the others, so no later match need be tried.
        let mut between = chars.as_str();
        for segment in segments {
            let Some(behind) = segment.find(between, budget)? else { return Ok(false) };
            between = behind;
        }
        Ok(true)
    }

    /// Returns `true` if every key matches that begins with [`Self::literal_start`]; where there is none, every key.
    #[must_use]
    pub fn is_start(&self) -> bool {
        self.start.iter().all(|token| matches!(token, Token::Literal(_)))
            && self.rest.as_ref().is_none_or(|rest| rest.segments.is_empty() && rest.end.is_empty())
    }

    /// Beginning that all matching keys have in common, if the pattern begins with literal text. If there is nothing else in
    /// the pattern, it is the whole key.
    #[must_use]
    pub fn literal_start(&self) -> Option<LiteralStart> {
        let literal = self.start.iter().map_while(|token| match token {
            Token::Literal(c) => Some(*c),
            Token::Any => None,
        });
        let text: String = literal.collect();
        let is_whole = self.rest.is_none() && self.is_start();
        (is_whole || !text.is_empty()).then(|| LiteralStart::new(text, is_whole))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::super::case_insensitive::SearchStep;
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
        assert_eq!(Pattern::new("a\0c%").literal_start().unwrap().first(), "A\0C");
    }

    #[test]
    fn literal_text_at_the_beginning_is_searched_for() {
        let first = |text| Pattern::new(text).literal_start().map(|start| start.first());
        assert_eq!(first("User:%").as_deref(), Some("USER:"));
        assert_eq!(first(r"a\_b_c%").as_deref(), Some("A_B"));
        assert_eq!(first("").as_deref(), Some(""));
        assert_eq!(first("%user"), None);
        assert_eq!(first("_"), None);
        let is_start = |text| Pattern::new(text).is_start();
        assert!(is_start("user:%") && is_start("user:%%") && is_start("user") && is_start("%"));
        assert!(!is_start("user:%x") && !is_start("us_r%") && !is_start("%x%"));
    }

    /// The matcher by the definition of `LIKE`: of a `%`, every number of characters is tried.
    fn by_definition(pattern: &[char], key: &[char]) -> bool {
        let one = |literal: char, rest: &[char]| {
            key.first().is_some_and(|c| c.eq_ignore_ascii_case(&literal)) && by_definition(rest, &key[1..])
        };
        match pattern {
            [] => key.is_empty(),
            ['%', rest @ ..] => (0..=key.len()).any(|taken| by_definition(rest, &key[taken..])),
            ['_', rest @ ..] => !key.is_empty() && by_definition(rest, &key[1..]),
            ['\\', escaped @ ('%' | '_' | '\\'), rest @ ..] => one(*escaped, rest),
            [literal, rest @ ..] => one(*literal, rest),
        }
    }

    #[test]
    fn random_patterns_match_what_the_definition_says() {
        // Others in each run, and few enough for an emulated processor. `fuzz/targets/patterns.rs` tries more.
        const ROUNDS: u32 = 100_000;
        const OF_PATTERNS: &[char] = &['%', '%', '_', '_', 'a', 'a', 'B', '\\', '\0', '\u{e9}', '\u{1f600}'];
        const OF_KEYS: &[char] = &['a', 'a', 'a', 'A', 'b', '%', '_', '\\', '\0', '\u{e9}', '\u{1f600}'];
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut text = |letters: &[char], length_max: usize| -> Vec<char> {
            // Fewer letters make more matches.
            let used = random.usize(2..=letters.len());
            (0..random.usize(0..=length_max)).map(|_| letters[random.usize(0..used)]).collect()
        };
        let mut matches = 0;
        for _ in 0..ROUNDS {
            let (pattern, key) = (text(OF_PATTERNS, 9), text(OF_KEYS, 12));
            let expected = by_definition(&pattern, &key);
            let parsed = Pattern::new(&pattern.iter().collect::<String>());
            let found = parsed.matches(&key.iter().collect::<String>());
            assert_eq!(found, expected, "pattern {pattern:?}, key {key:?}, seed {seed}");
            matches += u32::from(found);
        }
        assert!(matches > ROUNDS / 20, "{matches}");
    }

    #[test]
    fn a_long_run_is_found_where_it_first_fits() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..300 {
            // Longer than the words in which several characters of it are compared at a time.
            let segment: String =
                (0..random.usize(50..200)).map(|_| if random.u8(..4) == 0 { '_' } else { 'a' }).collect();
            let key: String =
                (0..random.usize(0..600)).map(|_| if random.u8(..40) == 0 { 'b' } else { 'A' }).collect();
            let fits = |from: usize| key[from..].bytes().zip(segment.bytes()).all(|(k, r)| r == b'_' || k == b'A');
            let expected = (0..=key.len()).any(|from| key.len() - from >= segment.len() && fits(from));
            assert_eq!(Pattern::new(&format!("%{segment}%")).matches(&key), expected, "%{segment}% {key} {seed}");
        }
    }

    /// Shapes that take a matcher which tries again from each character the product of both lengths.
    fn long_patterns() -> Vec<String> {
        let (many, few) = (50_000, 5_000);
        vec![
            format!("%{}b", "a".repeat(many)),
            format!("%{}b%", "a".repeat(many)),
            format!("%{}b", "_".repeat(many)),
            format!("%{}b_%", "_".repeat(many)),
            "%a".repeat(many) + "b%",
            "%_a".repeat(many) + "b%",
            format!("%{}b%", "a_".repeat(few)),
            format!("%{}_%", "\u{e9}_a".repeat(few)),
            format!("%{}{}%", "a".repeat(few), "_b".repeat(few)),
        ]
    }

    #[test]
    fn no_pattern_takes_the_product_of_both_lengths() {
        let key = "a".repeat(200_000);
        for pattern in long_patterns() {
            let parsed = Pattern::new(&pattern);
            let mut budget = Budget::unbounded();
            assert_eq!(parsed.matches_within(&key, &mut budget), Ok(false));
            let product = key.len() as u64 * pattern.len() as u64;
            assert!(budget.spent() < product / 50, "{} of {product}", budget.spent());
        }
    }

    #[test]
    fn matching_is_interrupted_within_a_key() {
        let key = "a".repeat(200_000);
        for pattern in long_patterns().iter().filter(|pattern| pattern.ends_with('%')) {
            let mut is_over = || true;
            let mut budget = Budget::until(&mut is_over);
            assert_eq!(
                Pattern::new(pattern).matches_within(&key, &mut budget),
                Err(Interrupted),
                "{}",
                &pattern[..9]
            );
        }
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
            let starts = pattern.literal_start().is_none_or(|start| start.step(key.as_bytes()) == SearchStep::Take);
            prop_assert!(starts || !matches);
            if pattern.is_start() {
                prop_assert_eq!(matches, starts);
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
