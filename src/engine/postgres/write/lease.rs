//! Leases: a transaction of the user has the writer's connection for itself.

use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_postgres::Client;

use super::ledger::Ledger;
use super::segment::{self, Done, answer_within, limit_idle, read_within, run_within, segment_length};
use crate::batch::{Batch, BatchOutcome, Command, SavepointAction, Stop};
use crate::engine::postgres::failure::{ServerFailure, may_concern_one_row};
use crate::engine::postgres::guard;
use crate::engine::postgres::net::{Link, Session};
use crate::engine::postgres::query::{self, Queried};
use crate::error::{PostgresProblem, SqlError};
use crate::kv::Address;
use crate::limits::LEASE_IDLE_MARGIN;
use crate::reads::{KeyQuery, Values};
use crate::sql::CancelReason;
use crate::{Error, Reply};

/// Request of the holder of a lease.
pub enum TransactionRequest {
    /// Runs commands, up to the first that fails.
    Batch(Batch, Reply<BatchOutcome>),
    /// Reads keys.
    Values(Vec<Address>, Reply<Values>),
    /// Reads many keys. The function gets every slice but the last.
    Keys(KeyQuery, Box<dyn FnMut(String) + Send>, Reply<String>),
    /// Runs a statement with parameters as text.
    Query(String, Vec<Option<String>>, Reply<Queried>),
    /// Begins or ends the nested transaction of a depth.
    Savepoint(SavepointAction, u32, Reply<()>),
    /// Sets the maximum idle time from now on.
    Limit(Duration),
    /// Ends the lease: `true` commits.
    End(bool, Reply<()>),
}

/// A request for a lease.
pub struct TransactionLease {
    /// Its maximum idle time.
    pub idle_limit: Duration,
    /// Ends it at once. If the other end is dropped, nobody holds it.
    pub aborted: oneshot::Receiver<CancelReason>,
    /// Answered when it begins, with the sender of its requests.
    pub started: Reply<UnboundedSender<TransactionRequest>>,
    /// Answered when it ends.
    pub ended: Reply<()>,
}

/// End of a lease.
pub enum TransactionEnd {
    /// It is to be committed.
    Commit(Reply<()>),
    /// It is to be rolled back.
    RollBack(Option<Reply<()>>),
    /// It was rolled back by itself.
    Failed(Error),
}

/// Takes from the connection what a statement of the user may have left to it: cursors, settings, roles, temporary tables, and
/// locks that are no transaction's.
const LEAVE_NOTHING: &str = "CLOSE ALL; RESET ALL; RESET SESSION AUTHORIZATION; RESET ROLE; DISCARD TEMP; \
    SELECT pg_advisory_unlock_all()";

/// A transaction that has begun.
pub struct RunningTransaction {
    pub client: Rc<Session>,
    pub link: Rc<Link>,
    /// A statement of the user has run in it.
    pub has_queried: bool,
    /// The last epoch of its holder in which a batch ended early.
    pub ended_epoch: Option<u32>,
}

/// Begins a transaction of the user, in which no statement waits for a lock for longer than `lock_wait`.
pub async fn begin(client: &Session, idle_limit: Duration, lock_wait: Duration) -> Result<(), ServerFailure> {
    segment::begin(client, ended_by_server(idle_limit), lock_wait).await
}

/// The time after which the server ends a transaction that this process lets be idle for so long: its machine is gone.
fn ended_by_server(idle_limit: Duration) -> Duration {
    idle_limit.saturating_add(LEASE_IDLE_MARGIN)
}

/// A channel for the requests of a lease.
pub fn channel() -> (UnboundedSender<TransactionRequest>, UnboundedReceiver<TransactionRequest>) {
    unbounded_channel()
}

