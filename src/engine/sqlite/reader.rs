//! Point reads.

use rusqlite::{Connection, OptionalExtension, params};

use super::file::DatabaseFile;
use super::sql::Guarded;
use super::{connection, keys};
use crate::Error;
use crate::kv::{Address, is_expired};
use crate::limits::{BUSY_TIMEOUT, READ_BYTES_MAX, TEXT_LENGTH_MAX};

const NEWEST_ROW: &str = "SELECT value, expires_at FROM __rootapp_kv \
    WHERE community_id IS ?1 AND key = ?2 ORDER BY rowid DESC LIMIT 1";

/// A connection that reads, for one thread at a time.
#[derive(Debug)]
pub struct Reader {
    connection: Guarded,
    file: DatabaseFile,
}

/// A value's text for each key, `None` where there is none; or why that key cannot be read.
pub type Values = Vec<Result<Option<String>, Error>>;

impl Reader {
    pub(super) fn open(file: &DatabaseFile) -> Result<Self, Error> {
        // Before, because opening a file that is gone has an error of its own; after, because it may go meanwhile.
        file.check()?;
        let connection = connection::open_reader(file.path())?;
        file.check()?;
        Ok(Self { connection, file: file.clone() })
    }

    /// See [`DatabaseFile::check`].
    pub(super) fn check_file(&self) -> Result<(), Error> {
        self.file.check()
    }

    pub(super) fn connection(&self) -> &Guarded {
        &self.connection
    }

    /// Waits for locks of others from now on, instead of reporting them.
    pub(super) fn be_patient(&self) -> Result<(), Error> {
        Ok(self.connection.busy_timeout(BUSY_TIMEOUT)?)
    }

    /// The JSON text of a key that is live at `now_ms`, milliseconds since 1970 UTC.
    ///
    /// What another program stored that is no text reads as the empty text, which is no JSON.
    ///
    /// # Errors
    ///
    /// With SQLite's code; [`Error::is_busy`] if a lock is held, which is not waited for. `ERR_VALUE_TOO_LONG` if it
    /// does not fit a JavaScript string.
    pub fn get(&self, address: &Address, now_ms: i64) -> Result<Option<String>, Error> {
        value(&self.connection, address, now_ms)
    }

    /// [`Reader::get`] of several keys, all of one moment. Of large values only the first are read, at least one:
    /// the result is then shorter than `addresses`.
    ///
    /// # Errors
    ///
    /// If none can be read: a held lock, which is not waited for, or `SQLITE_READONLY_DBMOVED`.
    pub fn get_many(&self, addresses: &[Address], now_ms: i64) -> Result<Values, Error> {
        self.file.check()?;
        // Rolls back when dropped, which is as good an end for a transaction that only read.
        let _snapshot = self.connection.unchecked_transaction()?;
        values(&self.connection, addresses, now_ms)
    }
}

/// [`Reader::get_many`] within an open transaction.
pub(super) fn values(connection: &Connection, addresses: &[Address], now_ms: i64) -> Result<Values, Error> {
    let mut values = Vec::with_capacity(addresses.len());
    let mut bytes = 0;
    for address in addresses {
        let value = match value(connection, address, now_ms) {
            Err(error) if error.is_busy() => return Err(error),
            value => value,
        };
        bytes += value.as_ref().map_or(0, |text| text.as_ref().map_or(0, String::len));
        values.push(value);
        if bytes >= READ_BYTES_MAX {
            break;
        }
    }
    Ok(values)
}

/// [`Reader::get`].
fn value(connection: &Connection, address: &Address, now_ms: i64) -> Result<Option<String>, Error> {
    let mut statement = connection.prepare_cached(NEWEST_ROW)?;
    let found = statement
        .query_row(params![address.community, address.key], |row| {
            let expired = is_expired(keys::expiry(row.get_ref(1)?), now_ms);
            if expired { Ok(None) } else { Ok(Some(keys::text(row, 0)?.unwrap_or_default())) }
        })
        .optional()?;
    match found.flatten() {
        // Counted only where it may matter: a text has no more UTF-16 units than bytes.
        Some(text) if text.len() > TEXT_LENGTH_MAX && text.encode_utf16().count() > TEXT_LENGTH_MAX => {
            Err(Error::too_long(&address.key))
        }
        other => Ok(other),
    }
}
