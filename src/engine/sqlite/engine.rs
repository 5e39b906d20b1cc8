//! An open database file: the writer's thread, readers, and what is asked of them.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::checkpoint::checkpointer::Checkpointer;
use super::checkpoint::control::Control;
use super::connection;
use super::file::{DatabaseFile, FileAccess, check_length};
use super::guard::mode::Mode;
use super::interrupt::Interrupt;
#[cfg(lock_shim)]
use super::locks;
use super::read::answer::answer;
use super::read::point_read::Reader;
use super::read::pool::{ReaderPool, Task};
use super::read::read_only::{self, ExpectedFile, Found};
use super::sql::cursor::{self, CursorReply, OpenCursor};
use super::sql::execute;
use super::sql::reads::{self, SqlRead};
use super::stray_log::is_stray;
use super::wal::commit_log::{CacheValidity, CommitLog, Recorder};
use super::wal::file_mark::boot;
use super::wal::index_header::{WalIndex, WalIndexHeader};
use super::wal::restart_log::RestartLogs;
use super::wal::snapshot::snapshot_header;
use super::watch::thread::{Tell, WatchNumber, Watcher};
use super::watch::watched::Watched;
use super::write::lease::{self, Lease};
use super::write::lent::Lent;
use super::write::writer::{Writer, WriterRequest};
use crate::batch::{Batch, BatchOutcome, ClientId, Stop};
use crate::kv::Address;
use crate::limits::{LOOKUP_CACHE_KIB, READERS_MAX};
use crate::reads::{KeyQuery, Select, SelectProgress, Values};
use crate::sql::{Cancel, Job, Slice, Statement};
use crate::{Error, Reply, threads};

/// One open database file.
///
/// # Close semantics
///
/// [`Engine::close`] finishes submitted work, joins every thread and closes every connection, so that SQLite
/// checkpoints and removes the write-ahead log. A dropped engine does the same, but nobody waits for it.
#[derive(Debug)]
pub struct Engine {
    pub(super) file: DatabaseFile,
    requests: mpsc::Sender<WriterRequest>,
    writer: JoinHandle<()>,
    readers: ReaderPool,
    commit_log: Arc<CommitLog>,
    control: Arc<Control>,
    restarts: RestartLogs,
    checkpointer: Option<JoinHandle<()>>,
    /// State in which a read-only file was found.
    found: Option<Found>,
    watcher: Arc<Watcher>,
}