impl RunningTransaction {
    /// Serves requests until the lease ends.
    pub async fn serve(
        &mut self,
        requests: &mut UnboundedReceiver<TransactionRequest>,
        idle_limit: Duration,
        aborted: &mut oneshot::Receiver<CancelReason>,
    ) -> TransactionEnd {
        let mut idle_limit = idle_limit;
        loop {
            let request = tokio::select! {
                biased;
                reason = &mut *aborted => return TransactionEnd::Failed(cancelled(reason.unwrap_or(CancelReason::Aborted))),
                request = requests.recv() => request,
                () = tokio::time::sleep(idle_limit) => {
                    return TransactionEnd::Failed(SqlError::TransactionTimeout.into());
                }
            };
            match request {
                None => return TransactionEnd::RollBack(None),
                Some(TransactionRequest::Limit(limit)) => {
                    idle_limit = limit;
                    // Sent, and not waited for.
                    drop(self.client.batch_execute(&limit_idle(ended_by_server(limit))).now_or_never());
                }
                Some(TransactionRequest::End(true, reply)) => return TransactionEnd::Commit(reply),
                Some(TransactionRequest::End(false, reply)) => return TransactionEnd::RollBack(Some(reply)),
                Some(request) => {
                    let link = Rc::clone(&self.link);
                    let mut run = std::pin::pin!(self.run(request));
                    let lost = tokio::select! {
                        biased;
                        lost = &mut run => lost,
                        reason = &mut *aborted => {
                            // The running statement learns of it as the connection ends.
                            link.drop_client();
                            run.await;
                            return TransactionEnd::Failed(cancelled(reason.unwrap_or(CancelReason::Aborted)));
                        }
                    };
                    if let Some(error) = lost {
                        link.drop_client();
                        return TransactionEnd::Failed(error);
                    }
                }
            }
        }
    }

    /// Takes from the connection what the statements of the user have left to it. That is sent, and not waited for: what comes
    /// behind it is carried out after it.
    pub fn leave_nothing(&self) {
        if self.has_queried {
            drop(self.client.batch_execute(LEAVE_NOTHING).now_or_never());
        }
    }

    /// Runs a request. Returns the error of the transaction if that is lost.
    async fn run(&mut self, request: TransactionRequest) -> Option<Error> {
        match request {
            TransactionRequest::Batch(batch, reply) => {
                let (outcome, lost) = self.batch(&batch).await;
                reply.send(Ok(outcome));
                lost.then(transaction_lost)
            }
            TransactionRequest::Values(addresses, reply) => {
                let values = self.undoing(read_within(&self.client, &addresses)).await;
                answer(reply, values)
            }
            TransactionRequest::Keys(query, mut send, reply) => {
                let clocks = self.link.network().clocks();
                let read = self.undoing(answer_within(&self.client, &query, clocks)).await;
                let read = read.map(|(slices, last)| {
                    slices.into_iter().for_each(&mut send);
                    last
                });
                answer(reply, read)
            }
            TransactionRequest::Query(text, parameters, reply) => {
                if let Err(error) = guard::check(&text) {
                    reply.send(Err(error));
                    return None;
                }
                self.has_queried = true;
                let queried = self.undoing(query::run(&self.client, &text, parameters)).await;
                answer(reply, queried)
            }
            TransactionRequest::Savepoint(action, depth, reply) => {
                let name = format!("nested_{depth}");
                let sql = match action {
                    SavepointAction::Begin => format!("SAVEPOINT {name}"),
                    SavepointAction::Release => format!("RELEASE {name}"),
                    SavepointAction::Rollback => format!("ROLLBACK TO {name}; RELEASE {name}"),
                };
                answer(reply, self.client.batch_execute(&sql).await.map_err(ServerFailure::from))
            }
            TransactionRequest::Limit(_) | TransactionRequest::End(..) => None,
        }
    }

    /// Does something that is undone if it fails, and leaves the transaction as it was.
    async fn undoing<T>(&self, work: impl Future<Output = Result<T, ServerFailure>>) -> Result<T, ServerFailure> {
        let (begun, done) = tokio::join!(self.client.batch_execute("SAVEPOINT one"), work);
        begun.map_err(|error| ended_or(error.into()))?;
        let end = if done.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
        match &done {
            Err(failure) if failure.ends_connection() => {}
            // What has ended the transaction has ended its savepoint.
            _ => self.client.batch_execute(end).await.map_err(|error| ended_or(error.into()))?,
        }
        done
    }

