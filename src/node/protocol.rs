//! Encoding of batches that cross from JavaScript: arrays of codes, texts, numbers and byte strings.
//!
//! Each command has a code, with its kind in the low bits, and takes its texts and numbers from the front of the
//! arrays. Converting flat arrays costs a fraction of what an object per command would cost.

use std::sync::Arc;

use super::state::cancels::Cancels;
use crate::batch::{Command, SavepointAction};
use crate::engine::sqlite::{Begin, LeaseKind, WalIndexHeader};
use crate::kv::{Address, Entry, Expected, Increment, KeyRange, NewExpiry, Swap, SwapPart, Then};
use crate::sql::{Cancel, Format, Integers, Job, Parameters, RowsWanted, Statement, Value, Work};

// Every number that JavaScript and Rust share. `lib/native/protocol.js` has the same names and values.

/// Command: stores an entry. Texts: key, value. A `SET_MANY` takes its entries as so many `SET`s that follow.
const SET: u8 = 0;
/// Command: stores several entries. Numbers: how many `SET`s follow that belong together.
const SET_MANY: u8 = 1;
/// Command: compare-and-swap. Texts: key, value, and the expected value if `HAS_EXPECTED`.
const SWAP: u8 = 2;
/// Command: removes a key. Texts: key.
const DELETE: u8 = 3;
/// Command: removes keys by a pattern. Texts: pattern.
const DELETE_LIKE: u8 = 4;
/// Command: a statement; see `statement`.
const SQL: u8 = 5;
/// Command: several statements. Numbers: how many follow that belong together, and then they.
const SQL_MANY: u8 = 6;
/// Command: a script. Texts: the script. Numbers: what cancels it.
const SQL_SCRIPT: u8 = 7;
/// Command: adds to a number. Texts: key. Numbers: what is added, the least and the greatest result.
const INCREMENT: u8 = 8;
/// Command: stores an entry if there is none. Texts and numbers: as `SET`.
const SET_IF_ABSENT: u8 = 9;
/// Command: removes a key, and tells its value. Texts: key.
const GET_AND_DELETE: u8 = 10;
/// Command: replaces the expiry of a key, by none without `HAS_EXPIRY`. Texts: key.
const EXPIRE: u8 = 11;
/// Command: removes a range of keys. Texts: the first, and the one before which it ends if `HAS_EXPECTED`.
const DELETE_RANGE: u8 = 12;
/// Command: several changes, each with what its key must hold. Numbers: how many follow that belong together. Each is a
/// `SWAP`, a `DELETE` or a `KEEP`.
const SWAP_MANY: u8 = 13;
/// Part of `SWAP_MANY`: the key stays as it is. Texts: key.
const KEEP: u8 = 14;
/// Command: as `SWAP`, and the key has no expiry from then on.
const SWAP_PERMANENT: u8 = 15;
/// The bits of a code that hold the command; the others are flags.
const KIND: u8 = 0b0000_1111;

/// Flag: the community is the command's first text.
const HAS_COMMUNITY: u8 = 1 << 4;
/// Flag: the expiry, in milliseconds since 1970 UTC, is the command's first number.
const HAS_EXPIRY: u8 = 1 << 5;
/// Flag: a swap expects the value that is its last text.
const HAS_EXPECTED: u8 = 1 << 6;
/// Flag: a swap expects what the command before it on the same key has left.
const EXPECTS_PREVIOUS: u8 = 1 << 7;

/// Bit of a statement: its rows are wanted.
const WANTS_ROWS: i64 = 1;
/// Bit of a statement: rows become arrays, not objects.
const ROWS_ARE_ARRAYS: i64 = 1 << 1;
/// Bit of a statement: integers become `bigint`s.
const WANTS_BIGINTS: i64 = 1 << 2;
/// Bit of a statement: only the first row is wanted.
const FIRST_ONLY: i64 = 1 << 3;
/// Bit of a statement: each value follows the name of its parameter.
const IS_NAMED: i64 = 1 << 4;
/// Bit of a statement: it may return no rows although they are wanted.
const MAY_LACK_ROWS: i64 = 1 << 5;
/// Bit of a statement: this package's own.
const IS_INTERNAL: i64 = 1 << 6;
/// Bit of a statement: integers that no number holds become `bigint`s.
const WANTS_LARGE_BIGINTS: i64 = 1 << 7;

