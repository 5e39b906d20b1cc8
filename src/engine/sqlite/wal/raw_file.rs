//! Files of SQLite's, read past its cache and its log.

use std::ptr::NonNull;

use rusqlite::{Connection, ffi};

use super::index_header::file_of;

/// A file of a connection. It must not be used after the connection is closed.
#[derive(Debug)]
pub struct RawFile(NonNull<ffi::sqlite3_file>);

// SAFETY: SQLite's files are used by one thread at a time, and this one goes with its connection.
unsafe impl Send for RawFile {}

impl RawFile {
    /// The database file itself.
    pub fn database(connection: &Connection) -> Option<Self> {
        file_of(connection, ffi::SQLITE_FCNTL_FILE_POINTER).map(Self)
    }

    /// The write-ahead log of a connection in write-ahead mode.
    pub fn log(connection: &Connection) -> Option<Self> {
        file_of(connection, ffi::SQLITE_FCNTL_JOURNAL_POINTER).map(Self)
    }

    /// Reads bytes at an offset; `None` if there are fewer, or they cannot be read.
    #[must_use]
    pub fn read(&self, bytes: usize, offset: u64) -> Option<Vec<u8>> {
        let mut buffer = vec![0; bytes];
        let (amount, offset) = (i32::try_from(bytes).ok()?, i64::try_from(offset).ok()?);
        // SAFETY: the file is open, by the invariant of this type, and the buffer has as many bytes.
        let read = unsafe {
            let methods = self.0.as_ref().pMethods.as_ref()?;
            methods.xRead?(self.0.as_ptr(), buffer.as_mut_ptr().cast(), amount, offset)
        };
        (read == ffi::SQLITE_OK).then_some(buffer)
    }

    /// Length in bytes; `None` if it cannot be read.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        let mut length = 0;
        // SAFETY: the file is open, by the invariant of this type.
        let read = unsafe {
            let methods = self.0.as_ref().pMethods.as_ref()?;
            methods.xFileSize?(self.0.as_ptr(), &raw mut length)
        };
        if read == ffi::SQLITE_OK { u64::try_from(length).ok() } else { None }
    }

    /// Locks the file against everybody who has it open, until the result is dropped; `None` if anybody has. The
    /// connection must not be used meanwhile.
    #[must_use]
    pub fn lock(&self) -> Option<ExclusiveLock<'_>> {
        let lock = |level| {
            // SAFETY: as above. From a shared lock SQLite itself goes on to an exclusive one, for a hot journal.
            unsafe {
                let methods = self.0.as_ref().pMethods.as_ref()?;
                (methods.xLock?(self.0.as_ptr(), level) == ffi::SQLITE_OK).then_some(())
            }
        };
        lock(ffi::SQLITE_LOCK_SHARED)?;
        let guard = ExclusiveLock(self);
        lock(ffi::SQLITE_LOCK_EXCLUSIVE)?;
        Some(guard)
    }
}

/// Exclusive lock on a database file.
#[derive(Debug)]
pub struct ExclusiveLock<'a>(&'a RawFile);

impl Drop for ExclusiveLock<'_> {
    fn drop(&mut self) {
        // SAFETY: the file is open, by the invariant of its type.
        unsafe {
            if let Some(unlock) = self.0.0.as_ref().pMethods.as_ref().and_then(|methods| methods.xUnlock) {
                unlock(self.0.0.as_ptr(), ffi::SQLITE_LOCK_NONE);
            }
        }
    }
}
