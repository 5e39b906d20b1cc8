//! Texts that cross as one.

/// Splits a text into parts of so many UTF-16 units each. `None` if they are not the whole text.
pub fn split(joined: &str, lengths: &[u32]) -> Option<Vec<String>> {
    let is_ascii = joined.is_ascii();
    let mut rest = joined;
    let mut parts = Vec::with_capacity(lengths.len());
    for length in lengths {
        let units = usize::try_from(*length).ok()?;
        let bytes = if is_ascii { units } else { bytes_of(rest, units)? };
        let (part, behind) = rest.split_at_checked(bytes)?;
        parts.push(part.to_owned());
        rest = behind;
    }
    rest.is_empty().then_some(parts)
}

/// The bytes of the first so many UTF-16 units of a text; `None` if there are fewer, or one is half a character.
fn bytes_of(text: &str, units: usize) -> Option<usize> {
    let mut left = units;
    let mut characters = text.chars();
    while left > 0 {
        left = left.checked_sub(characters.next()?.len_utf16())?;
    }
    Some(text.len() - characters.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn texts_of_all_widths_come_back_as_they_were() {
        let all = ["", "key", "schl\u{fc}ssel", "\u{20ac}", "\u{1f600}", "", "\u{10ffff}x\u{7ff}", "a"];
        for first in 0..all.len() {
            for last in first..=all.len() {
                let texts = &all[first..last];
                let lengths: Vec<u32> =
                    texts.iter().map(|text| u32::try_from(text.encode_utf16().count()).unwrap()).collect();
                assert_eq!(split(&texts.concat(), &lengths), Some(parts(texts)));
            }
        }
    }

    #[test]
    fn lengths_that_are_not_those_of_the_texts_are_refused() {
        for joined in ["abc", "\u{e4}bc", "\u{1f600}c"] {
            for lengths in [&[2][..], &[4], &[2, 2], &[u32::MAX], &[]] {
                assert_eq!(split(joined, lengths), None, "{joined} {lengths:?}");
            }
        }
        assert_eq!(split("\u{1f600}", &[1, 1]), None, "half a character");
    }
}