/// Value: `NULL`. Nothing follows.
const NULL: i64 = 0;
/// Value: an integer. Numbers: the integer.
const INTEGER: i64 = 1;
/// Value: a floating-point number. Numbers: the number.
const REAL: i64 = 2;
/// Value: text. Texts: the text.
const TEXT: i64 = 3;
/// Value: bytes. Byte strings: the bytes.
const BLOB: i64 = 4;
/// Value: an integer that no JavaScript number holds. Texts: its decimal digits.
const BIG_INTEGER: i64 = 5;

/// Lease: a reserved connection.
const LEASE_RESERVED: u32 = 0;
/// Lease: a transaction that begins with its first write.
const LEASE_DEFERRED: u32 = 1;
/// Lease: a transaction that begins as the one that writes.
const LEASE_IMMEDIATE: u32 = 2;
/// Lease: a transaction that begins as the only one.
const LEASE_EXCLUSIVE: u32 = 3;

/// Savepoint: begins.
const SAVEPOINT_BEGIN: u32 = 0;
/// Savepoint: ends, and what was done since is kept.
const SAVEPOINT_RELEASE: u32 = 1;
/// Savepoint: ends, and what was done since is undone.
const SAVEPOINT_ROLLBACK: u32 = 2;

/// In place of a lease: none.
pub const NO_LEASE: u32 = 0;
/// In place of the number by which something is cancelled: nothing cancels it.
pub const NO_CANCEL: i64 = 0;
/// In place of a request's number: the event belongs to none.
pub const NO_REQUEST: u32 = 0;

/// 32-bit words of the WAL-index header, which JavaScript compares to know if the file has changed.
pub const VERSION_WORDS: usize = 12;
const _: () = assert!(VERSION_WORDS == WalIndexHeader::WORDS);

/// The purpose of a lease, by its number.
pub fn lease_kind(number: u32) -> Result<LeaseKind, Malformed> {
    match number {
        LEASE_RESERVED => Ok(LeaseKind::Reserved),
        LEASE_DEFERRED => Ok(LeaseKind::Transaction(Begin::Deferred)),
        LEASE_IMMEDIATE => Ok(LeaseKind::Transaction(Begin::Immediate)),
        LEASE_EXCLUSIVE => Ok(LeaseKind::Transaction(Begin::Exclusive)),
        _ => Err(Malformed),
    }
}

/// A step of a nested transaction, by its number.
pub fn savepoint_action(number: u32) -> Result<SavepointAction, Malformed> {
    match number {
        SAVEPOINT_BEGIN => Ok(SavepointAction::Begin),
        SAVEPOINT_RELEASE => Ok(SavepointAction::Release),
        SAVEPOINT_ROLLBACK => Ok(SavepointAction::Rollback),
        _ => Err(Malformed),
    }
}

/// The arrays do not match each other, which only a defect of `lib/` can cause.
pub struct Malformed;

/// Decoder of commands, from the front of the arrays.
pub struct BatchDecoder<'a> {
    codes: std::slice::Iter<'a, u8>,
    texts: std::vec::IntoIter<String>,
    numbers: std::slice::Iter<'a, f64>,
    blobs: std::vec::IntoIter<Vec<u8>>,
    cancels: Option<&'a Cancels>,
}

impl<'a> BatchDecoder<'a> {
    /// A decoder of a batch of commands on keys.
    pub fn new(codes: &'a [u8], texts: Vec<String>, numbers: &'a [f64]) -> Self {
        let blobs = Vec::new().into_iter();
        Self { codes: codes.iter(), texts: texts.into_iter(), numbers: numbers.iter(), blobs, cancels: None }
    }

    /// Adds the byte strings of statements, and the cancellation flags.
    pub fn with_sql(self, blobs: Vec<Vec<u8>>, cancels: &'a Cancels) -> Self {
        Self { blobs: blobs.into_iter(), cancels: Some(cancels), ..self }
    }

    /// The commands.
    pub fn decode(mut self) -> Result<Vec<Command>, Malformed> {
        self.commands()
    }

