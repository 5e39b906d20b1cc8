//! Point reads: the values of given keys.

use std::cell::Cell;

use rusqlite::{Connection, params};

use crate::Error;
use crate::engine::sqlite::connection;
use crate::engine::sqlite::file::DatabaseFile;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::table::columns::{self, NEWEST_ROW};
use crate::engine::sqlite::wal::index_header::{WalIndex, WalIndexHeader, WalProgress};
use crate::kv::{Address, is_expired};
use crate::limits::{BUSY_TIMEOUT, READ_BYTES_MAX, SNAPSHOT_KEPT_FRAMES_MAX};
use crate::reads::{Stored, Values};

/// A read-only connection, for one thread at a time.
#[derive(Debug)]
pub struct Reader {
    connection: UserConnection,
    wal_index: Option<WalIndex>,
    file: DatabaseFile,
    waits_for_locks: Cell<bool>,
    /// The header as of a snapshot that is kept for later reads.
    kept: Cell<Option<WalIndexHeader>>,
}

impl Reader {
    /// Opens one with a page cache of so many KiB at most.
    pub(crate) fn open(file: &DatabaseFile, cache_kib: i64) -> Result<Self, Error> {
        // Checked before, because opening a missing file has an error of its own; and after, because the file may
        // disappear meanwhile.
        file.check()?;
        let connection = connection::open_reader(file, cache_kib)?;
        file.check()?;
        let wal_index = WalIndex::of(&connection);
        Ok(Self {
            connection,
            wal_index,
            file: file.clone(),
            waits_for_locks: Cell::new(false),
            kept: Cell::default(),
        })
    }

    /// WAL-index header, if the file has one. Valid for as long as the reader lives.
    #[must_use]
    pub fn wal_index(&self) -> Option<WalIndex> {
        self.wal_index
    }

    /// Checks that a read need not wait, as far as that can be known beforehand.
    ///
    /// # Errors
    ///
    /// [`Error::is_busy`], or `SQLITE_READONLY_DBMOVED`: see [`DatabaseFile::check`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.file.check()?;
        self.check_header()
    }

    /// [`Reader::check`] without the check that the file is still in its place.
    pub(crate) fn check_header(&self) -> Result<(), Error> {
        if self.wal_index.is_none_or(WalIndex::is_whole) { Ok(()) } else { Err(Error::busy()) }
    }

    /// Begins a read: in the snapshot that is kept, if nobody has committed since; or in one of its own, which is kept for
    /// those behind it if the caller `keeps` it, and calls [`Reader::release_snapshot`] soon. To begin and end a snapshot
    /// takes longer than to look a key up.
    ///
    /// While a snapshot is kept, a log that is not copied into the file completely cannot be begun anew, and grows. So none
    /// is kept of one that has grown already.
    pub(crate) fn enter(&self, keeps: bool) -> Result<(), Error> {
        let Some(wal_index) = self.wal_index else { return Ok(()) };
        // It may be older than the snapshot, which begins with the first read, and so counts as outdated too early.
        let header = wal_index.header();
        if self.kept.get() == Some(header) {
            return Ok(());
        }
        self.release_snapshot();
        if !keeps {
            return Ok(());
        }
        let WalProgress { frames, copied, .. } = wal_index.progress();
        if frames == copied || frames <= SNAPSHOT_KEPT_FRAMES_MAX {
            self.connection.prepare_cached("BEGIN")?.execute([])?;
            self.kept.set(Some(header));
        }
        Ok(())
    }

    /// Ends the snapshot that is kept, if there is one.
    pub fn release_snapshot(&self) {
        if self.kept.take().is_some() {
            // Nothing can keep a transaction from ending that has only read.
            drop(self.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])));
        }
    }

    pub(crate) fn connection(&self) -> &UserConnection {
        &self.connection
    }

    /// Waits for locks from now on, instead of reporting them.
    pub(crate) fn wait_for_locks(&self) -> Result<(), Error> {
        self.waits_for_locks.set(true);
        Ok(self.connection.busy_timeout(BUSY_TIMEOUT)?)
    }

    /// The JSON text of a key that is live at `now_ms`, in milliseconds since 1970 UTC.
    ///
    /// # Errors
    ///
    /// With SQLite's code; [`Error::is_busy`] if a lock is held, which is not waited for. `ERR_VALUE_TOO_LONG` if
    /// the value does not fit a JavaScript string.
    pub fn get(&self, address: &Address, now_ms: i64) -> Result<Option<String>, Error> {
        self.enter(false)?;
        Ok(find(&self.connection, address, now_ms)?.text)
    }

    /// Entries of several keys from one snapshot. If values are large, the result is shorter than `addresses`, and
    /// has at least one entry.
    ///
    /// # Errors
    ///
    /// If nothing can be read: a held lock, which is not waited for, or `SQLITE_READONLY_DBMOVED`.
    pub fn get_many(&self, addresses: &[Address], now_ms: i64) -> Result<Values, Error> {
        self.file.check()?;
        self.get_many_unchecked(addresses, now_ms, false)
    }

    /// [`Reader::get_many`] without the check that the file is still in its place, for a caller that has just made
    /// it, and may keep the snapshot: see [`Reader::enter`].
    ///
    /// # Errors
    ///
    /// If nothing can be read because of a held lock, which is not waited for.
    pub fn get_many_unchecked(&self, addresses: &[Address], now_ms: i64, keeps: bool) -> Result<Values, Error> {
        if !self.waits_for_locks.get() {
            self.check_header()?;
        }
        self.enter(keeps)?;
        // A single statement has its own snapshot. A transaction rolls back when it is dropped, which is fine for
        // one that only read.
        let needs_snapshot = addresses.len() > 1 && self.kept.get().is_none();
        let _snapshot = if needs_snapshot { Some(self.connection.unchecked_transaction()?) } else { None };
        values(&self.connection, addresses, now_ms)
    }
}

/// [`Reader::get_many`] within an open transaction.
pub(crate) fn values(connection: &Connection, addresses: &[Address], now_ms: i64) -> Result<Values, Error> {
    let mut values = Vec::with_capacity(addresses.len());
    let mut bytes = 0;
    for address in addresses {
        let value = match find(connection, address, now_ms) {
            Err(error) if error.is_busy() => return Err(error),
            value => value,
        };
        bytes += value.as_ref().map_or(0, |stored| stored.text.as_ref().map_or(0, String::len));
        values.push(value);
        if bytes >= READ_BYTES_MAX {
            break;
        }
    }
    Ok(values)
}

/// The entry of a key.
pub(super) fn find(connection: &Connection, address: &Address, now_ms: i64) -> Result<Stored, Error> {
    let mut statement = connection.prepare_cached(NEWEST_ROW)?;
    let mut rows = statement.query(params![address.community, address.key])?;
    let Some(row) = rows.next()? else { return Ok(Stored::default()) };
    let expires_at = columns::expiry(row.get_ref(1)?);
    if is_expired(expires_at, now_ms) {
        return Ok(Stored { text: None, expires_at });
    }
    let text = columns::text(row, 0)?.unwrap_or_default();
    columns::check_length(&address.key, &text)?;
    Ok(Stored { text: Some(text), expires_at })
}
