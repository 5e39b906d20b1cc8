//! Writes of a commit to the write-ahead log, gathered into few calls.
//!
//! SQLite writes the header of a frame and its page one after the other: two system calls a page, of which a group of a
//! thousand keys has hundreds. While a commit runs, what it writes in sequence is kept here and handed over at once: before
//! the sync, which with `synchronous=FULL` comes before the index tells anybody of the frames, and before anything else
//! that is done with the file. Only that one connection uses the file, by one thread.

use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;

use rusqlite::ffi;

/// Bytes that are handed over at once: SQLite's files accept less than 128 KiB.
const BYTES_MAX: usize = 127 << 10;

/// Methods of a file that gathers, and what it has gathered. SQLite gets the address of the methods, which is that of the
/// whole.
#[repr(C)]
struct Gathered {
    methods: ffi::sqlite3_io_methods,
    own: NonNull<ffi::sqlite3_io_methods>,
    bytes: Vec<u8>,
    /// Their offset in the file.
    offset: i64,
    /// Error of a write that was accepted before. Everything else fails with it, and so does the commit.
    failed: Option<c_int>,
}

/// Gathers the writes to the log of a connection. It belongs to the connection, and must not be used after that is closed.
#[derive(Debug)]
pub struct Gatherer {
    file: NonNull<ffi::sqlite3_file>,
    gathered: NonNull<Gathered>,
}

// SAFETY: SQLite's files are used by one thread at a time, and this one goes with its connection.
unsafe impl Send for Gatherer {}

impl Gatherer {
    /// A gatherer for an open file, which stays open while this is used.
    pub fn of(file: NonNull<ffi::sqlite3_file>) -> Option<Self> {
        // SAFETY: the file is open, so it has methods, and they are static.
        let (own, methods) = unsafe {
            let own = NonNull::new(file.as_ref().pMethods.cast_mut())?;
            (own, *own.as_ref())
        };
        let methods = ffi::sqlite3_io_methods {
            // Without mapped memory, which knows nothing of what is gathered.
            iVersion: methods.iVersion.min(2),
            xRead: Some(read),
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xSync: Some(sync),
            xFileSize: Some(file_size),
            xFileControl: Some(file_control),
            ..methods
        };
        let bytes = Vec::with_capacity(BYTES_MAX);
        let gathered = Box::new(Gathered { methods, own, bytes, offset: 0, failed: None });
        Some(Self { file, gathered: NonNull::from(Box::leak(gathered)) })
    }

    /// Gathers until the result is dropped. What was not synced by then is not written: it belongs to a transaction that
    /// has failed.
    pub fn begin(&mut self) -> Gathering<'_> {
        // SAFETY: the file is open, nobody else uses it, and its methods stay where they are while it gathers.
        unsafe {
            (*self.gathered.as_ptr()).bytes.clear();
            (*self.gathered.as_ptr()).failed = None;
            (*self.file.as_ptr()).pMethods = self.gathered.as_ptr().cast();
        }
        Gathering { gatherer: self, _thread: PhantomData }
    }
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        // SAFETY: it was leaked by `of`, and no file has its methods: whoever gathers borrows this.
        drop(unsafe { Box::from_raw(self.gathered.as_ptr()) });
    }
}

/// The time in which writes are gathered.
pub struct Gathering<'a> {
    gatherer: &'a mut Gatherer,
    _thread: PhantomData<*const ()>,
}

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        // SAFETY: the file is open, and nobody else uses it.
        unsafe {
            let own = (*self.gatherer.gathered.as_ptr()).own;
            (*self.gatherer.file.as_ptr()).pMethods = own.as_ptr();
        }
    }
}

/// Gathered writes of a file.
///
/// # Safety
///
/// SQLite has called one of this module's methods with the file.
unsafe fn of<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Gathered {
    // SAFETY: such a file has the methods at the beginning of its `Gathered`, which is used by one thread at a time.
    unsafe { &mut *(*file).pMethods.cast_mut().cast::<Gathered>() }
}

impl Gathered {
    /// The file's own methods.
    fn own(&self) -> &ffi::sqlite3_io_methods {
        // SAFETY: they are static.
        unsafe { self.own.as_ref() }
    }

    /// Hands over what is gathered.
    ///
    /// # Safety
    ///
    /// The file is the one whose writes these are.
    unsafe fn flush(&mut self, file: *mut ffi::sqlite3_file) -> c_int {
        if let Some(failed) = self.failed {
            return failed;
        }
        let Some(write) = self.own().xWrite.filter(|_| !self.bytes.is_empty()) else { return ffi::SQLITE_OK };
        let length = c_int::try_from(self.bytes.len()).unwrap_or(c_int::MAX);
        // SAFETY: as the caller says, and there are so many bytes.
        let written = unsafe { write(file, self.bytes.as_ptr().cast(), length, self.offset) };
        self.bytes.clear();
        if written != ffi::SQLITE_OK {
            self.failed = Some(written);
        }
        written
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: as SQLite called it.
    let gathered = unsafe { of(file) };
    let count = usize::try_from(length).unwrap_or(0);
    let follows = gathered.offset + i64::try_from(gathered.bytes.len()).unwrap_or(i64::MAX) == offset;
    if !follows || gathered.bytes.len() + count > BYTES_MAX {
        // SAFETY: as above.
        let flushed = unsafe { gathered.flush(file) };
        if flushed != ffi::SQLITE_OK {
            return flushed;
        }
        gathered.offset = offset;
    }
    if let Some(failed) = gathered.failed {
        return failed;
    }
    match gathered.own().xWrite {
        // SAFETY: as SQLite called it.
        Some(write) if count > BYTES_MAX => unsafe { write(file, bytes, length, offset) },
        _ => {
            // SAFETY: SQLite has so many bytes to write.
            gathered.bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(bytes.cast(), count) });
            ffi::SQLITE_OK
        }
    }
}

