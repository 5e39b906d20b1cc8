//! Reader threads: snapshots are taken in the order of the calls, rows are read later.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::point_read::Reader;
use crate::Error;
use crate::engine::sqlite::file::DatabaseFile;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::limits::{BUSY_TIMEOUT, POOL_CACHE_KIB, READERS_MAX};
use crate::threads::{self, lock};

/// Work on a snapshot, or on the error if none could be taken.
pub type Task = Box<dyn FnOnce(Result<&UserConnection, Error>) + Send>;

/// Called when a snapshot is taken later than requested.
pub type Started = Box<dyn FnOnce() + Send>;

/// A task that waits for a reader.
struct WaitingTask {
    task: Task,
    started: Started,
}

/// A task with its reader.
struct AssignedTask {
    reader: Reader,
    task: Task,
    /// Present if the snapshot is still to be taken.
    started: Option<Started>,
}

/// Order to a reader thread: a task, or `None` to end.
type Order = Option<Box<AssignedTask>>;

/// An idle reader, and its thread.
struct Idle {
    reader: Reader,
    thread: Sender<Order>,
}

/// A pool of readers, each with a thread that is started when it is first needed.
pub struct ReaderPool {
    shared: Arc<PoolShared>,
}

struct PoolShared {
    file: DatabaseFile,
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    /// Used as a stack: the reader that was used last has the warmest cache.
    idle: Vec<Idle>,
    /// Number of readers, idle or not.
    readers: usize,
    threads: Vec<JoinHandle<()>>,
    /// Threads of cursors, which read at the pace of their user.
    slow_threads: Vec<JoinHandle<()>>,
    /// Tasks that found every reader busy, oldest first.
    waiting: VecDeque<WaitingTask>,
    /// Threads end when no task is left.
    is_ending: bool,
}

impl ReaderPool {
    pub fn new(file: DatabaseFile) -> Self {
        Self { shared: Arc::new(PoolShared { file, state: Mutex::default() }) }
    }

    /// Gives a task a snapshot: at once if a reader is free, otherwise later, which `started` reports. Returns
    /// `true` if it was at once. If no snapshot can be taken at all, the task gets the error at once.
    pub fn submit(&self, task: Task, started: Started) -> bool {
        let idle = match self.take() {
            Ok(Taken::Idle(idle)) => idle,
            Ok(Taken::None(mut state)) => {
                state.waiting.push_back(WaitingTask { task, started });
                return false;
            }
            Err(error) => {
                task(Err(error));
                return true;
            }
        };
        let started = match snapshot_now(&idle.reader) {
            Ok(()) => None,
            Err(error) if error.is_busy() => Some(started),
            Err(error) => {
                lock(&self.shared.state).idle.push(*idle);
                task(Err(error));
                return true;
            }
        };
        let has_snapshot = started.is_none();
        idle.work(task, started);
        has_snapshot
    }

    /// Gives a task a snapshot if a reader is free and no lock is held. Returns `false` if not; nothing is done
    /// then.
    pub fn submit_now(&self, task: impl FnOnce() -> Task) -> bool {
        let Ok(Taken::Idle(idle)) = self.take() else { return false };
        if snapshot_now(&idle.reader).is_err() {
            lock(&self.shared.state).idle.push(*idle);
            return false;
        }
        idle.work(task(), None);
        true
    }

    /// Gives a task a snapshot and a thread of its own, for as long as it takes. Otherwise as
    /// [`ReaderPool::submit`].
    pub fn submit_slow(&self, task: Task, started: Started) -> bool {
        let mut has_snapshot = false;
        let reader =
            Reader::open(&self.shared.file, POOL_CACHE_KIB).and_then(|reader| match snapshot_now(&reader) {
                Err(error) if !error.is_busy() => Err(error),
                taken => {
                    has_snapshot = taken.is_ok();
                    Ok(reader)
                }
            });
        let reader = match reader {
            Ok(reader) => reader,
            Err(error) => {
                task(Err(error));
                return true;
            }
        };
        let started = (!has_snapshot).then_some(started);
        // If no thread can be started, the task is dropped, and its reply answers.
        let Ok(thread) = threads::spawn("cursor", move || drop(perform(AssignedTask { reader, task, started })))
        else {
            return true;
        };
        let mut state = lock(&self.shared.state);
        state.slow_threads.retain(|thread| !thread.is_finished());
        state.slow_threads.push(thread);
        has_snapshot
    }

    /// Finishes every submitted task, then joins the threads and closes the readers.
    pub fn close(self) {
        self.end();
        let mut state = lock(&self.shared.state);
        let threads: Vec<_> = state.threads.drain(..).collect();
        let slow_threads: Vec<_> = state.slow_threads.drain(..).collect();
        drop(state);
        for thread in threads.into_iter().chain(slow_threads) {
            drop(thread.join());
        }
    }

