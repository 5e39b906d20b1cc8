//! The engine on SQLite: one writing connection on a thread of its own, readers beside it.

mod commits;
mod connection;
mod file;
#[allow(unsafe_code, reason = "asks the dynamic linker")]
mod foreign;
mod groups;
mod halts;
mod keys;
mod known_rows;
#[cfg(lock_shim)]
#[allow(unsafe_code, reason = "stands between SQLite and the system")]
mod locks;
mod pool;
mod purge;
mod reader;
mod registry;
mod scan;
mod schema;
mod select;
#[allow(unsafe_code, reason = "asks SQLite what rusqlite has no function for")]
mod snapshot;
mod sql;
mod sql_engine;
mod triggers;
#[allow(unsafe_code, reason = "writes to a file of SQLite's")]
mod wal_file;
#[allow(unsafe_code, reason = "reads memory that SQLite shares with other processes")]
mod wal_index;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

pub use commits::Standing;
use commits::{Commits, Recorder};
pub(crate) use connection::{open_detached, open_own_reader, open_own_writer};
use file::DatabaseFile;
pub(crate) use file::FileId;
pub use foreign::loaded_copies;
pub use reader::{Reader, Stored, Values};
pub(crate) use registry::is_open;
pub use registry::open_shared;
pub use schema::holds_keys;
pub use select::{Progress, Select};
pub(crate) use snapshot::version_read;
pub use sql::{
    Begin, CursorReply, Description, Lease, LeaseKind, LeaseRequest, OpenCursor, Part, Read, RowsReply,
    SavepointAction,
};
pub use wal_index::{HEADER_WORDS, Version, WalIndex};

use crate::kv::{Address, Batch, BatchOutcome, ClientId, Stop};
use crate::threads;
use crate::{Error, Reply};
use pool::ReaderPool;
use writer::Request;

/// Whether locks hold beside another copy of SQLite in the same process.
#[must_use]
pub fn locks_hold() -> bool {
    #[cfg(lock_shim)]
    return locks::hold();
    // Where there is no shim, locks belong to file handles (Windows), or are the process's.
    #[cfg(not(lock_shim))]
    return cfg!(windows);
}

/// One open database file.
///
/// # Close semantics
///
/// [`Engine::close`] finishes what was submitted, joins every thread and closes every connection, so that
/// SQLite checkpoints and removes the write-ahead log. An engine that is dropped instead does the same, but
/// nobody waits for it.
#[derive(Debug)]
pub struct Engine {
    file: DatabaseFile,
    requests: mpsc::Sender<Request>,
    writer: JoinHandle<()>,
    readers: ReaderPool,
    commits: Arc<Commits>,
}

