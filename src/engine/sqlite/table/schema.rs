//! Schema: the SDK's own table, unchanged, and what this package adds to it under its prefix.
//!
//! The definition of the SDK's table is that of `@rootsdk/server-bot` 0.17.0, read from a file that it made.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::Error;
use crate::engine::sqlite::wal::file_mark::{self, MarkKeeper};

/// The SDK's table in the SDK's own words, so that either finds what the other made.
const SDK_TABLE: &str = "
CREATE TABLE IF NOT EXISTS `__rootapp_kv` (
    `key` varchar(255) not null,
    `community_id` varchar(255),
    `value` varchar(255) not null,
    `expires_at` datetime
);
CREATE UNIQUE INDEX IF NOT EXISTS `__rootapp_kv_community_id_key_unique` ON `__rootapp_kv` (`community_id`, `key`);
";

/// Migrations, one for each version. Append only: a released one never changes.
const MIGRATIONS: &[&str] = &[
    // 1: an index for expired rows.
    "
CREATE INDEX IF NOT EXISTS __rootcellar_kv_expires_at
    ON __rootapp_kv (expires_at) WHERE expires_at IS NOT NULL;
",
    // 2: the mark by which the file's own log is told from another's.
    file_mark::CREATE_TABLE,
];

/// Index that versions of this package made which searched by it for letters of either case. It only takes time and space now,
/// so it goes. Those versions open a file without it, because it is of the same version of the schema, and read all keys of a
/// community instead of a part.
const UNUSED_INDEX: &str = "__rootcellar_kv_community_id_key_nocase";
const UNUSED_INDEX_EXISTS: &str = "SELECT 1 FROM sqlite_schema \
    WHERE type = 'index' AND name = ?1 AND tbl_name = '__rootapp_kv'";

/// Version in every file, so that an older version of this package does not open a newer file.
#[expect(clippy::cast_possible_truncation, reason = "there will be few")]
const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

const VERSION_TABLE: &str = "CREATE TABLE IF NOT EXISTS __rootcellar_schema (version integer not null)";
const VERSION_TABLE_EXISTS: &str =
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '__rootcellar_schema'";
const KEY_VALUE_TABLE_EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '__rootapp_kv'";
// Versions of this package write positive integers. What else another program has put there, counts for nothing, and the
// migrations are applied again: they make only what is missing.
const READ_VERSION: &str =
    "SELECT coalesce(max(version), 0) FROM __rootcellar_schema WHERE typeof(version) = 'integer' AND version > 0";

/// Identity of a database, which its copies share: a row beside the version, random and far below 0, so that it is the version
/// for nobody who looks for the greatest.
const IS_IDENTITY: &str = "typeof(version) = 'integer' AND version < -4294967296";

/// Checks the header and the version, before anything is written.
pub fn check(connection: &Connection) -> Result<(), Error> {
    version(connection).map(drop)
}

/// Applies missing migrations in one transaction. An up-to-date file is not written.
pub fn migrate(connection: &Connection) -> Result<(), Error> {
    apply_pending(connection)?;
    // Nothing depends on these: where they fail, because the disk is full or the file is in use, they may be done the next
    // time.
    drop(remove_unused_index(connection));
    if identity(connection).is_none() {
        drop(make_identity(connection));
    }
    Ok(())
}

/// Identity of the database; `None` if it has none, as one that this version of the package never opened.
#[must_use]
pub fn identity(connection: &Connection) -> Option<u64> {
    let read = format!("SELECT version FROM main.__rootcellar_schema WHERE {IS_IDENTITY}");
    connection.query_row(&read, [], |row| row.get(0)).ok().map(i64::cast_unsigned)
}

fn make_identity(connection: &Connection) -> rusqlite::Result<usize> {
    let random = "-4294967297 - (random() & 4611686018427387903)";
    let is_there = format!("EXISTS (SELECT 1 FROM main.__rootcellar_schema WHERE {IS_IDENTITY})");
    let make = format!("INSERT INTO main.__rootcellar_schema (version) SELECT {random} WHERE NOT {is_there}");
    connection.execute(&make, [])
}

fn remove_unused_index(connection: &Connection) -> rusqlite::Result<()> {
    if connection.query_row(UNUSED_INDEX_EXISTS, [UNUSED_INDEX], |_| Ok(())).optional()?.is_none() {
        return Ok(());
    }
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    MarkKeeper::new(connection).before_write(&transaction)?;
    transaction.execute_batch(&format!("DROP INDEX IF EXISTS main.{UNUSED_INDEX}"))?;
    transaction.commit()
}

fn apply_pending(connection: &Connection) -> Result<(), Error> {
    if pending(connection)?.is_empty() {
        return Ok(());
    }
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    transaction.execute_batch(SDK_TABLE)?;
    transaction.execute_batch(VERSION_TABLE)?;
    // Read again under the lock: another process may have been faster.
    for migration in pending(&transaction)? {
        transaction.execute_batch(migration)?;
    }
    transaction.execute(&format!("DELETE FROM __rootcellar_schema WHERE NOT ({IS_IDENTITY})"), [])?;
    transaction.execute("INSERT INTO __rootcellar_schema (version) VALUES (?1)", [SCHEMA_VERSION])?;
    make_identity(&transaction)?;
    file_mark::make_first(&transaction)?;
    Ok(transaction.commit()?)
}

/// Migrations that a file lacks. A file without the key-value table, new or stripped by somebody, lacks all.
fn pending(connection: &Connection) -> Result<&'static [&'static str], Error> {
    let done = if holds_keys(connection)? { version(connection)? } else { 0 };
    Ok(&MIGRATIONS[done..])
}

/// Returns `true` if a file has the key-value table.
///
/// # Errors
///
/// With SQLite's code.
pub fn holds_keys(connection: &Connection) -> Result<bool, Error> {
    Ok(connection.query_row(KEY_VALUE_TABLE_EXISTS, [], |_| Ok(())).optional()?.is_some())
}

/// Version of a file's schema; 0 if this package never opened it.
fn version(connection: &Connection) -> Result<usize, Error> {
    if connection.query_row(VERSION_TABLE_EXISTS, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    let found: i64 = connection.query_row(READ_VERSION, [], |row| row.get(0))?;
    let known = usize::try_from(found).ok().filter(|known| *known <= MIGRATIONS.len());
    known.ok_or_else(|| Error::schema_newer(MIGRATIONS.len()))
}