    /// Lets the threads end when no task is left.
    fn end(&self) {
        let mut state = lock(&self.shared.state);
        state.is_ending = true;
        for idle in state.idle.drain(..) {
            drop(idle.thread.send(None));
        }
    }

    /// Takes an idle reader, or opens a new one if there may be more.
    fn take(&self) -> Result<Taken<'_>, Error> {
        let mut state = lock(&self.shared.state);
        if let Some(idle) = state.idle.pop() {
            return Ok(Taken::Idle(Box::new(idle)));
        }
        if state.readers >= READERS_MAX {
            return Ok(Taken::None(state));
        }
        let reader = Reader::open(&self.shared.file, POOL_CACHE_KIB)?;
        let (thread, orders) = mpsc::channel();
        let (shared, own) = (Arc::clone(&self.shared), thread.clone());
        state.threads.push(threads::spawn("reader", move || serve(&shared, &own, &orders))?);
        state.readers += 1;
        Ok(Taken::Idle(Box::new(Idle { reader, thread })))
    }
}

/// Result of taking a reader.
enum Taken<'a> {
    Idle(Box<Idle>),
    /// All are busy, and stay so while this lock is held.
    None(MutexGuard<'a, PoolState>),
}

impl Idle {
    fn work(self, task: Task, started: Option<Started>) {
        let Self { reader, thread } = self;
        // A thread ends only when it is told to; then it is no longer idle.
        drop(thread.send(Some(Box::new(AssignedTask { reader, task, started }))));
    }
}

impl Drop for ReaderPool {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for ReaderPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderPool").finish_non_exhaustive()
    }
}

/// A reader thread: runs tasks until it is told to end. `own` is the sender of its orders.
fn serve(shared: &PoolShared, own: &Sender<Order>, orders: &Receiver<Order>) {
    while let Ok(Some(work)) = orders.recv() {
        let mut work = *work;
        loop {
            // A panic drops the task, whose replies then report an internal error, and the reader with it.
            let performed = catch_unwind(AssertUnwindSafe(|| perform(work)));
            let reader = performed.or_else(|_| Reader::open(&shared.file, POOL_CACHE_KIB));
            let mut state = lock(&shared.state);
            let Ok(reader) = reader else { return give_up(&mut state) };
            match state.waiting.pop_front() {
                Some(WaitingTask { task, started }) => work = AssignedTask { reader, task, started: Some(started) },
                None if state.is_ending => return,
                None => {
                    state.idle.push(Idle { reader, thread: own.clone() });
                    break;
                }
            }
        }
    }
}

/// Handles the loss of a reader that cannot be replaced. The others go on; if none is left, waiting tasks are
/// dropped.
fn give_up(state: &mut PoolState) {
    state.readers -= 1;
    if state.readers == 0 {
        // The replies of dropped tasks answer.
        state.waiting.clear();
    }
}

fn perform(work: AssignedTask) -> Reader {
    let AssignedTask { reader, task, started } = work;
    let connection = reader.connection();
    let snapshot = match started {
        None => Ok(()),
        Some(started) => {
            let snapshot = begin_blocking(connection);
            started();
            snapshot
        }
    };
    task(snapshot.map(|()| connection));
    if !connection.is_autocommit() {
        // Ends a transaction that only read, so a failure loses nothing.
        drop(connection.prepare_cached(END).and_then(|mut end| end.execute([])));
    }
    reader
}

fn snapshot_now(reader: &Reader) -> Result<(), Error> {
    reader.check().and_then(|()| begin(reader.connection()))
}

/// Takes a snapshot, at once or not at all.
fn begin(connection: &Connection) -> Result<(), Error> {
    connection.prepare_cached(BEGIN)?.execute([])?;
    // Preparing may fail too, because it reads the schema.
    let taken = connection.prepare_cached(TAKE_SNAPSHOT).and_then(|mut first| first.query_row([], |_| Ok(())));
    if taken.is_err() && !connection.is_autocommit() {
        connection.prepare_cached(END)?.execute([])?;
    }
    Ok(taken?)
}

fn begin_blocking(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let begun = begin(connection);
    connection.busy_timeout(Duration::ZERO)?;
    begun
}

/// Texts that no user writes: user SQL must not find this package's `BEGIN` in the statement cache, unchecked.
const BEGIN: &str = "BEGIN /* snapshot */";
const END: &str = "ROLLBACK /* snapshot */";

/// The first read of a transaction takes its snapshot.
const TAKE_SNAPSHOT: &str = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema)";
