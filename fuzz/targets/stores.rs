//! Files and stores for the targets.

use std::path::Path;

use rootcellar::Error;
use rootcellar::batch::{Batch, Command, Stop};
use rootcellar::engine::sqlite::{Engine, Select};
use rootcellar::kv::{KeyOutcome, RowFormat};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use tempfile::TempDir;

use super::rows;

/// The client's clock: far enough in the future that the purge, which goes by the machine's, is not concerned with
/// what expires about now.
pub const NOW_MS: i64 = 32_000_000_000_000;

/// The key-value table as the SDK makes it.
pub const SDK_TABLE: &str = "CREATE TABLE __rootapp_kv (`key` varchar(255) not null, `community_id` varchar(255), \
    `value` varchar(255) not null, `expires_at` datetime);";

/// What a column of any type may hold, text that is no text included.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Cell {
    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_owned())
    }
}

impl From<ValueRef<'_>> for Cell {
    fn from(value: ValueRef) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(bytes) => Self::Text(bytes.to_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_owned()),
        }
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(bytes) => ValueRef::Text(bytes),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A new folder, in memory where there is a place for that.
pub fn folder() -> TempDir {
    const MEMORY: &str = "/dev/shm";
    if Path::new(MEMORY).is_dir() { tempfile::tempdir_in(MEMORY) } else { tempfile::tempdir() }.unwrap()
}

/// The rows that match, as JSON text.
pub fn select(engine: &Engine, community: Option<&str>, pattern: &str) -> Result<String, Error> {
    let community = community.map(str::to_owned);
    let select = Select { community, pattern: pattern.to_owned(), now_ms: NOW_MS, format: RowFormat::Entry };
    rows::select(engine, select).map(|rows| rows::to_json(&rows))
}

/// Carries a command out. Returns whether a swap met what it expected.
pub fn execute(engine: &Engine, command: Command) -> Result<bool, Error> {
    execute_telling(engine, command).map(|(held, _)| held)
}

/// [`execute`], with what the command tells.
pub fn execute_telling(engine: &Engine, command: Command) -> Result<(bool, Option<KeyOutcome>), Error> {
    let outcome = engine.execute(Batch::new(vec![command], NOW_MS));
    match outcome.stopped {
        None => Ok((true, outcome.keys.into_iter().next())),
        Some(Stop::Conflict) => Ok((false, None)),
        Some(Stop::Command(error) | Stop::Transaction(error)) => Err(error),
        Some(Stop::Deferred | Stop::Alone) => panic!("the only command of a batch was put off"),
    }
}

/// Fails for an error that says that this package is at fault.
pub fn assert_reported<T>(result: Result<T, Error>) -> Result<T, Error> {
    if let Err(error) = &result {
        assert_ne!(error.code(), "ERR_INTERNAL", "{error}");
    }
    result
}
