//! The checkpointer: a thread that copies what is in the write-ahead log into the database file.
//!
//! Whoever copies the file alone, by its name, gets what the last checkpoint has left in it. So a checkpoint follows soon
//! after each commit, whoever made it, and a log that is copied completely is emptied while nobody needs it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::pace::{Pace, Step};
use crate::Error;
use crate::engine::sqlite::connection::open_checkpointer;
use crate::engine::sqlite::file::DatabaseFile;
use crate::engine::sqlite::wal::commit_log::CommitLog;
use crate::engine::sqlite::wal::index_header::WalIndex;
use crate::engine::sqlite::wal::raw_file::RawFile;
use crate::engine::sqlite::wal::restart_log::RestartLog;
use crate::limits::CHECKPOINT_RETRY;
use crate::threads::{self, lock};

/// What the thread is told.
enum CheckpointRequest {
    /// Something was committed.
    Committed,
    /// To empty the log until a moment, and to say whether it is.
    Settle(Instant, Sender<bool>),
    /// To empty the log if others let it, and to end.
    End,
}

/// The means to tell the thread, for as long as it is to run.
#[derive(Debug)]
pub struct Checkpointer {
    requests: Mutex<Sender<CheckpointRequest>>,
    /// The thread waits for somebody to commit.
    is_idle: Arc<AtomicBool>,
}

impl Checkpointer {
    /// Starts the thread for a file; `None` if it has no write-ahead log.
    ///
    /// # Errors
    ///
    /// With SQLite's code, or `ERR_INTERNAL` if there is no thread to be had.
    pub fn start(
        file: &DatabaseFile,
        commit_log: Arc<CommitLog>,
        restarts: Arc<RestartLog>,
    ) -> Result<Option<(Self, JoinHandle<()>)>, Error> {
        let connection = open_checkpointer(file.path())?;
        let Some(wal_index) = WalIndex::of_log(&connection) else { return Ok(None) };
        let log = RawFile::log(&connection);
        let (requests, received) = mpsc::channel();
        let is_idle = Arc::new(AtomicBool::new(false));
        let (file, idle) = (file.clone(), Arc::clone(&is_idle));
        let mut running =
            RunningCheckpointer { connection, wal_index, commit_log, restarts, log, file, is_idle: idle };
        let thread = threads::spawn("checkpoint", move || running.run(&received))?;
        Ok(Some((Self { requests: Mutex::new(requests), is_idle }, thread)))
    }

    /// Something was committed.
    pub fn committed(&self) {
        if self.is_idle.swap(false, Ordering::AcqRel) {
            self.tell(CheckpointRequest::Committed);
        }
    }

    /// Begins to empty the log, and tries until `deadline`. The answer is whether it is empty.
    pub fn settle(&self, deadline: Instant) -> Receiver<bool> {
        let (ended, ends) = mpsc::channel();
        self.tell(CheckpointRequest::Settle(deadline, ended));
        ends
    }

    /// Has the thread empty the log, if others let it, and end.
    pub fn end(&self) {
        self.tell(CheckpointRequest::End);
    }

    fn tell(&self, request: CheckpointRequest) {
        // A thread that is gone has emptied the log, or could not.
        drop(lock(&self.requests).send(request));
    }
}

struct RunningCheckpointer {
    connection: Connection,
    wal_index: WalIndex,
    commit_log: Arc<CommitLog>,
    restarts: Arc<RestartLog>,
    log: Option<RawFile>,
    file: DatabaseFile,
    is_idle: Arc<AtomicBool>,
}

impl RunningCheckpointer {
    /// Works until it is told to end, or nobody can tell it anything any more.
    fn run(&mut self, requests: &Receiver<CheckpointRequest>) {
        let mut pace = Pace::new(Instant::now());
        loop {
            let step = pace.next(Instant::now(), self.wal_index.progress());
            let wait = match step {
                Step::Wait(wait) if pace.is_complete() => {
                    let is_told = !self.is_idle.swap(true, Ordering::AcqRel);
                    // Whoever has committed just before has told nobody.
                    if is_told { Duration::ZERO } else { wait }
                }
                Step::Wait(wait) => wait,
                Step::Copy => {
                    self.copy();
                    Duration::ZERO
                }
                Step::Empty => {
                    pace.emptied(Instant::now(), self.empty());
                    Duration::ZERO
                }
            };
            match requests.recv_timeout(wait) {
                Ok(CheckpointRequest::Settle(deadline, ended)) => {
                    // Nobody may wait any more.
                    let _ = ended.send(self.settle(deadline));
                }
                Ok(CheckpointRequest::Committed) | Err(RecvTimeoutError::Timeout) => {}
                Ok(CheckpointRequest::End) | Err(RecvTimeoutError::Disconnected) => {
                    self.settle(Instant::now());
                    return;
                }
            }
        }
    }

    fn settle(&self, deadline: Instant) -> bool {
        loop {
            let progress = self.wal_index.progress();
            if progress.frames > progress.copied {
                self.copy();
            }
            if self.empty() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(CHECKPOINT_RETRY);
        }
    }

    /// Copies what is not in the file yet, as far as no reader needs what it would overwrite. Keeps nobody waiting. What
    /// fails is tried again.
    fn copy(&self) {
        // The log of a file that was replaced belongs to the one that is gone.
        if self.file.check().is_ok() {
            drop(checkpoint(&self.connection, "PRAGMA wal_checkpoint(PASSIVE)"));
        }
    }

    /// Empties a log of which everything is in the file, unless somebody reads from it or writes to it. Returns whether it
    /// is empty.
    fn empty(&self) -> bool {
        let progress = self.wal_index.progress();
        if progress.frames == 0 {
            return true;
        }
        if progress.copied < progress.frames || self.file.check().is_err() {
            return false;
        }
        let restarting = self.commit_log.prepare_restart(self.wal_index);
        let ending = self.log.as_ref().and_then(|log| self.restarts.read(log, restarting.from()));
        let is_empty = checkpoint(&self.connection, "PRAGMA wal_checkpoint(TRUNCATE)").unwrap_or(false);
        if let Some((log, salts)) = ending.zip(restarting.end()) {
            self.restarts.ended(log, salts);
        }
        is_empty
    }
}

/// Whether a checkpoint could do all that it was asked for.
fn checkpoint(connection: &Connection, pragma: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached(pragma)?.query_row([], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}
