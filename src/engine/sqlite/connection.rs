//! Connections: how each is opened, and its settings.

use std::cell::Cell;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::file::{DatabaseFile, FileAccess};
use super::guard::user_connection::UserConnection;
use super::interrupt::Interrupt;
use super::regexp;
use super::table::{key_counter, schema};
use super::wal::file_mark;
use crate::Error;
use crate::limits::{
    BUSY_PAUSE_MAX, BUSY_TIMEOUT, SCRATCH_CACHE_KIB, STATEMENTS_CACHED, UPKEEP_LOCK_WAIT, WAL_COPIED_BYTES,
    WRITER_CACHE_KIB,
};

/// Smallest size of a page, and so of a database (sqlite.org/fileformat.html, "The Database Header").
pub const PAGE_BYTES_MIN: u64 = 512;

/// Opens the writing connection, and brings the schema up to date.
pub fn open_writer(path: &Path, interrupt: Interrupt) -> Result<UserConnection, Error> {
    UserConnection::new(open_own_writer(path)?, interrupt)
}

/// [`open_writer`] for this package alone: no user SQL runs on it.
pub fn open_own_writer(path: &Path) -> Result<Connection, Error> {
    set_up_writer(path).map_err(|error| explained(path, error))
}

/// The error of a file that could not be opened, with the missing permission if that is the reason.
#[cfg(unix)]
fn explained(path: &Path, error: Error) -> Error {
    super::permission::explain(path, error)
}

#[cfg(not(unix))]
fn explained(_path: &Path, error: Error) -> Error {
    error
}

fn set_up_writer(path: &Path) -> Result<Connection, Error> {
    if path.is_dir() {
        return Err(Error::is_directory(path));
    }
    // A folder that may not be entered is there.
    let is_missing = |folder: &Path| matches!(folder.try_exists(), Ok(false));
    if path.parent().is_some_and(|parent| !parent.as_os_str().is_empty() && is_missing(parent)) {
        return Err(Error::no_parent(path));
    }
    // SQLite would take a file shorter than a page for an empty one, and overwrite it.
    if path.metadata().is_ok_and(|file| (1..PAGE_BYTES_MIN).contains(&file.len())) {
        return Err(Error::not_a_database());
    }
    let is_new = matches!(path.try_exists(), Ok(false));
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // Before there is a log, which takes the owner of the database.
    #[cfg(unix)]
    if is_new {
        super::permission::give_to_owner_of_folder(path);
    }
    #[cfg(not(unix))]
    let _ = is_new;
    connection.busy_handler(Some(wait_for_lock()))?;
    schema::check(&connection)?;
    // SQLite opens a read-only file without an error.
    if connection.is_readonly(MAIN_DB)? {
        return Err(Error::read_only(path));
    }
    set_wal(&connection)?;
    sync_everything(&connection)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    // A user's table that refers to one of this package's must not keep the file from being opened.
    connection.pragma_update(None, "foreign_keys", false)?;
    schema::migrate(&connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_COPIED_BYTES / page_bytes.max(1))?;
    Ok(connection)
}

/// Opens the connection of the checkpointer, which waits for no lock.
pub fn open_checkpointer(path: &Path) -> Result<Connection, Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::ZERO)?;
    sync_everything(&connection)?;
    Ok(connection)
}

fn sync_everything(connection: &Connection) -> Result<(), Error> {
    // In write-ahead mode as durable as FULL. In rollback mode it also syncs the folder after a journal is removed.
    connection.pragma_update(None, "synchronous", "EXTRA")?;
    // On macOS, fsync leaves data in the drive's cache; on other systems these settings have no effect.
    connection.pragma_update(None, "fullfsync", true)?;
    Ok(connection.pragma_update(None, "checkpoint_fullfsync", true)?)
}

/// Opens a read-only connection that reports a held lock at once, with a page cache of so many KiB at most.
pub fn open_reader(file: &DatabaseFile, cache_kib: i64) -> Result<UserConnection, Error> {
    let connection = match file.access() {
        FileAccess::Full => {
            open(file.path(), OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| explained(file.path(), error))?
        }
        FileAccess::Unchanging { is_copy: false, .. } => open_detached(file.path())?,
        FileAccess::ReadOnly | FileAccess::Unchanging { .. } => open_read_only(file.path())?,
    };
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "query_only", true)?;
    // This reads the schema, which a held lock may prevent. Then the default stays.
    drop(connection.pragma_update(None, "cache_size", -cache_kib));
    UserConnection::new(connection, file.interrupt().clone())
}

