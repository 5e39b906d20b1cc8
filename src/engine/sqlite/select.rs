//! `select`: snapshots taken in the order of the calls, rows read on threads beside the writer.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::file::DatabaseFile;
use super::reader::Reader;
use super::scan::scan;
use crate::kv::RowFormat;
use crate::limits::{BUSY_TIMEOUT, READERS_MAX};
use crate::threads::{self, lock};
use crate::{Error, Reply};

/// A question for every live entry of a scope whose key matches.
#[derive(Debug, Clone)]
pub struct Select {
    /// The scope, as in [`crate::kv::Address::community`].
    pub community: Option<String>,
    /// A `LIKE` pattern, see [`crate::kv::Pattern`].
    pub pattern: String,
    /// The client's clock, milliseconds since 1970 UTC.
    pub now_ms: i64,
    /// What of each row is wanted.
    pub format: RowFormat,
}

/// What happens to a select before it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Its snapshot is taken, later than it was submitted.
    Started,
    /// A slice that is not the last, see [`crate::kv::SliceWriter`].
    Slice(String),
}

/// A select, what to tell of it, and where its answer goes: its last slice.
struct Job {
    select: Select,
    progress: Box<dyn FnMut(Progress) + Send>,
    reply: Reply<String>,
}

/// A job with the reader that will do it, which holds the job's snapshot or has still to take it.
struct Work {
    reader: Reader,
    job: Job,
    has_snapshot: bool,
}

/// Readers and as many threads. Each is started when it is first needed.
pub struct SelectPool {
    shared: Arc<Shared>,
    queue: Sender<Work>,
}

struct Shared {
    file: DatabaseFile,
    state: Mutex<State>,
    work: Mutex<Receiver<Work>>,
}

#[derive(Default)]
struct State {
    idle: Vec<Reader>,
    /// How many readers there are, idle or not.
    readers: usize,
    threads: Vec<JoinHandle<()>>,
    /// Jobs that found every reader busy, oldest first.
    waiting: VecDeque<Job>,
}

impl SelectPool {
    pub fn new(file: DatabaseFile) -> Self {
        let (queue, work) = mpsc::channel();
        Self { shared: Arc::new(Shared { file, state: Mutex::default(), work: Mutex::new(work) }), queue }
    }

    /// Starts a select; see [`super::Engine::select`].
    pub fn submit(&self, select: Select, progress: Box<dyn FnMut(Progress) + Send>, reply: Reply<String>) -> bool {
        let job = Job { select, progress, reply };
        let mut state = lock(&self.shared.state);
        let reader = match state.idle.pop() {
            Some(reader) => reader,
            None if state.readers < READERS_MAX => match self.start_reader(&mut state) {
                Ok(reader) => reader,
                Err(error) => {
                    job.reply.send(Err(error));
                    return true;
                }
            },
            None => {
                state.waiting.push_back(job);
                return false;
            }
        };
        drop(state);
        let has_snapshot = match reader.check().and_then(|()| begin(reader.connection())) {
            Ok(()) => true,
            Err(error) if error.is_busy() => false,
            Err(error) => {
                lock(&self.shared.state).idle.push(reader);
                job.reply.send(Err(error));
                return true;
            }
        };
        // The threads live as long as this queue.
        drop(self.queue.send(Work { reader, job, has_snapshot }));
        has_snapshot
    }

    /// Finishes every select that was submitted, then joins the threads and closes the readers.
    pub fn close(self) {
        let Self { shared, queue } = self;
        drop(queue);
        let threads = std::mem::take(&mut lock(&shared.state).threads);
        for thread in threads {
            drop(thread.join());
        }
    }

    fn start_reader(&self, state: &mut State) -> Result<Reader, Error> {
        let reader = Reader::open(&self.shared.file)?;
        if state.threads.len() < READERS_MAX {
            let shared = Arc::clone(&self.shared);
            state.threads.push(threads::spawn("reader", move || serve(&shared))?);
        }
        state.readers += 1;
        Ok(reader)
    }
}

impl fmt::Debug for SelectPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectPool").finish_non_exhaustive()
    }
}

/// A reader thread: works until the pool is closed and nothing is left to do.
fn serve(shared: &Shared) {
    loop {
        let next = lock(&shared.work).recv();
        let Ok(mut work) = next else { return };
        loop {
            // A panic drops the job's reply, which then reports an internal error, and with it the reader.
            let answered = catch_unwind(AssertUnwindSafe(|| answer(work)));
            let Ok(reader) = answered.or_else(|_| Reader::open(&shared.file)) else {
                fail_waiting(shared);
                break;
            };
            let mut state = lock(&shared.state);
            let Some(job) = state.waiting.pop_front() else {
                state.idle.push(reader);
                break;
            };
            work = Work { reader, job, has_snapshot: false };
        }
    }
}

/// A reader is lost, and cannot be replaced. Those that remain go on; a job that waits for none is told.
fn fail_waiting(shared: &Shared) {
    let mut state = lock(&shared.state);
    state.readers -= 1;
    if state.readers == 0 {
        // Dropped, their replies answer.
        state.waiting.clear();
    }
}

fn answer(work: Work) -> Reader {
    let Work { reader, job: Job { select, mut progress, reply }, has_snapshot } = work;
    let connection = reader.connection();
    let snapshot = if has_snapshot { Ok(()) } else { begin_patiently(connection) };
    if !has_snapshot {
        progress(Progress::Started);
    }
    let last = snapshot.and_then(|()| scan(connection, &select, |slice| progress(Progress::Slice(slice))));
    if !connection.is_autocommit() {
        // Ends a transaction that only read: there is nothing to lose.
        drop(connection.execute_batch("ROLLBACK"));
    }
    reply.send(last);
    reader
}

/// Takes a snapshot, at once or not at all.
fn begin(connection: &Connection) -> Result<(), Error> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    // Preparing may fail too: it reads the schema.
    let taken = connection.prepare_cached(TAKE_SNAPSHOT).and_then(|mut first| first.query_row([], |_| Ok(())));
    if taken.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    Ok(taken?)
}

fn begin_patiently(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let begun = begin(connection);
    connection.busy_timeout(Duration::ZERO)?;
    begun
}

/// The first read of a transaction is what takes its snapshot.
const TAKE_SNAPSHOT: &str = "SELECT EXISTS (SELECT 1 FROM __rootapp_kv)";
