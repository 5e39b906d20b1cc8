//! How a batch crosses from JavaScript: one array of codes, one of texts, one of numbers, one of byte strings.
//!
//! Each command is a code, its kind in the low bits, and takes what it needs from the front of the texts and
//! numbers. Converting flat arrays costs a fraction of what an object per command would.

use std::sync::Arc;

use super::cancels::Cancels;
use crate::batch::Command;
use crate::kv::{Address, Entry, Expected, Swap};
use crate::sql::{Cancel, Format, Job, Parameters, RowsWanted, Statement, Value, Work};

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
/// A statement; see `statement`.
const SQL: u8 = 5;
/// Numbers: how many statements follow that belong together, and then they.
const SQL_MANY: u8 = 6;
/// Texts: the script. Numbers: what cancels it.
const SQL_SCRIPT: u8 = 7;
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
pub struct BatchDecoder<'a> {
    codes: std::slice::Iter<'a, u8>,
    texts: std::vec::IntoIter<String>,
    numbers: std::slice::Iter<'a, f64>,
    blobs: std::vec::IntoIter<Vec<u8>>,
    cancels: Option<&'a Cancels>,
}

/// A statement's bits.
const WANTS_ROWS: i64 = 1;
const ROWS_ARE_ARRAYS: i64 = 1 << 1;
const WANTS_BIGINTS: i64 = 1 << 2;
const FIRST_ONLY: i64 = 1 << 3;
const IS_NAMED: i64 = 1 << 4;
const MAY_LACK_ROWS: i64 = 1 << 5;
const IS_INTERNAL: i64 = 1 << 6;

/// The kinds of values. A number follows an integer and a real, a text follows a text and an integer that no number
/// holds, a byte string follows itself.
const NULL: i64 = 0;
const INTEGER: i64 = 1;
const REAL: i64 = 2;
const TEXT: i64 = 3;
const BLOB: i64 = 4;
const BIG_INTEGER: i64 = 5;

impl<'a> BatchDecoder<'a> {
    /// The three arrays of a batch.
    pub fn new(codes: &'a [u8], texts: Vec<String>, numbers: &'a [f64]) -> Self {
        let blobs = Vec::new().into_iter();
        Self { codes: codes.iter(), texts: texts.into_iter(), numbers: numbers.iter(), blobs, cancels: None }
    }

    /// The byte strings that statements are given, and what may cancel them.
    pub fn with_sql(self, blobs: Vec<Vec<u8>>, cancels: &'a Cancels) -> Self {
        Self { blobs: blobs.into_iter(), cancels: Some(cancels), ..self }
    }

    /// The commands.
    pub fn decode(mut self) -> Result<Vec<Command>, Malformed> {
        self.commands()
    }

    /// The commands, with what was added by [`BatchDecoder::with_sql`].
    pub fn commands(&mut self) -> Result<Vec<Command>, Malformed> {
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
            SQL => {
                let statement = self.statement()?;
                self.job(Work::One(statement))?
            }
            SQL_MANY => {
                let count = self.number()?;
                let statements = (0..count).map(|_| self.statement()).collect::<Result<_, _>>()?;
                self.job(Work::All(statements))?
            }
            SQL_SCRIPT => {
                let script = self.text()?;
                self.job(Work::Script(script))?
            }
            _ => return Err(Malformed),
        })
    }

    /// The number of what cancels it ends a job; 0 if nothing does.
    fn job(&mut self, work: Work) -> Result<Command, Malformed> {
        Ok(Command::Sql(Job { work, cancel: self.cancel()? }))
    }

    /// What cancels something, by its number.
    pub fn cancel(&mut self) -> Result<Option<Arc<Cancel>>, Malformed> {
        let number = self.number()?;
        Ok(self.cancels.and_then(|cancels| cancels.find(number)))
    }

    /// Texts: the SQL. Numbers: its bits, how many rows it may have, how many values follow.
    pub fn statement(&mut self) -> Result<Statement, Malformed> {
        let sql = self.text()?;
        let (bits, max, count) = (self.number()?, self.number()?, self.number()?);
        let parameters = if bits & IS_NAMED == 0 {
            Parameters::Positional((0..count).map(|_| self.value()).collect::<Result<_, _>>()?)
        } else {
            let values = (0..count).map(|_| Ok((self.text()?, self.value()?)));
            Parameters::Named(values.collect::<Result<_, _>>()?)
        };
        let rows = (bits & WANTS_ROWS != 0).then(|| RowsWanted {
            format: if bits & ROWS_ARE_ARRAYS == 0 { Format::Object } else { Format::Array },
            bigints: bits & WANTS_BIGINTS != 0,
            first_only: bits & FIRST_ONLY != 0,
            max: usize::try_from(max).unwrap_or(usize::MAX),
        });
        let (may_lack_rows, is_internal) = (bits & MAY_LACK_ROWS != 0, bits & IS_INTERNAL != 0);
        Ok(Statement { sql, parameters, rows, may_lack_rows, is_internal })
    }

    fn value(&mut self) -> Result<Value, Malformed> {
        Ok(match self.number()? {
            NULL => Value::Null,
            INTEGER => Value::Integer(self.number()?),
            REAL => Value::Real(*self.numbers.next().ok_or(Malformed)?),
            TEXT => Value::Text(self.text()?),
            BLOB => Value::Blob(self.blobs.next().ok_or(Malformed)?),
            BIG_INTEGER => Value::Integer(self.text()?.parse().map_err(|_| Malformed)?),
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

    pub fn text(&mut self) -> Result<String, Malformed> {
        self.texts.next().ok_or(Malformed)
    }

    #[expect(clippy::cast_possible_truncation, reason = "JavaScript's integers, exact below 2^53")]
    fn number(&mut self) -> Result<i64, Malformed> {
        self.numbers.next().map(|number| *number as i64).ok_or(Malformed)
    }
}