/// Opens a read-only connection for this package alone, which reports a held lock at once.
pub fn open_watcher(file: &DatabaseFile) -> Result<Connection, Error> {
    let connection = match file.access() {
        FileAccess::Full => open_own_reader(file.path(), Duration::ZERO)?,
        FileAccess::Unchanging { is_copy: false, .. } => open_detached(file.path())?,
        FileAccess::ReadOnly | FileAccess::Unchanging { .. } => open_read_only(file.path())?,
    };
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

/// Opens a connection that cannot write, whatever it is told.
pub fn open_read_only(path: &Path) -> Result<Connection, Error> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens a connection that cannot write in the place of the writing one: as there, it waits for locks.
pub fn open_in_place_of_writer(path: &Path, is_detached: bool) -> Result<Connection, Error> {
    let mut connection = if is_detached { open_detached(path)? } else { open_read_only(path)? };
    connection.busy_handler(Some(wait_for_lock()))?;
    schema::check(&connection)?;
    Ok(connection)
}

/// Opens a read-only connection for this package alone, with its own time limit for locks.
pub fn open_own_reader(path: &Path, busy_timeout: Duration) -> Result<Connection, Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(busy_timeout)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Opens a file that nobody else has open or will change. No files are made beside it.
pub fn open_detached(path: &Path) -> Result<Connection, Error> {
    let path = std::path::absolute(path).map_err(|_| Error::no_parent(path))?;
    let text = path.to_string_lossy();
    let escaped = text.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let uri = format!("file:{escaped}?immutable=1");
    open_as(&path, Path::new(&uri), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

/// Opens a database for this package alone that lies in a temporary file beside another, and is gone when it is closed.
pub fn open_scratch(beside: &Path) -> Result<Connection, Error> {
    let connection =
        open_as(beside, Path::new(""), OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    connection.pragma_update(None, "cache_size", -SCRATCH_CACHE_KIB)?;
    Ok(connection)
}

/// Removes the mark of a file that nobody has open, whose content is to replace that of another: there it would be another's.
pub fn forget_mark(path: &Path) -> Result<(), Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    file_mark::remove(&connection)?;
    Ok(())
}

/// Opens a file that exists, and reads nothing of it yet.
pub fn open_untouched(path: &Path) -> Result<Connection, Error> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Opens a file by its path.
fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    open_as(path, path, flags)
}

/// Opens a file by its path or its URI.
fn open_as(file: &Path, path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    #[cfg(lock_shim)]
    super::locks::shim::install();
    // One thread at a time uses a connection, so SQLite's own mutexes are not needed.
    let connection = open_beside(file, path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    // Otherwise, SQLite would recompile a statement whose plan may depend on its parameters, each time it runs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    regexp::register(&connection)?;
    key_counter::register(&connection)?;
    Ok(connection)
}

/// Opens a connection whose temporary files lie beside a file.
#[cfg(unix)]
fn open_beside(file: &Path, path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    match super::temporary_files::vfs_beside(file) {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
        None => Connection::open_with_flags(path, flags),
    }
}

/// Opens a connection whose temporary files lie where the system has them.
#[cfg(not(unix))]
fn open_beside(_file: &Path, path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    #[cfg(windows)]
    let path = &super::file::for_system(path);
    Connection::open_with_flags(path, flags)
}

/// Switches the file to write-ahead mode. If that is impossible (a file system without shared memory, another
/// connection that keeps the mode), the file stays in its mode: slower, and as safe.
fn set_wal(connection: &Connection) -> Result<(), Error> {
    let set = connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).map_err(Error::from);
    match set {
        Err(error) if error.is_busy() => Ok(()),
        other => other,
    }
}

thread_local! {
    /// Maximum wait for a lock on this thread.
    static LOCK_WAIT: Cell<Duration> = const { Cell::new(BUSY_TIMEOUT) };
}

/// A writing connection waits no longer than [`UPKEEP_LOCK_WAIT`] for a lock while this lives, on its thread.
pub struct ShortWait(());

impl ShortWait {
    /// Begins it.
    pub fn begin() -> Self {
        LOCK_WAIT.set(UPKEEP_LOCK_WAIT);
        Self(())
    }
}

impl Drop for ShortWait {
    fn drop(&mut self) {
        LOCK_WAIT.set(BUSY_TIMEOUT);
    }
}

/// Busy handler: waits for a lock up to [`BUSY_TIMEOUT`], or within a [`ShortWait`].
///
/// A holder that locks in a loop releases the lock for a fraction of a millisecond at a time. SQLite's own handler,
/// with pauses of up to 100 ms, hardly ever meets that moment.
fn wait_for_lock() -> impl FnMut(i32) -> bool + Send + 'static {
    let mut since = Instant::now();
    move |attempts| {
        if attempts == 0 {
            since = Instant::now();
        }
        let pause = Duration::from_micros(50) * u32::try_from(attempts / 4 + 1).unwrap_or(1);
        thread::sleep(pause.min(BUSY_PAUSE_MAX));
        since.elapsed() < LOCK_WAIT.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_syncs_every_commit() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(&folder.path().join("a.sqlite3"), Interrupt::default()).unwrap();
        let pragma =
            |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
        assert_eq!(pragma("synchronous").unwrap(), 3.into());
        assert_eq!(pragma("journal_mode").unwrap(), "wal".to_owned().into());
        assert_eq!(pragma("fullfsync").unwrap(), 1.into());
        assert_eq!(pragma("checkpoint_fullfsync").unwrap(), 1.into());
        assert_eq!(pragma("foreign_keys").unwrap(), 1.into());
    }
}
