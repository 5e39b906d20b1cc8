//! The writer's thread, which owns the only writing connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use super::epoch::EndedEpochs;
use super::group_commit::{self, WriterCaches};
use super::lent::Lent;
use super::marking;
use super::purge::Purge;
use crate::batch::{Batch, BatchOutcome, ClientId, Command, Stop};
use crate::engine::sqlite::checkpoint::control::Control;
use crate::engine::sqlite::file::{DatabaseFile, FileAccess};
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::sql::session_state;
use crate::engine::sqlite::wal::commit_log::Recorder;
use crate::engine::sqlite::wal::file_mark::MarkKeeper;
use crate::limits::{GROUP_BYTES_MAX, GROUP_COMMANDS_MAX, REQUEST_SPIN};
use crate::{Error, Reply};

/// Request to the writer.
pub enum WriterRequest {
    /// Runs a batch.
    Batch(Batch, Reply<BatchOutcome>),
    /// Lends the connection to a function, between two transactions.
    Exclusive(Exclusive),
    /// Forgets a client, which sends nothing any more.
    Forget(ClientId),
}

/// A function that has the connection for itself.
pub type Exclusive = Box<dyn FnOnce(Lent) + Send>;

/// Spins for the next request without going to sleep: waking up takes longer than most clients need to send their
/// next batch.
fn spin_for_request(requests: &Receiver<WriterRequest>) -> Option<WriterRequest> {
    let since = Instant::now();
    while since.elapsed() < REQUEST_SPIN {
        if let Ok(request) = requests.try_recv() {
            return Some(request);
        }
        thread::yield_now();
    }
    None
}

/// The writer.
pub struct Writer {
    connection: UserConnection,
    recorder: Recorder,
    caches: WriterCaches,
    ended_epochs: EndedEpochs,
    file: DatabaseFile,
    control: Arc<Control>,
    marks: MarkKeeper,
    purge: Purge,
    /// Number of commands of a batch that go into one transaction: all, until a transaction fails as a whole. Then
    /// one, so that only commands that cannot succeed fail, and twice as many after each success.
    commands_at_once: usize,
}

impl Writer {
    /// A writer that has done nothing yet.
    pub fn new(connection: UserConnection, recorder: Recorder, file: DatabaseFile, control: Arc<Control>) -> Self {
        let marks =
            if file.access() == &FileAccess::Full { MarkKeeper::new(&connection) } else { MarkKeeper::idle() };
        Self {
            connection,
            marks,
            recorder,
            caches: WriterCaches::default(),
            ended_epochs: EndedEpochs::default(),
            file,
            control,
            purge: Purge::new(),
            commands_at_once: usize::MAX,
        }
    }

