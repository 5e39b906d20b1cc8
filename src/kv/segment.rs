//! Segments of a pattern, between two `%`, and where each first fits into a text, in linear time.
//!
//! A short segment is compared at every place. A long one of literal characters is sought by Knuth, Morris and Pratt's
//! algorithm, which reads each byte of the text once. A long one with `_` in it is sought by Baeza-Yates and Gonnet's
//! (Shift-And), which keeps a bit for each character of the segment and shifts 64 of them at a time.

use std::collections::{HashMap, HashSet};

use super::budget::{Budget, Interrupted};
use super::token::Token;

/// Bytes or characters of a text between two looks at whether to go on.
const CHUNK: usize = 4_096;

/// A part of a pattern without `%`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Number of leading `_`.
    before: usize,
    core: Core,
    /// Number of trailing `_`.
    after: usize,
}

/// A segment from its first literal character to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Core {
    /// There is none.
    Empty,
    Literal(Literal),
    Short(Vec<Token>),
    Gapped(Gapped),
}

impl Segment {
    pub fn new(tokens: &[Token]) -> Self {
        let is_literal = |token: &Token| matches!(token, Token::Literal(_));
        let (Some(first), Some(last)) = (tokens.iter().position(is_literal), tokens.iter().rposition(is_literal))
        else {
            return Self { before: tokens.len(), core: Core::Empty, after: 0 };
        };
        let core = &tokens[first..=last];
        let core = if core.len() <= SHORT_MAX {
            Core::Short(core.to_vec())
        } else if core.iter().all(is_literal) {
            Core::Literal(Literal::new(core))
        } else {
            Core::Gapped(Gapped::new(core))
        };
        Self { before: first, core, after: tokens.len() - 1 - last }
    }

    /// Finds the first match of the segment in a text, and returns the text behind it.
    pub fn find<'t>(&self, text: &'t str, budget: &mut Budget) -> Result<Option<&'t str>, Interrupted> {
        let Some(text) = skip(text, self.before, budget)? else { return Ok(None) };
        let behind = match &self.core {
            Core::Empty => Some(text),
            Core::Literal(literal) => literal.find(text, budget)?,
            Core::Short(tokens) => find_short(tokens, text, budget)?,
            Core::Gapped(gapped) => gapped.find(text, budget)?,
        };
        // If the rest is too short behind the first match, it is behind every later one.
        behind.map_or(Ok(None), |behind| skip(behind, self.after, budget))
    }
}

/// A text without its first characters, if it has as many.
fn skip<'t>(text: &'t str, count: usize, budget: &mut Budget) -> Result<Option<&'t str>, Interrupted> {
    let mut chars = text.chars();
    for skipped in 0..count {
        if skipped % CHUNK == 0 {
            budget.spend(CHUNK.min(count))?;
        }
        if chars.next().is_none() {
            return Ok(None);
        }
    }
    Ok(Some(chars.as_str()))
}

/// Literal characters, compared as UTF-8, in which no character begins within another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Literal {
    bytes: Vec<u8>,
    /// For each byte the length of the longest true prefix of `bytes` that ends with it.
    borders: Vec<usize>,
}

impl Literal {
    fn new(tokens: &[Token]) -> Self {
        let literal = tokens.iter().filter_map(|token| match token {
            Token::Literal(c) => Some(*c),
            Token::Any => None,
        });
        let bytes = literal.collect::<String>().into_bytes();
        let mut borders = vec![0; bytes.len()];
        let mut length = 0;
        for at in 1..bytes.len() {
            length = extend(&bytes, &borders, length, bytes[at]);
            borders[at] = length;
        }
        Self { bytes, borders }
    }

