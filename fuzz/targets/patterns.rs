//! `LIKE` patterns. An input is a pattern, a line feed and a key.

use rootcellar::kv::{Pattern, SearchStep};

/// Characters of a pattern, and of a key, that the reference is asked about.
const LENGTH_MAX: usize = 500;

/// The product of the lengths of a pattern and a key for which a match must not take long.
const WORK_MAX: usize = 1 << 20;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, key) = text.split_once('\n').unwrap_or((&text, ""));
    let (pattern, key): (String, String) =
        (pattern.chars().take(LENGTH_MAX).collect(), key.chars().take(LENGTH_MAX).collect());

    let parsed = Pattern::new(&pattern);
    let matches = parsed.matches(&key);
    assert_eq!(matches, like(&pattern, &key), "{pattern:?} on {key:?}");

    let starts = parsed.literal_start().is_none_or(|start| start.step(key.as_bytes()) == SearchStep::Take);
    assert!(starts || !matches, "{pattern:?} matches {key:?}, which does not begin like it");
    if parsed.is_start() {
        assert_eq!(matches, starts, "{pattern:?} is only a beginning, and does not match {key:?}");
    }
    long_ones_end(&pattern, &key);
}

/// Matches the pattern many times over with the key many times over: were this exponential, it would not end.
fn long_ones_end(pattern: &str, key: &str) {
    let (pattern_length, key_length) = (pattern.len().max(1), key.len().max(1));
    let times = (WORK_MAX / pattern_length / key_length).isqrt();
    let _ = Pattern::new(&pattern.repeat(times)).matches(&key.repeat(times));
}

/// The definition of a pattern, character by character: after each the places of the key that it can end at.
pub fn like(pattern: &str, key: &str) -> bool {
    let key: Vec<char> = key.chars().collect();
    let mut ends = vec![false; key.len() + 1];
    ends[0] = true;
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let escaped = ["\\%", "\\_", "\\\\"].iter().any(|escape| rest.starts_with(escape));
        let (literal, length) = match first {
            '\\' if escaped => (rest[1..].chars().next(), 2),
            '%' | '_' => (None, 1),
            other => (Some(other), other.len_utf8()),
        };
        rest = &rest[length..];
        if first == '%' {
            let reached = ends.iter().position(|end| *end).unwrap_or(ends.len());
            ends[reached..].fill(true);
            continue;
        }
        let fits = |c: &char| literal.is_none_or(|literal| literal.eq_ignore_ascii_case(c));
        ends = (0..ends.len()).map(|end| end > 0 && ends[end - 1] && fits(&key[end - 1])).collect();
    }
    ends[key.len()]
}