    /// The commands, of which some may be SQL: see [`BatchDecoder::with_sql`].
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
            SET_MANY => Command::SetMany(self.each(Self::entry)?),
            SWAP | SWAP_PERMANENT => {
                let Entry { address, value, expires_at } = self.entry(code)?;
                let expected = self.expected(code)?;
                let expiry = match expires_at {
                    Some(time) => NewExpiry::At(time),
                    None if code & KIND == SWAP_PERMANENT => NewExpiry::Never,
                    None => NewExpiry::Kept,
                };
                Command::Swap(Swap { address, expected, value, expiry })
            }
            DELETE => Command::Delete(self.address(code)?),
            DELETE_LIKE => {
                let Address { community, key } = self.address(code)?;
                Command::DeleteLike { community, pattern: key }
            }
            INCREMENT => {
                let address = self.address(code)?;
                let expires_at = self.expiry(code)?;
                let (by, min, max) = (self.real()?, self.real()?, self.real()?);
                Command::Increment(Increment { address, by, min, max, expires_at })
            }
            SET_IF_ABSENT => Command::SetIfAbsent(self.entry(code)?),
            GET_AND_DELETE => Command::GetAndDelete(self.address(code)?),
            EXPIRE => Command::Expire { address: self.address(code)?, expires_at: self.expiry(code)? },
            DELETE_RANGE => {
                let Address { community, key: from } = self.address(code)?;
                let to = if code & HAS_EXPECTED == 0 { None } else { Some(self.text()?) };
                Command::DeleteRange { community, range: KeyRange { from, to } }
            }
            SWAP_MANY => Command::SwapMany(self.each(Self::part)?),
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

    /// A job. It ends with the number of its cancellation flag, or `NO_CANCEL`.
    fn job(&mut self, work: Work) -> Result<Command, Malformed> {
        Ok(Command::Sql(Job { work, cancel: self.cancel()? }))
    }

    /// The cancellation flag of a statement.
    pub fn cancel(&mut self) -> Result<Option<Arc<Cancel>>, Malformed> {
        let number = self.number()?;
        Ok(self.cancels.filter(|_| number != NO_CANCEL).map(|cancels| cancels.find(number)))
    }

    /// A statement. Texts: the SQL. Numbers: its bits, how many rows it may have, how many values follow.
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
            integers: match (bits & WANTS_BIGINTS != 0, bits & WANTS_LARGE_BIGINTS != 0) {
                (true, _) => Integers::Bigints,
                (false, true) => Integers::LargeBigints,
                (false, false) => Integers::Numbers,
            },
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
            REAL => Value::Real(self.real()?),
            TEXT => Value::Text(self.text()?),
            BLOB => Value::Blob(self.blobs.next().ok_or(Malformed)?),
            BIG_INTEGER => Value::Integer(self.text()?.parse().map_err(|_| Malformed)?),
            _ => return Err(Malformed),
        })
    }

    /// Parts of a command, each with a code of its own.
    fn each<T>(&mut self, part: impl Fn(&mut Self, u8) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        (0..self.number()?)
            .map(|_| {
                let code = *self.codes.next().ok_or(Malformed)?;
                part(self, code)
            })
            .collect()
    }

    fn entry(&mut self, code: u8) -> Result<Entry, Malformed> {
        let address = self.address(code)?;
        let value = self.text()?;
        Ok(Entry { address, value, expires_at: self.expiry(code)? })
    }

    fn part(&mut self, code: u8) -> Result<SwapPart, Malformed> {
        let address = self.address(code)?;
        let then = match code & KIND {
            SWAP => Then::Store(self.text()?),
            DELETE => Then::Delete,
            KEEP => Then::Keep,
            _ => return Err(Malformed),
        };
        Ok(SwapPart { address, then, expected: self.expected(code)? })
    }

    fn expected(&mut self, code: u8) -> Result<Expected, Malformed> {
        Ok(match code & (HAS_EXPECTED | EXPECTS_PREVIOUS) {
            0 => Expected::Nothing,
            HAS_EXPECTED => Expected::Value(self.text()?),
            _ => Expected::Previous,
        })
    }

    fn expiry(&mut self, code: u8) -> Result<Option<i64>, Malformed> {
        Ok(if code & HAS_EXPIRY == 0 { None } else { Some(self.number()?) })
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
        Ok(self.real()? as i64)
    }

    fn real(&mut self) -> Result<f64, Malformed> {
        self.numbers.next().copied().ok_or(Malformed)
    }
}