    /// Serves requests until every sender is gone, then closes the connection.
    pub fn run(mut self, requests: &Receiver<WriterRequest>) {
        loop {
            self.purge_if_due();
            match requests.recv_timeout(self.purge.next.saturating_duration_since(Instant::now())) {
                Ok(first) => {
                    let mut next = Some(first);
                    while let Some(request) = next {
                        next = self.answer(request, requests).or_else(|| spin_for_request(requests));
                        self.purge_if_due();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Removes expired rows from time to time.
    fn purge_if_due(&mut self) {
        if self.purge.is_due() {
            self.caches.clear();
            let Self { connection, file, marks, purge, .. } = self;
            // A panic is harmless, as a failure is.
            drop(catch_unwind(AssertUnwindSafe(|| purge.run(connection, file, marks))));
        }
    }

    /// Answers a request; a batch together with those that wait behind it. Returns a request that was received and
    /// not answered.
    fn answer(&mut self, request: WriterRequest, requests: &Receiver<WriterRequest>) -> Option<WriterRequest> {
        match request {
            WriterRequest::Batch(batch, reply) => {
                let (batches, next) = collect_group(batch, reply, requests);
                self.serve(batches);
                next
            }
            WriterRequest::Exclusive(work) => {
                if self.file.check().is_ok() {
                    marking::mark_if_due(&self.connection, &self.recorder, &mut self.marks);
                }
                let Self { connection, file, control, recorder, marks, purge, .. } = self;
                let lent = Lent { connection, file, control, recorder, marks, purge };
                if catch_unwind(AssertUnwindSafe(|| work(lent))).is_err() {
                    // If this fails, so does the next use of the connection, which reports it.
                    drop(session_state::reset(&self.connection));
                }
                self.caches.clear();
                None
            }
            WriterRequest::Forget(client) => {
                self.ended_epochs.remove(client);
                None
            }
        }
    }

    /// Runs batches in one transaction, and answers each.
    fn serve(&mut self, batches: Vec<(Batch, Reply<BatchOutcome>)>) {
        let commands: Vec<&Batch> = batches.iter().map(|(batch, _)| batch).collect();
        let Ok(outcomes) = catch_unwind(AssertUnwindSafe(|| self.outcomes(&commands))) else {
            return self.give_up(&commands);
        };
        self.control.before_reply();
        for ((batch, reply), outcome) in batches.into_iter().zip(outcomes) {
            if outcome.stopped.is_some() {
                self.ended_epochs.add(&batch);
            }
            reply.send(Ok(outcome));
        }
    }

    /// Cleans up after a panic outside a transaction. Dropped replies report an internal error.
    fn give_up(&mut self, batches: &[&Batch]) {
        self.caches.clear();
        for batch in batches {
            self.ended_epochs.add(batch);
        }
        if !self.connection.is_autocommit() {
            // If this fails, so does the next transaction, which reports it.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
    }

    fn outcomes(&mut self, batches: &[&Batch]) -> Vec<BatchOutcome> {
        // An earlier reset may have failed.
        if let Err(error) = self.file.check().and_then(|()| session_state::reset(&self.connection)) {
            return fail(batches, &error);
        }
        if self.commands_at_once > 1 {
            match self.commit(batches, self.commands_at_once) {
                Ok(outcomes) => {
                    self.commands_at_once = self.commands_at_once.saturating_mul(2);
                    return outcomes;
                }
                // Only the batch that caused a panic must fail.
                Err(error) if error.is_internal() => {
                    return match batches {
                        [_] => fail(batches, &error),
                        _ => batches.iter().flat_map(|batch| self.outcomes(&[batch])).collect(),
                    };
                }
                // The writer has waited for the lock already: another attempt would only wait as long again.
                Err(error) if error.is_busy() => return fail(batches, &error),
                Err(_) => self.commands_at_once = 1,
            }
        }
        self.commit_one_by_one(batches)
    }

    fn commit(&mut self, batches: &[&Batch], limit: usize) -> Result<Vec<BatchOutcome>, Error> {
        let Self { connection, file, control, recorder, marks, purge, caches, ended_epochs, .. } = self;
        // It has waited for the lock as long as the write would.
        marking::begin(connection, recorder, marks)?;
        let lent = Lent { connection, file, control, recorder, marks, purge };
        let committed = group_commit::commit(lent, caches, ended_epochs, batches, limit);
        committed.inspect_err(|_| self.marks.failed())
    }

    /// Commits the first command of each batch in a transaction of its own. After a group has failed as a whole,
    /// this separates the commands that cannot succeed from the others.
    fn commit_one_by_one(&mut self, batches: &[&Batch]) -> Vec<BatchOutcome> {
        let mut outcomes = Vec::with_capacity(batches.len());
        for (index, batch) in batches.iter().enumerate() {
            match self.commit(&[batch], 1) {
                Ok(outcome) => outcomes.extend(outcome),
                Err(error) if error.is_busy() => {
                    outcomes.extend(fail(&batches[index..], &error));
                    return outcomes;
                }
                Err(error) => {
                    self.ended_epochs.add(batch);
                    outcomes.push(BatchOutcome::stopped(Stop::Command(error)));
                }
            }
        }
        if outcomes.iter().any(|outcome| outcome.committed > 0) {
            self.commands_at_once = 2;
        }
        outcomes
    }
}

type Collected = (Vec<(Batch, Reply<BatchOutcome>)>, Option<WriterRequest>);

/// Takes waiting batches, up to the limits of a group. Returns a request of another kind that ends the group.
fn collect_group(first: Batch, reply: Reply<BatchOutcome>, requests: &Receiver<WriterRequest>) -> Collected {
    let mut batches = Vec::new();
    let (mut commands, mut bytes) = (0, 0);
    let mut next = Some(WriterRequest::Batch(first, reply));
    while let Some(WriterRequest::Batch(batch, reply)) = next {
        commands += batch.commands.len();
        bytes += batch.commands.iter().map(Command::size).sum::<usize>();
        batches.push((batch, reply));
        let full = commands >= GROUP_COMMANDS_MAX || bytes >= GROUP_BYTES_MAX;
        next = if full { None } else { requests.try_recv().ok() };
    }
    (batches, next)
}

fn fail(batches: &[&Batch], error: &Error) -> Vec<BatchOutcome> {
    batches.iter().map(|_| BatchOutcome::stopped(Stop::Transaction(error.clone()))).collect()
}
