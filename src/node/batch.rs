//! How a batch crosses from JavaScript: one array of codes, one of texts, one of numbers.
//!
//! Each command is a code, its kind in the low bits, and takes what it needs from the front of the texts and
//! numbers. Converting flat arrays costs a fraction of what an object per command would.

use crate::kv::{Address, Command, Entry, Swap};

/// Texts: key, value. A `SET_MANY` takes its entries as so many `SET`s that follow.
const SET: u8 = 0;
/// Numbers: how many `SET`s follow that belong together.
const SET_MANY: u8 = 1;
/// Texts: key, value, and the expected value if `HAS_EXPECTED`.
const SWAP: u8 = 2;
/// Texts: key.
const DELETE: u8 = 3;
/// Texts: pattern.
const DELETE_LIKE: u8 = 4;
const KIND: u8 = 0b0000_0111;

/// The community is the command's first text.
const HAS_COMMUNITY: u8 = 1 << 3;
/// The expiry, in milliseconds since 1970 UTC, is the command's number.
const HAS_EXPIRY: u8 = 1 << 4;
const HAS_EXPECTED: u8 = 1 << 5;

/// Commands as JavaScript wrote them, read from the front.
pub struct Encoded<'a> {
    codes: std::slice::Iter<'a, u8>,
    texts: std::vec::IntoIter<String>,
    numbers: std::slice::Iter<'a, f64>,
}

impl<'a> Encoded<'a> {
    /// The three arrays of a batch.
    pub fn new(codes: &'a [u8], texts: Vec<String>, numbers: &'a [f64]) -> Self {
        Self { codes: codes.iter(), texts: texts.into_iter(), numbers: numbers.iter() }
    }

    /// The commands; `None` if the arrays do not fit together, which only a defect of `lib/` can cause.
    pub fn decode(mut self) -> Option<Vec<Command>> {
        let mut commands = Vec::with_capacity(self.codes.len());
        while let Some(code) = self.codes.next() {
            commands.push(self.command(*code)?);
        }
        Some(commands)
    }

    fn command(&mut self, code: u8) -> Option<Command> {
        let community = self.text_if(code, HAS_COMMUNITY)?;
        Some(match code & KIND {
            SET => Command::Set(self.entry(code, community)?),
            SET_MANY => {
                let mut entries = Vec::new();
                for _ in 0..self.number()? {
                    let code = *self.codes.next()?;
                    let community = self.text_if(code, HAS_COMMUNITY)?;
                    entries.push(self.entry(code, community)?);
                }
                Command::SetMany(entries)
            }
            SWAP => {
                let Entry { address, value, expires_at } = self.entry(code, community)?;
                Command::Swap(Swap { address, value, expires_at, expected: self.text_if(code, HAS_EXPECTED)? })
            }
            DELETE => Command::Delete(Address { community, key: self.texts.next()? }),
            DELETE_LIKE => Command::DeleteLike { community, pattern: self.texts.next()? },
            _ => return None,
        })
    }

    fn entry(&mut self, code: u8, community: Option<String>) -> Option<Entry> {
        let address = Address { community, key: self.texts.next()? };
        let value = self.texts.next()?;
        let expires_at = if code & HAS_EXPIRY == 0 { None } else { Some(self.number()?) };
        Some(Entry { address, value, expires_at })
    }

    fn text_if(&mut self, code: u8, flag: u8) -> Option<Option<String>> {
        if code & flag == 0 { Some(None) } else { self.texts.next().map(Some) }
    }

    #[expect(clippy::cast_possible_truncation, reason = "JavaScript's integers, exact below 2^53")]
    fn number(&mut self) -> Option<i64> {
        self.numbers.next().map(|number| *number as i64)
    }
}