    async fn batch(&mut self, batch: &Batch) -> (BatchOutcome, bool) {
        if batch.origin.is_some_and(|origin| self.ended_epoch == Some(origin.epoch)) {
            return (BatchOutcome::stopped(Stop::Deferred), false);
        }
        let commands: Vec<&Command> = batch.commands.iter().collect();
        let clocks = self.link.network().clocks();
        let mut done = Done::default();
        let mut limit = usize::MAX;
        let mut lost = false;
        while done.count < commands.len() && done.stop.is_none() {
            let rest = &commands[done.count..];
            let length = segment_length(rest).min(limit);
            match self.undoing(run_within(&self.client, &rest[..length], clocks)).await {
                Ok(part) => {
                    done.count += part.count;
                    done.outcomes.extend(part.outcomes);
                    done.stop = part.stop;
                }
                Err(ServerFailure::Refused(error)) if !may_concern_one_row(&error) => {
                    done.stop = Some(Stop::Transaction(error));
                }
                Err(ServerFailure::Refused(_)) if length > 1 => limit = length / 2,
                Err(ServerFailure::Refused(error)) => done.stop = Some(Stop::Command(error)),
                // In a deadlock, too: tried again within the transaction, it would be in the same way.
                Err(_) => {
                    lost = true;
                    done.stop = Some(Stop::Transaction(transaction_lost()));
                }
            }
        }
        if done.stop.is_some() {
            self.ended_epoch = batch.origin.map(|origin| origin.epoch).or(self.ended_epoch);
        }
        let Done { count, outcomes, stop } = done;
        (BatchOutcome { committed: count, statements: Vec::new(), keys: outcomes, stopped: stop }, lost)
    }
}

/// Does before the ledger's entry what might wait for rows in the commit, and takes back limits that a statement of the user has
/// set: the entry may wait for the end of a delete.
fn prepare_commit(lock_wait: Duration) -> String {
    let wait_ms = lock_wait.as_millis();
    format!("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL lock_timeout = {wait_ms}; SET LOCAL statement_timeout = 0")
}

/// Commits, behind the ledger. The error is that of a commit whose answer is not known.
pub async fn commit(
    client: &Client,
    ledger: &Ledger,
    number: i64,
    lock_wait: Duration,
) -> Result<(), ServerFailure> {
    let entry = ledger.entry_alone(number);
    let prepare = prepare_commit(lock_wait);
    let (prepared, entered, committed) =
        tokio::join!(client.batch_execute(&prepare), entry.run(client), client.batch_execute("COMMIT"));
    prepared?;
    entered?;
    Ok(committed?)
}

/// Answers, and returns the error of the transaction if that is lost.
fn answer<T>(reply: Reply<T>, result: Result<T, ServerFailure>) -> Option<Error> {
    match result {
        Ok(answer) => {
            reply.send(Ok(answer));
            None
        }
        Err(ServerFailure::Refused(error)) => {
            let lost = has_ended(&error).then(|| error.clone());
            reply.send(Err(error));
            lost
        }
        // The server has undone the statement, as in a deadlock, and with it the transaction, or the connection is gone.
        Err(_) => {
            reply.send(Err(transaction_lost()));
            Some(transaction_lost())
        }
    }
}

/// The failure of a savepoint: that of a transaction which a statement has ended, if there is none any more.
fn ended_or(failure: ServerFailure) -> ServerFailure {
    const NO_TRANSACTION: &str = "25P01";
    const NO_SAVEPOINT: &str = "3B001";
    if !failure.has_state(NO_TRANSACTION) && !failure.has_state(NO_SAVEPOINT) {
        return failure;
    }
    let message = "a statement of tx.query has ended the transaction in which it ran; what was done before may have been \
                   written";
    ServerFailure::Refused(Error::postgres(PostgresProblem::OutcomeUnknown, None, message))
}

/// Returns `true` for the failure of a transaction that a statement has ended.
fn has_ended(error: &Error) -> bool {
    matches!(error.postgres_problem(), Some((PostgresProblem::OutcomeUnknown, _)))
}

fn cancelled(reason: CancelReason) -> Error {
    SqlError::Cancelled(reason).into()
}

/// The error of a transaction that the server, or the loss of the connection, has rolled back.
pub fn transaction_lost() -> Error {
    let message = "the transaction was rolled back, because the connection was lost or others were in its way; nothing of \
                   it was written, and it can be tried again";
    Error::postgres(PostgresProblem::TransactionLost, None, message)
}