impl Engine {
    /// Opens the file, creating it if it does not exist, and starts the writer.
    ///
    /// Blocks for as long as that takes, up to [`crate::limits::BUSY_TIMEOUT`] behind a lock of others. Within a
    /// process [`open_shared`] is what keeps one engine per file.
    ///
    /// # Errors
    ///
    /// With SQLite's code if the path cannot be opened or written or is no database (then it is left
    /// untouched), `ERR_SCHEMA_NEWER` if a newer version of this package made it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let connection = connection::open_writer(path)?;
        let file = DatabaseFile::opened(path);
        let (requests, received) = mpsc::channel();
        let commits = Arc::new(Commits::default());
        let recorder = Recorder::new(&connection, Arc::clone(&commits));
        let writer_file = file.clone();
        let writer = threads::spawn("writer", move || writer::run(connection, recorder, writer_file, &received))?;
        Ok(Self { requests, writer, commits, readers: ReaderPool::new(file.clone()), file })
    }

    /// Queues a batch. Batches take effect in the order of the calls, grouped into transactions.
    ///
    /// `reply` is called on the writer's thread when the outcome is on disk.
    pub fn submit(&self, batch: Batch, reply: Reply<BatchOutcome>) {
        // If the writer is gone, the request is dropped here, and with it the reply answers.
        drop(self.requests.send(Request::Batch(batch, reply)));
    }

    /// [`Engine::submit`], waiting for the outcome.
    ///
    /// ```
    /// # use rootcellar::engine::sqlite::Engine;
    /// # use rootcellar::kv::{Address, Batch, Command};
    /// # let folder = tempfile::tempdir().unwrap();
    /// let engine = Engine::open(&folder.path().join("bot.sqlite3")).unwrap();
    /// let outcome = engine.execute(Batch::new(vec![Command::Delete(Address::new("gone"))], 0));
    /// assert_eq!(outcome.committed, 1);
    /// ```
    #[must_use]
    pub fn execute(&self, batch: Batch) -> BatchOutcome {
        let (outcome, outcomes) = mpsc::sync_channel(1);
        let reply = Reply::new(move |result| drop(outcome.send(result)));
        self.submit(batch, reply);
        match outcomes.recv() {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => BatchOutcome::stopped(Stop::Transaction(error)),
            Err(_) => unreachable!("a reply always answers"),
        }
    }

    /// A reader for the calling thread, which sees every batch committed before each of its calls.
    ///
    /// # Errors
    ///
    /// With SQLite's code if the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::open(&self.file)
    }

    /// Brings a client from the state of the database that it `knows` to the one that `reader` finds now. What it has
    /// cached stays valid if the answer is [`Standing::Current`]. Takes [`Standing::Unknown`] for an answer where
    /// there is nothing to tell it by: what is read must not be cached then.
    ///
    /// # Errors
    ///
    /// `SQLITE_READONLY_DBMOVED`.
    pub fn catch_up(&self, reader: &Reader, client: ClientId, knows: &mut Version) -> Result<Standing, Error> {
        self.file.check()?;
        let now = reader.wal_index().map(WalIndex::version);
        Ok(now.map_or(Standing::Unknown, |now| self.commits.catch_up(client, knows, now)))
    }

    /// Reads keys on a thread of their own that waits for locks; for when a [`Reader`] has met one.
    pub fn read_patiently(&self, addresses: Vec<Address>, now_ms: i64, reply: Reply<Values>) {
        let reader = self.reader();
        // If there is no thread to be had, the reply is dropped, and answers.
        drop(threads::spawn("read", move || {
            reply.send(reader.and_then(|reader| {
                reader.be_patient()?;
                reader.get_many(&addresses, now_ms)
            }));
        }));
    }

    /// Starts a `select`. What is found is JSON text in slices, see [`crate::kv::SliceWriter`], of which the last is
    /// the answer, and those before are `progress`.
    ///
    /// Its snapshot is taken before the call returns if a reader is free; otherwise later, which `progress`
    /// reports. Returns whether it was taken.
    pub fn select(
        &self,
        select: Select,
        progress: impl FnMut(Progress) + Send + 'static,
        reply: Reply<String>,
    ) -> bool {
        let progress = Arc::new(Mutex::new(progress));
        let started = Arc::clone(&progress);
        let task: pool::Task = Box::new(move |snapshot| {
            let mut progress = threads::lock(&progress);
            let send = |slice| progress(Progress::Slice(slice));
            reply.send(snapshot.and_then(|connection| scan::scan(connection, &select, send)));
        });
        self.readers.submit(task, Box::new(move || threads::lock(&started)(Progress::Started)))
    }

    /// How many descriptors of the file other copies of SQLite in this process have, as far as can be told.
    #[must_use]
    pub fn foreign_descriptors(&self) -> usize {
        #[cfg(lock_shim)]
        return self.file.id().map_or(0, locks::foreign_descriptors);
        #[cfg(not(lock_shim))]
        return 0;
    }

    /// Finishes what was submitted, then releases the file. Blocks until every thread has ended.
    pub fn close(self) {
        let Self { requests, writer, readers, .. } = self;
        readers.close();
        drop(requests);
        // A writer that panicked has been reported through its replies.
        drop(writer.join());
    }
}
