//! Readers beside the writer, each with a thread: snapshots are taken in the order of the calls, rows are read later.

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
use super::sql::Guarded;
use crate::Error;
use crate::limits::{BUSY_TIMEOUT, READERS_MAX};
use crate::threads::{self, lock};

/// What is done with a snapshot, or without one when none could be had.
pub type Task = Box<dyn FnOnce(Result<&Guarded, Error>) + Send>;

/// Called when a snapshot is taken later than it was asked for.
pub type Started = Box<dyn FnOnce() + Send>;

/// A task that has to wait for a reader.
struct Job {
    task: Task,
    started: Started,
}

/// A task with the reader that will do it.
struct Work {
    reader: Reader,
    task: Task,
    /// There if the snapshot has still to be taken.
    started: Option<Started>,
}

/// Readers and as many threads. Each is started when it is first needed.
pub struct ReaderPool {
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
    /// Threads that read for one user as slowly as that user likes.
    slow_threads: Vec<JoinHandle<()>>,
    /// Jobs that found every reader busy, oldest first.
    waiting: VecDeque<Job>,
}

impl ReaderPool {
    pub fn new(file: DatabaseFile) -> Self {
        let (queue, work) = mpsc::channel();
        Self { shared: Arc::new(Shared { file, state: Mutex::default(), work: Mutex::new(work) }), queue }
    }

    /// Gives a task a snapshot: at once if a reader is free, otherwise later, which `started` reports. Returns whether
    /// it was at once. A task that gets none at all is told so, at once.
    pub fn submit(&self, task: Task, started: Started) -> bool {
        let reader = match self.take_reader() {
            Ok(Some(reader)) => reader,
            Ok(None) => {
                lock(&self.shared.state).waiting.push_back(Job { task, started });
                return false;
            }
            Err(error) => {
                task(Err(error));
                return true;
            }
        };
        let started = match snapshot_now(&reader) {
            Ok(()) => None,
            Err(error) if error.is_busy() => Some(started),
            Err(error) => {
                lock(&self.shared.state).idle.push(reader);
                task(Err(error));
                return true;
            }
        };
        let has_snapshot = started.is_none();
        // The threads live as long as this queue.
        drop(self.queue.send(Work { reader, task, started }));
        has_snapshot
    }

    /// Gives a task a snapshot, if a reader is free and no lock is held; else does nothing. Returns whether it did.
    pub fn submit_now(&self, task: impl FnOnce() -> Task) -> bool {
        let Ok(Some(reader)) = self.take_reader() else { return false };
        if snapshot_now(&reader).is_err() {
            lock(&self.shared.state).idle.push(reader);
            return false;
        }
        drop(self.queue.send(Work { reader, task: task(), started: None }));
        true
    }

    /// Gives a task a snapshot on a thread of its own, for as long as it takes. As [`ReaderPool::submit`].
    pub fn submit_slow(&self, task: Task, started: Started) -> bool {
        let mut has_snapshot = false;
        let reader = Reader::open(&self.shared.file).and_then(|reader| match snapshot_now(&reader) {
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
        // If there is no thread to be had, the task is dropped, and with it what it would have answered.
        let Ok(thread) = threads::spawn("cursor", move || drop(perform(Work { reader, task, started }))) else {
            return true;
        };
        let mut state = lock(&self.shared.state);
        state.slow_threads.retain(|thread| !thread.is_finished());
        state.slow_threads.push(thread);
        has_snapshot
    }

    /// Finishes every task that was submitted, then joins the threads and closes the readers.
    pub fn close(self) {
        let Self { shared, queue } = self;
        drop(queue);
        let mut state = lock(&shared.state);
        let threads: Vec<_> = state.threads.drain(..).collect();
        let slow_threads: Vec<_> = state.slow_threads.drain(..).collect();
        drop(state);
        for thread in threads.into_iter().chain(slow_threads) {
            drop(thread.join());
        }
    }

    /// An idle reader, or a new one if there may be more.
    fn take_reader(&self) -> Result<Option<Reader>, Error> {
        let mut state = lock(&self.shared.state);
        if let Some(reader) = state.idle.pop() {
            return Ok(Some(reader));
        }
        if state.readers >= READERS_MAX {
            return Ok(None);
        }
        let reader = Reader::open(&self.shared.file)?;
        if state.threads.len() < READERS_MAX {
            let shared = Arc::clone(&self.shared);
            state.threads.push(threads::spawn("reader", move || serve(&shared))?);
        }
        state.readers += 1;
        Ok(Some(reader))
    }
}

impl fmt::Debug for ReaderPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderPool").finish_non_exhaustive()
    }
}

/// A reader thread: works until the pool is closed and nothing is left to do.
fn serve(shared: &Shared) {
    loop {
        let next = lock(&shared.work).recv();
        let Ok(mut work) = next else { return };
        loop {
            // A panic drops the task, whose replies then report an internal error, and with it the reader.
            let performed = catch_unwind(AssertUnwindSafe(|| perform(work)));
            let Ok(reader) = performed.or_else(|_| Reader::open(&shared.file)) else {
                fail_waiting(shared);
                break;
            };
            let mut state = lock(&shared.state);
            let Some(Job { task, started }) = state.waiting.pop_front() else {
                state.idle.push(reader);
                break;
            };
            work = Work { reader, task, started: Some(started) };
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

fn perform(work: Work) -> Reader {
    let Work { reader, task, started } = work;
    let connection = reader.connection();
    let snapshot = match started {
        None => Ok(()),
        Some(started) => {
            let snapshot = begin_patiently(connection);
            started();
            snapshot
        }
    };
    task(snapshot.map(|()| connection));
    if !connection.is_autocommit() {
        // Ends a transaction that only read: there is nothing to lose.
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
    // Preparing may fail too: it reads the schema.
    let taken = connection.prepare_cached(TAKE_SNAPSHOT).and_then(|mut first| first.query_row([], |_| Ok(())));
    if taken.is_err() && !connection.is_autocommit() {
        connection.prepare_cached(END)?.execute([])?;
    }
    Ok(taken?)
}

fn begin_patiently(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let begun = begin(connection);
    connection.busy_timeout(Duration::ZERO)?;
    begun
}

/// Kept compiled under texts that no user writes, whose own `BEGIN` has to be looked at.
const BEGIN: &str = "BEGIN /* snapshot */";
const END: &str = "ROLLBACK /* snapshot */";

/// The first read of a transaction is what takes its snapshot.
const TAKE_SNAPSHOT: &str = "SELECT EXISTS (SELECT 1 FROM __rootapp_kv)";
