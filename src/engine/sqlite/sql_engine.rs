//! What the engine does in SQL.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};

use super::pool::Task;
use super::sql::{self, CursorReply, Lease, Mode, OpenCursor, Read};
use super::writer::Request;
use super::{Engine, Reader};
use crate::kv::{BatchOutcome, Stop};
use crate::limits::READERS_MAX;
use crate::sql::{Job, Slice, Statement};
use crate::threads::lock;
use crate::{Error, Reply};

impl Reader {
    /// Reads in SQL on this thread, without waiting, if that takes next to no time and gives few rows. `file_seen` says
    /// that the file was just seen to be in its place.
    ///
    /// # Errors
    ///
    /// Any: it is then to be read by [`Engine::read`], which tells whether there is something wrong.
    pub fn read_now(&self, statement: &Statement, file_seen: bool) -> Result<Slice, Error> {
        if file_seen {
            self.check_header()?;
        } else {
            self.check()?;
        }
        sql::read_now(self.connection(), statement)
    }
}

impl Engine {
    /// Queues work that cannot share a transaction with other work, behind what was submitted before.
    pub fn submit_alone(&self, job: Job, reply: Reply<BatchOutcome>) {
        self.exclusively(move |connection, file| {
            let result = file.check().and_then(|()| sql::run_alone(connection, &job));
            reply.send(Ok(match result {
                Ok(statements) => BatchOutcome { committed: 1, statements, stopped: None },
                Err(error) => BatchOutcome::stopped(Stop::Command(error)),
            }));
        });
    }

    /// Hands the writing connection over, behind what was submitted before, until the lease ends.
    pub fn lease(&self, lease: Lease) {
        self.exclusively(move |connection, file| sql::serve_lease(connection, file, lease));
    }

    /// Starts reads, all of one moment, on the reader threads that are free.
    ///
    /// Their snapshot is taken before the call returns if a reader is free; otherwise later, which `started` reports.
    /// Returns whether it was taken.
    pub fn read(&self, reads: Vec<Read>, started: impl FnOnce() + Send + 'static) -> bool {
        let helpers = reads.len().min(READERS_MAX) - 1;
        let reads = Arc::new(Mutex::new(VecDeque::from(reads)));
        let is_at_once = self.readers.submit(read_all(&reads), Box::new(started));
        if is_at_once {
            // Each reader takes the next read that is left, so that none waits behind a slow one in vain.
            for _ in 0..helpers {
                if !self.readers.submit_now(|| read_all(&reads)) {
                    break;
                }
            }
        }
        is_at_once
    }

    /// Opens a cursor on a snapshot of its own, on a thread of its own. Returns the means to ask it for slices, and
    /// whether its snapshot is taken; if not, `started` will tell. It is closed when the sender is dropped.
    pub fn open_cursor(
        &self,
        open: OpenCursor,
        started: impl FnOnce() + Send + 'static,
    ) -> (Sender<CursorReply>, bool) {
        let (requests, received) = mpsc::channel::<CursorReply>();
        let task: Task = Box::new(move |snapshot| match snapshot {
            Ok(connection) => sql::serve_cursor(connection, open, &received),
            Err(error) => {
                // The request for the first slice is made after this, where there was no snapshot to be had at once.
                drop(crate::threads::spawn("cursor", move || {
                    if let Ok(reply) = received.recv() {
                        reply.send(Err(error));
                    }
                }));
            }
        });
        let is_at_once = self.readers.submit_slow(task, Box::new(started));
        (requests, is_at_once)
    }

    fn exclusively(&self, work: impl FnOnce(&sql::Guarded, &super::file::DatabaseFile) + Send + 'static) {
        // If the writer is gone, the work is dropped here, and with it its reply answers.
        drop(self.requests.send(Request::Exclusive(Box::new(work))));
    }
}

fn read_all(reads: &Arc<Mutex<VecDeque<Read>>>) -> Task {
    let reads = Arc::clone(reads);
    Box::new(move |snapshot| {
        loop {
            let next = lock(&reads).pop_front();
            let Some(read) = next else { return };
            read.run(snapshot.as_ref().map(|connection| *connection), Mode::Reader);
        }
    })
}
