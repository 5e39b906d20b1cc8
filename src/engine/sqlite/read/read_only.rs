//! Opening a file to read only, which leaves the file and what is beside it as they are.
//!
//! SQLite reads a log through its index, which it has to make where there is none. Where the process may make files, that is
//! as beside any other process, and what was made is taken away at the end. Where it may not, and nobody has the file open,
//! the file is read as one that does not change; with a log that somebody has left, a copy of both is. A change ends that.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::Error;
use crate::engine::sqlite::connection::{PAGE_BYTES_MIN, open_in_place_of_writer, open_untouched};
use crate::engine::sqlite::file::{DatabaseFile, FileAccess, Stamp};
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::interrupt::Interrupt;
use crate::engine::sqlite::table::schema;
use crate::engine::sqlite::wal::frames::wal_path;
use crate::private_folder::PrivateFolder;

/// Folders for a copy. The environment, which may name another, is JavaScript's to read.
const COPY_FOLDERS: [&str; 2] = ["/var/tmp", "/tmp"];

/// Kind of file that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedFile {
    /// The file of a store.
    Store,
    /// Any database: that of another program, from which keys are imported.
    Database,
}

/// State of a file as it was found, for when it is closed.
#[derive(Debug)]
pub struct Found {
    has_log: bool,
    /// Folder of the copy that is read instead.
    copy: Option<PrivateFolder>,
}

impl Found {
    /// Takes away the log and the index that SQLite has made to read, unless somebody uses them.
    pub fn leave(self, database: &Path) {
        let is_empty = || wal_path(database).metadata().is_ok_and(|log| log.len() == 0);
        if self.has_log || self.copy.is_some() || !is_empty() {
            return;
        }
        // The last connection that may write takes them away when it is closed. There is nothing in the log to be copied.
        if let Ok(connection) = open_untouched(database) {
            drop(connection.query_row("SELECT 1 FROM sqlite_schema", [], |_| Ok(())));
        }
    }
}

/// Opens the connection that a file which is only read has in the place of the writing one.
pub fn open(
    path: &Path,
    expected: ExpectedFile,
    interrupt: &Interrupt,
) -> Result<(UserConnection, DatabaseFile, Found), Error> {
    check(path)?;
    let has_log = wal_path(path).exists();
    let stamp = Stamp::of(path);
    let refused = match connect(path, expected, false) {
        Ok(connection) => {
            let found = Found { has_log, copy: None };
            return opened(path, connection, FileAccess::ReadOnly, interrupt, found);
        }
        Err(error) => error,
    };
    Found { has_log, copy: None }.leave(path);
    if !may_not_make_files(path) || !is_for_want_of_files(&refused) {
        return Err(explained(path, refused));
    }
    let copy = if wal_path(path).metadata().is_ok_and(|log| log.len() > 0) {
        Some(copy_with_log(path).map_err(|_| explained(path, refused))?)
    } else {
        None
    };
    let used = copy.as_ref().map_or_else(|| path.to_owned(), |(_, copy)| copy.clone());
    let connection = connect(&used, expected, copy.is_none())?;
    if Stamp::of(path) != stamp {
        return Err(Error::changed(path));
    }
    let access = FileAccess::Unchanging { of: path.to_owned(), stamp, is_copy: copy.is_some() };
    opened(&used, connection, access, interrupt, Found { has_log, copy: copy.map(|(folder, _)| folder) })
}

fn opened(
    path: &Path,
    connection: Connection,
    access: FileAccess,
    interrupt: &Interrupt,
    found: Found,
) -> Result<(UserConnection, DatabaseFile, Found), Error> {
    let file = DatabaseFile::opened(path, access, interrupt.clone());
    Ok((UserConnection::new(connection, interrupt.clone())?, file, found))
}

/// Checks what can be told of a file before SQLite opens it.
fn check(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Err(Error::is_directory(path));
    }
    if matches!(path.try_exists(), Ok(false)) {
        return Err(Error::no_file(path));
    }
    match path.metadata().map(|file| file.len()) {
        Ok(0) => return Err(Error::not_a_store(path)),
        Ok(bytes) if bytes < PAGE_BYTES_MIN => return Err(Error::not_a_database()),
        _ => {}
    }
    Ok(())
}

fn connect(path: &Path, expected: ExpectedFile, is_detached: bool) -> Result<Connection, Error> {
    let connection = open_in_place_of_writer(path, is_detached)?;
    let is_expected = expected == ExpectedFile::Database || schema::holds_keys(&connection)?;
    if is_expected { Ok(connection) } else { Err(Error::not_a_store(path)) }
}

/// True if SQLite may have failed because it could not make its files.
fn is_for_want_of_files(error: &Error) -> bool {
    ["SQLITE_CANTOPEN", "SQLITE_READONLY"].iter().any(|code| error.code().starts_with(code))
}

#[cfg(unix)]
fn may_not_make_files(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    crate::engine::sqlite::permission::refusal_to_make(&path).is_some()
}

#[cfg(not(unix))]
fn may_not_make_files(_path: &Path) -> bool {
    false
}

#[cfg(unix)]
fn explained(path: &Path, error: Error) -> Error {
    crate::engine::sqlite::permission::explain_reading(path, error)
}

#[cfg(not(unix))]
fn explained(_path: &Path, error: Error) -> Error {
    error
}

/// Copies a database and its log to where SQLite may make an index of the log.
fn copy_with_log(path: &Path) -> io::Result<(PrivateFolder, PathBuf)> {
    let made = COPY_FOLDERS.iter().map(|base| PrivateFolder::make_in(Path::new(base)));
    let folder = made.reduce(Result::or).unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))?;
    let copy = folder.path().join("copy.sqlite3");
    let mut log = copy.clone().into_os_string();
    log.push("-wal");
    fs::copy(wal_path(path), log)?;
    fs::copy(path, &copy)?;
    Ok((folder, copy))
}