    fn find<'t>(&self, text: &'t str, budget: &mut Budget) -> Result<Option<&'t str>, Interrupted> {
        let mut length = 0;
        for (index, chunk) in text.as_bytes().chunks(CHUNK).enumerate() {
            budget.spend(chunk.len())?;
            for (place, byte) in chunk.iter().enumerate() {
                length = extend(&self.bytes, &self.borders, length, byte.to_ascii_lowercase());
                if length == self.bytes.len() {
                    return Ok(text.get(index * CHUNK + place + 1..));
                }
            }
        }
        Ok(None)
    }
}

/// Length of the prefix of `bytes` that matches after one more byte, where `length` bytes matched before it.
fn extend(bytes: &[u8], borders: &[usize], mut length: usize, byte: u8) -> usize {
    while length > 0 && bytes[length] != byte {
        length = borders[length - 1];
    }
    length + usize::from(bytes[length] == byte)
}

/// Length up to which a segment is compared at every place: nearly all end at its first character, and none costs much.
const SHORT_MAX: usize = 32;

/// Finds a short segment.
fn find_short<'t>(tokens: &[Token], text: &'t str, budget: &mut Budget) -> Result<Option<&'t str>, Interrupted> {
    let mut starts = text.chars();
    loop {
        budget.spend(tokens.len())?;
        let mut chars = starts.clone();
        if tokens.iter().all(|token| chars.next().is_some_and(|c| token.fits(c))) {
            return Ok(Some(chars.as_str()));
        }
        if starts.next().is_none() {
            return Ok(None);
        }
    }
}

/// Masks of characters that are kept.
const MASKS_MAX: usize = 64;

/// Long segment with `_` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gapped {
    /// A bit for each character of the segment that is a `_`, 64 to a word.
    any: Vec<u64>,
    /// Places of each literal character.
    places: HashMap<char, Vec<usize>>,
    /// The bit of the last character, in the last word.
    last: u64,
}

impl Gapped {
    fn new(tokens: &[Token]) -> Self {
        let mut any = vec![0; tokens.len().div_ceil(64)];
        let mut places = HashMap::<char, Vec<usize>>::new();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Literal(c) => places.entry(*c).or_default().push(at),
                Token::Any => any[at / 64] |= 1 << (at % 64),
            }
        }
        Self { any, places, last: 1 << ((tokens.len() - 1) % 64) }
    }

    /// A bit for each character of the segment that this one fits.
    fn mask(&self, c: char) -> Vec<u64> {
        let mut mask = self.any.clone();
        for at in self.places.get(&c).into_iter().flatten() {
            mask[at / 64] |= 1 << (at % 64);
        }
        mask
    }

    fn find<'t>(&self, text: &'t str, budget: &mut Budget) -> Result<Option<&'t str>, Interrupted> {
        // Without one of the literal characters nothing fits.
        budget.spend(text.len())?;
        let present: HashSet<char> = text.chars().map(|c| c.to_ascii_lowercase()).collect();
        if !self.places.keys().all(|literal| present.contains(literal)) {
            return Ok(None);
        }
        let words = self.any.len();
        let mut masks = HashMap::new();
        // A bit says that the characters up to its own fit the text up to here.
        let mut fitting = vec![0_u64; words];
        // Words that may have a bit.
        let mut used = 1;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            budget.spend(used)?;
            if masks.len() == MASKS_MAX {
                masks.clear();
            }
            let mask = masks.entry(c.to_ascii_lowercase()).or_insert_with_key(|c| self.mask(*c));
            // The first character may always fit next.
            let mut carry = 1;
            for (word, mask) in fitting[..used].iter_mut().zip(mask.iter()) {
                let shifted = *word << 1 | carry;
                carry = *word >> 63;
                *word = shifted & mask;
            }
            if used == words && fitting[used - 1] & self.last != 0 {
                return Ok(Some(chars.as_str()));
            }
            while used > 1 && fitting[used - 1] == 0 && fitting[used - 2] >> 63 == 0 {
                used -= 1;
            }
            // The next character may carry into one more.
            if used < words && fitting[used - 1] >> 63 != 0 {
                used += 1;
            }
        }
        Ok(None)
    }
}
