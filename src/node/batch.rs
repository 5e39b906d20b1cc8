//! How a batch crosses from JavaScript: one array of codes, one of texts, one of numbers.
//!
//! Each command is a code, its kind in the low bits, and takes what it needs from the front of the texts and
//! numbers. Converting flat arrays costs a fraction of what an object per command would.

use crate::kv::{Address, Command, Entry, Expected, Swap};

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
/// What the command before it on the same key has left.
const EXPECTS_PREVIOUS: u8 = 1 << 6;

/// The arrays do not fit together, which only a defect of `lib/` can cause.
pub struct Malformed;

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

    /// The commands.
    pub fn decode(mut self) -> Result<Vec<Command>, Malformed> {
        let mut commands = Vec::with_capacity(self.codes.len());
        while let Some(code) = self.codes.next() {
            commands.push(self.command(*code)?);
        }
        Ok(commands)
    }

    fn command(&mut self, code: u8) -> Result<Command, Malformed> {
        Ok(match code & KIND {
            SET => Command::Set(self.entry(code)?),
            SET_MANY => Command::SetMany(self.entries()?),
            SWAP => {
                let Entry { address, value, expires_at } = self.entry(code)?;
                let expected = match code & (HAS_EXPECTED | EXPECTS_PREVIOUS) {
                    0 => Expected::Nothing,
                    HAS_EXPECTED => Expected::Value(self.text()?),
                    _ => Expected::Previous,
                };
                Command::Swap(Swap { address, expected, value, expires_at })
            }
            DELETE => Command::Delete(self.address(code)?),
            DELETE_LIKE => {
                let Address { community, key } = self.address(code)?;
                Command::DeleteLike { community, pattern: key }
            }
            _ => return Err(Malformed),
        })
    }

    fn entries(&mut self) -> Result<Vec<Entry>, Malformed> {
        (0..self.number()?)
            .map(|_| {
                let code = *self.codes.next().ok_or(Malformed)?;
                self.entry(code)
            })
            .collect()
    }

    fn entry(&mut self, code: u8) -> Result<Entry, Malformed> {
        let address = self.address(code)?;
        let value = self.text()?;
        let expires_at = if code & HAS_EXPIRY == 0 { None } else { Some(self.number()?) };
        Ok(Entry { address, value, expires_at })
    }

    fn address(&mut self, code: u8) -> Result<Address, Malformed> {
        let community = if code & HAS_COMMUNITY == 0 { None } else { Some(self.text()?) };
        Ok(Address { community, key: self.text()? })
    }

    fn text(&mut self) -> Result<String, Malformed> {
        self.texts.next().ok_or(Malformed)
    }

    #[expect(clippy::cast_possible_truncation, reason = "JavaScript's integers, exact below 2^53")]
    fn number(&mut self) -> Result<i64, Malformed> {
        self.numbers.next().map(|number| *number as i64).ok_or(Malformed)
    }
}