/// Methods that come after what was written before.
macro_rules! flush_before {
    ($($name:ident => $method:ident($($argument:ident: $kind:ty),*);)*) => {
        $(unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file, $($argument: $kind),*) -> c_int {
            // SAFETY: as SQLite called it.
            unsafe {
                let gathered = of(file);
                let flushed = gathered.flush(file);
                match gathered.own().$method {
                    Some(method) if flushed == ffi::SQLITE_OK => method(file, $($argument),*),
                    _ => flushed,
                }
            }
        })*
    };
}

flush_before! {
    read => xRead(bytes: *mut c_void, length: c_int, offset: ffi::sqlite3_int64);
    truncate => xTruncate(length: ffi::sqlite3_int64);
    sync => xSync(flags: c_int);
    file_size => xFileSize(size: *mut ffi::sqlite3_int64);
    file_control => xFileControl(operation: c_int, argument: *mut c_void);
}

#[cfg(test)]
mod tests {
    use std::fs::{metadata, read};

    use rusqlite::Connection;

    use super::*;
    use crate::engine::sqlite::wal::index_header::file_of;

    /// A log with a page of every kind of what is written to it.
    fn open(path: &std::path::Path) -> (Connection, Gatherer) {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a, b)")
            .unwrap();
        let log = file_of(&connection, ffi::SQLITE_FCNTL_JOURNAL_POINTER).unwrap();
        let gatherer = Gatherer::of(log).unwrap();
        (connection, gatherer)
    }

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_was_gathered_is_what_would_have_been_written() {
        let folder = tempfile::tempdir().unwrap();
        let (path, log) = (folder.path().join("a.sqlite3"), folder.path().join("a.sqlite3-wal"));
        let (connection, mut gatherer) = open(&path);
        let other = Connection::open(&path).unwrap();
        // Small ones, one of more than is handed over at once, and a log that is restarted.
        for (round, count) in [1, 3, 400, 1, 2000, 5].into_iter().enumerate() {
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            for number in 0..count {
                connection.execute("INSERT INTO t VALUES (?1, hex(zeroblob(500)))", [number]).unwrap();
            }
            {
                let _gathering = gatherer.begin();
                connection.execute_batch("COMMIT").unwrap();
            }
            // Read past the connection that wrote, as another process would.
            assert_eq!(rows(&other), rows(&connection), "round {round}");
            if round == 3 {
                other.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
            }
        }
        let copy = folder.path().join("b.sqlite3");
        std::fs::write(&copy, read(&path).unwrap()).unwrap();
        std::fs::write(folder.path().join("b.sqlite3-wal"), read(&log).unwrap()).unwrap();
        assert_eq!(rows(&Connection::open(&copy).unwrap()), 2410);
    }

    #[test]
    fn what_a_failed_transaction_wrote_is_never_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut gatherer) = open(&folder.path().join("a.sqlite3"));
        let log = folder.path().join("a.sqlite3-wal");
        let length = metadata(&log).unwrap().len();
        let file = gatherer.file.as_ptr();
        {
            let _gathering = gatherer.begin();
            let bytes = [7u8; 4096];
            let end = i64::try_from(length).unwrap();
            // SAFETY: the file is open, and there are so many bytes.
            let written = unsafe { (*(*file).pMethods).xWrite.unwrap()(file, bytes.as_ptr().cast(), 4096, end) };
            assert_eq!(written, ffi::SQLITE_OK);
        }
        assert_eq!(metadata(&log).unwrap().len(), length);
        connection.execute_batch("INSERT INTO t VALUES (1, 1)").unwrap();
        drop(gatherer);
        assert_eq!(rows(&connection), 1);
    }

    #[test]
    fn a_write_that_fails_later_fails_the_commit() {
        unsafe extern "C" fn full(
            _: *mut ffi::sqlite3_file,
            _: *const c_void,
            _: c_int,
            _: ffi::sqlite3_int64,
        ) -> c_int {
            ffi::SQLITE_FULL
        }
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut gatherer) = open(&folder.path().join("a.sqlite3"));
        // SAFETY: the file is open, and its methods are static.
        let mut failing = unsafe { *gatherer.gathered.as_ref().own.as_ref() };
        failing.xWrite = Some(full);
        // SAFETY: nobody else has it.
        let own = std::mem::replace(unsafe { &mut gatherer.gathered.as_mut().own }, NonNull::from(&failing));
        connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1, 1)").unwrap();
        {
            let _gathering = gatherer.begin();
            let error = connection.execute_batch("COMMIT").unwrap_err();
            assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull));
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK").unwrap();
            }
        }
        // SAFETY: as above.
        unsafe {
            gatherer.gathered.as_mut().own = own;
            (*gatherer.file.as_ptr()).pMethods = own.as_ptr();
        }
        assert_eq!(rows(&connection), 0);
        connection.execute_batch("INSERT INTO t VALUES (2, 2)").unwrap();
        assert_eq!(rows(&connection), 1);
    }
}