impl Engine {
    /// Opens the file, creating it if it does not exist, and starts the writer.
    ///
    /// Blocks while the file is opened, up to [`crate::limits::BUSY_TIMEOUT`] for a lock of others.
    /// [`open_shared`](super::registry::open_shared) keeps one engine per file in a process.
    ///
    /// # Errors
    ///
    /// With SQLite's code if the path cannot be opened or written, or is not a database (it is left unchanged).
    /// `ERR_SCHEMA_NEWER` if a newer version of this package made it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        check_length(path)?;
        let interrupt = Interrupt::default();
        let connection = connection::open_writer(path, interrupt.clone())?;
        let file = DatabaseFile::opened(path, FileAccess::Full, interrupt.clone());
        let commit_log = Arc::new(CommitLog::default());
        let restarts = RestartLogs::default();
        let recorder = Recorder::new(&connection, Arc::clone(&commit_log), restarts.clone());
        let checkpointer = Checkpointer::start(&file, Arc::clone(&commit_log), restarts.clone())?;
        let (checkpointer, thread) = checkpointer.unzip();
        let control = Control::new(interrupt, checkpointer);
        let told = Arc::downgrade(&control);
        restarts.look.listen(move || told.upgrade().inspect(|control| control.look()).is_some());
        let writer = Writer::new(connection, recorder, file.clone(), Arc::clone(&control));
        Self::start(file, writer, commit_log, control, restarts, thread, None)
    }

    /// Opens a file to read only: SQLite itself refuses what writes, with `SQLITE_READONLY`. Nothing is written, made or
    /// brought up to date, and others may have the file open and write to it.
    ///
    /// # Errors
    ///
    /// With SQLite's code if there is no file, it cannot be read or is not a database; `ERR_NOT_A_STORE` if it is not that
    /// of a store; `ERR_SCHEMA_NEWER`; `ERR_STRAY_LOG` if the log beside it is another file's.
    pub fn open_read_only(path: &Path, expected: ExpectedFile) -> Result<Self, Error> {
        if path.exists() && is_stray(path, boot()) {
            return Err(Error::stray_log(path, &io::Error::other("a store with readOnly changes nothing")));
        }
        let interrupt = Interrupt::default();
        let (connection, file, found) = read_only::open(path, expected, &interrupt)?;
        let commit_log = Arc::new(CommitLog::default());
        let control = Control::new(interrupt, None);
        let recorder = Recorder::idle(Arc::clone(&commit_log));
        let writer = Writer::new(connection, recorder, file.clone(), Arc::clone(&control));
        Self::start(file, writer, commit_log, control, RestartLogs::default(), None, Some(found))
    }

    fn start(
        file: DatabaseFile,
        writer: Writer,
        commit_log: Arc<CommitLog>,
        control: Arc<Control>,
        restarts: RestartLogs,
        checkpointer: Option<JoinHandle<()>>,
        found: Option<Found>,
    ) -> Result<Self, Error> {
        let (requests, received) = mpsc::channel();
        let writer = threads::spawn("writer", move || writer.run(&received))?;
        let readers = ReaderPool::new(file.clone());
        let watcher = Arc::new(Watcher::new(restarts.clone()));
        let told = Arc::clone(&watcher);
        control.when_committed(move || told.committed());
        Ok(Self { file, requests, writer, readers, commit_log, control, restarts, checkpointer, found, watcher })
    }

    /// Queues a batch. Batches take effect in the order of the calls, in groups that share a transaction.
    ///
    /// The writer's thread calls `reply` when the outcome is on disk.
    pub fn submit(&self, batch: Batch, reply: Reply<BatchOutcome>) {
        // If the writer has ended, the request is dropped here; its reply then answers.
        drop(self.requests.send(WriterRequest::Batch(batch, reply)));
    }

    /// [`Engine::submit`] that waits for the outcome.
    ///
    /// ```
    /// # use rootcellar::engine::sqlite::Engine;
    /// # use rootcellar::batch::{Batch, Command};
    /// # use rootcellar::kv::Address;
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

    /// A reader for the calling thread. Each of its calls sees every batch that was committed before.
    ///
    /// # Errors
    ///
    /// With SQLite's code if the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::open(&self.file, LOOKUP_CACHE_KIB)
    }

    /// Compares the WAL-index header that a client `knows` with the one that `reader` finds now, and sets `knows`
    /// to it. The client's cache stays valid if the answer is [`CacheValidity::Current`]. The answer is
    /// [`CacheValidity::Unknown`] also where there is no header: the client must not cache what it reads then.
    ///
    /// # Errors
    ///
    /// `SQLITE_READONLY_DBMOVED`.
    pub fn catch_up(
        &self,
        reader: &Reader,
        client: ClientId,
        knows: &mut WalIndexHeader,
    ) -> Result<CacheValidity, Error> {
        self.file.check()?;
        let now = reader.wal_index().map(WalIndex::header);
        Ok(now.map_or(CacheValidity::Unknown, |now| self.commit_log.catch_up(client, knows, now)))
    }

    /// Reads keys on a thread of its own, which waits for locks. It is for reads at which a [`Reader`] has met a
    /// lock.
    pub fn read_blocking(&self, addresses: Vec<Address>, now_ms: i64, reply: Reply<Values>) {
        let reader = self.reader();
        // If no thread can be started, the reply is dropped, and answers.
        drop(threads::spawn("read", move || {
            reply.send(reader.and_then(|reader| {
                reader.wait_for_locks()?;
                reader.get_many(&addresses, now_ms)
            }));
        }));
    }

    /// Starts a `select`. The result is JSON text in slices, see [`crate::kv::EntryWriter`]. The last slice is the
    /// answer; those before it are passed to `progress`.
    ///
    /// The snapshot is taken before the call returns if a reader is free; otherwise later, which `progress`
    /// reports. Returns `true` if it was taken.
    pub fn select(
        &self,
        select: Select,
        progress: impl FnMut(SelectProgress) + Send + 'static,
        reply: Reply<String>,
    ) -> bool {
        self.ask(KeyQuery::Select(select), None, progress, reply)
    }

    /// Starts a read of many keys, which can be cancelled; otherwise as [`Engine::select`].
    pub fn ask(
        &self,
        query: KeyQuery,
        cancel: Option<Arc<Cancel>>,
        progress: impl FnMut(SelectProgress) + Send + 'static,
        reply: Reply<String>,
    ) -> bool {
        let progress = Arc::new(Mutex::new(progress));
        let started = Arc::clone(&progress);
        let commit_log = Arc::clone(&self.commit_log);
        let task: Task = Box::new(move |snapshot| {
            let mut progress = threads::lock(&progress);
            let send = |slice| progress(SelectProgress::Slice(slice));
            reply.send(snapshot.and_then(|connection| {
                let _running = connection.cancellable(cancel.as_ref())?;
                answer(connection, &query, Some(&commit_log), send)
            }));
        });
        self.readers.submit(task, Box::new(move || threads::lock(&started)(SelectProgress::Started)))
    }

    /// Queues a job that cannot share a transaction with other work. It runs after everything that was submitted
    /// before.
    pub fn submit_alone(&self, job: Job, reply: Reply<BatchOutcome>) {
        self.exclusively(move |Lent { connection, file, control, .. }| {
            let result = file.check().and_then(|()| execute::run_alone(connection, &job));
            control.before_reply();
            reply.send(Ok(match result {
                Ok(statements) => BatchOutcome { committed: 1, statements, keys: Vec::new(), stopped: None },
                Err(error) => BatchOutcome::stopped(Stop::Command(error)),
            }));
        });
    }

    /// Lends the writing connection to a lease, after everything that was submitted before, until the lease ends.
    pub fn lease(&self, lease: Lease) {
        self.exclusively(move |lent| lease::serve(lent, lease));
    }

    /// Starts reads of one snapshot, on as many reader threads as are free.
    ///
    /// The snapshot is taken before the call returns if a reader is free; otherwise later, which `started` reports.
    /// Returns `true` if it was taken.
    pub fn read(&self, reads: Vec<SqlRead>, started: impl FnOnce() + Send + 'static) -> bool {
        let helpers = reads.len().min(READERS_MAX) - 1;
        let reads = Arc::new(Mutex::new(VecDeque::from(reads)));
        let is_at_once = self.readers.submit(read_all(&reads), Box::new(started));
        if is_at_once {
            // Each reader takes the next read that is left, so that no read waits behind a slow one while a reader
            // is free.
            for _ in 0..helpers {
                if !self.readers.submit_now(|| read_all(&reads)) {
                    break;
                }
            }
        }
        is_at_once
    }

    /// Opens a cursor with its own snapshot and thread. Returns a sender of requests for slices, and `true` if the
    /// snapshot is taken; if not, `started` reports it later. Dropping the sender closes the cursor.
    pub fn open_cursor(
        &self,
        open: OpenCursor,
        started: impl FnOnce() + Send + 'static,
    ) -> (Sender<CursorReply>, bool) {
        let (requests, received) = mpsc::channel::<CursorReply>();
        let task: Task = Box::new(move |snapshot| match snapshot {
            Ok(connection) => cursor::serve_cursor(connection, open, &received),
            Err(error) => {
                // The first slice is requested after this call, if no snapshot could be taken at once.
                drop(threads::spawn("cursor", move || {
                    if let Ok(reply) = received.recv() {
                        reply.send(Err(error));
                    }
                }));
            }
        });
        let is_at_once = self.readers.submit_slow(task, Box::new(started));
        (requests, is_at_once)
    }

    /// Watches keys of a community for what is committed after a snapshot, by whomever. The snapshot is taken before the
    /// call returns if a reader is free; otherwise later, which `started` reports. Returns `true` if it was taken.
    ///
    /// After `begun` was called, each call of [`Watcher::next`] asks for one report, which `tell` gets as soon as there is
    /// something to report. After an error there is no other. A watch that is ended before is told nothing.
    pub fn watch(
        &self,
        number: WatchNumber,
        mut watched: Watched,
        now_ms: i64,
        started: impl FnOnce() + Send + 'static,
        begun: impl FnOnce() + Send + 'static,
        mut tell: Tell,
    ) -> bool {
        let (thread, file) = (Arc::clone(&self.watcher), self.file.clone());
        thread.expect(number);
        let task: Task = Box::new(move |snapshot| {
            let learned = snapshot.and_then(|connection| {
                watched.begin(connection, now_ms)?;
                Ok((watched, snapshot_header(connection)))
            });
            match learned {
                Ok((watched, header)) => match thread.add(&file, number, watched, header, tell) {
                    Ok(true) => begun(),
                    Ok(false) => {}
                    Err((error, mut tell)) => tell(Err(error)),
                },
                Err(error) => {
                    thread.remove(number);
                    tell(Err(error));
                }
            }
        });
        self.readers.submit(task, Box::new(started))
    }

    /// Forgets a client, which sends nothing any more: ends its watches, too.
    pub fn forget(&self, client: ClientId) {
        self.watcher.remove_all(client);
        // A writer that has ended has forgotten it.
        drop(self.requests.send(WriterRequest::Forget(client)));
    }

    /// The watches of this file.
    #[must_use]
    pub fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    /// Number of descriptors of the file that other copies of SQLite in this process have, as far as is known.
    #[must_use]
    pub fn foreign_descriptors(&self) -> usize {
        #[cfg(lock_shim)]
        return self.file.id().map_or(0, locks::shim::foreign_descriptors);
        #[cfg(not(lock_shim))]
        return 0;
    }

    /// Finishes submitted work, then releases the file. Blocks until every thread has ended.
    pub fn close(self) {
        let Self { requests, writer, readers, control, checkpointer, file, found, watcher, .. } = self;
        watcher.end();
        readers.close();
        drop(requests);
        // A writer that panicked has reported it through its replies.
        drop(writer.join());
        control.end_checkpoints();
        if let Some(checkpointer) = checkpointer {
            // One that panicked leaves the rest to SQLite, or to the next opening.
            drop(checkpointer.join());
        }
        if let Some(found) = found {
            found.leave(file.path());
        }
    }

    /// [`Engine::close`] at the end of the process: interrupts reads.
    pub fn end(self) {
        self.control.interrupt();
        self.close();
    }

    /// Records for those who follow the log.
    #[must_use]
    pub fn restarts(&self) -> &RestartLogs {
        &self.restarts
    }

    /// Controls of the end of the process.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    fn exclusively(&self, work: impl FnOnce(Lent) + Send + 'static) {
        // If the writer has ended, the request is dropped here; its reply then answers.
        drop(self.requests.send(WriterRequest::Exclusive(Box::new(work))));
    }
}

impl Reader {
    /// Runs user SQL that reads, on this thread and without waiting, if that takes few steps and gives few rows.
    /// `file_seen` skips the check that the file is still in its place, for a caller that has just made it; for `keeps` see
    /// `Reader::enter`.
    ///
    /// # Errors
    ///
    /// Any. Then [`Engine::read`] must run the statement, and reports what is wrong with it.
    pub fn read_now(&self, statement: &Statement, file_seen: bool, keeps: bool) -> Result<Slice, Error> {
        if file_seen {
            self.check_header()?;
        } else {
            self.check()?;
        }
        self.enter(keeps)?;
        reads::read_now(self.connection(), statement)
    }
}

fn read_all(reads: &Arc<Mutex<VecDeque<SqlRead>>>) -> Task {
    let reads = Arc::clone(reads);
    Box::new(move |snapshot| {
        loop {
            let next = threads::lock(&reads).pop_front();
            let Some(read) = next else { return };
            read.run(snapshot.as_ref().map(|connection| *connection), Mode::Reader);
        }
    })
}
