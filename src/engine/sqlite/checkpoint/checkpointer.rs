//! Checkpointer: a thread that copies the write-ahead log into the database file.
//!
//! A host that copies only the database file gets the state of the last checkpoint. So a checkpoint follows soon after each
//! commit of any process, and a log that was copied completely is emptied while nobody needs it.

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
use crate::engine::sqlite::wal::restart_log::RestartLogs;
use crate::limits::{CHECKPOINT_LOOK, CHECKPOINT_RETRY, LOOK_BESIDE_WATCH};
use crate::threads::{self, lock};

/// Message to the thread.
enum CheckpointRequest {
    /// A commit was made.
    Committed,
    /// Empty the log by a deadline, and answer whether it is empty.
    Settle(Instant, Sender<bool>),
    /// Empty the log unless others use it, and end.
    End,
}

/// Handle of the thread, which ends when the handle is dropped.
#[derive(Debug)]
pub struct Checkpointer {
    requests: Mutex<Sender<CheckpointRequest>>,
    /// True while the thread sleeps until the next commit.
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
        restarts: RestartLogs,
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

    /// Tells the thread that a commit was made.
    pub fn committed(&self) {
        if self.is_idle.swap(false, Ordering::AcqRel) {
            self.tell(CheckpointRequest::Committed);
        }
    }

    /// Starts emptying the log, with retries until `deadline`. The receiver gets whether it is empty.
    pub fn settle(&self, deadline: Instant) -> Receiver<bool> {
        let (ended, ends) = mpsc::channel();
        self.tell(CheckpointRequest::Settle(deadline, ended));
        ends
    }

    /// Empties the log, unless others use it, and ends the thread.
    pub fn end(&self) {
        self.tell(CheckpointRequest::End);
    }

    fn tell(&self, request: CheckpointRequest) {
        // A thread that has ended has emptied the log, or could not.
        drop(lock(&self.requests).send(request));
    }
}

struct RunningCheckpointer {
    connection: Connection,
    wal_index: WalIndex,
    commit_log: Arc<CommitLog>,
    restarts: RestartLogs,
    log: Option<RawFile>,
    file: DatabaseFile,
    is_idle: Arc<AtomicBool>,
}

impl RunningCheckpointer {
    /// Serves requests until `End`, or until the handle is dropped.
    fn run(&mut self, requests: &Receiver<CheckpointRequest>) {
        let mut pace = Pace::new(Instant::now());
        loop {
            let is_told = self.restarts.look.is_taken();
            let step = pace.next(Instant::now(), self.wal_index.progress());
            let wait = match step {
                Step::Wait(wait) if pace.is_complete() => {
                    let was_idle = self.is_idle.swap(true, Ordering::AcqRel);
                    match wait {
                        // A commit just before this did not wake the thread: look once more.
                        _ if !was_idle => Duration::ZERO,
                        CHECKPOINT_LOOK if is_told => LOOK_BESIDE_WATCH,
                        wait => wait,
                    }
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
                    // The receiver may be gone.
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

    /// Copies new frames into the file, as far as readers allow. Blocks nobody; a failure is retried later.
    fn copy(&self) {
        // The log of a file that was replaced belongs to the one that is gone.
        if self.file.check().is_ok() {
            drop(checkpoint(&self.connection, "PRAGMA wal_checkpoint(PASSIVE)"));
        }
    }

    /// Empties a completely copied log, unless it is being read or written. Returns whether it is empty.
    fn empty(&self) -> bool {
        let progress = self.wal_index.progress();
        if progress.frames == 0 {
            return true;
        }
        if progress.copied < progress.frames || self.file.check().is_err() {
            return false;
        }
        let restarting = self.commit_log.prepare_restart(self.wal_index);
        let ending = self.log.as_ref().map(|log| self.restarts.read(log, restarting.from()));
        let is_empty = checkpoint(&self.connection, "PRAGMA wal_checkpoint(TRUNCATE)").unwrap_or(false);
        if let Some((log, salts)) = ending.zip(restarting.end()) {
            self.restarts.ended(log, salts);
        }
        is_empty
    }
}

/// Runs a checkpoint. Returns whether it was complete.
fn checkpoint(connection: &Connection, pragma: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached(pragma)?.query_row([], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}
