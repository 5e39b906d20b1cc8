//! The writer: carries batches out in the order in which they come, one transaction after another.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio_postgres::Client;

use super::lease::{self, RunningTransaction, TransactionEnd, TransactionLease};
use super::ledger::{Ledger, has_epoch_ended};
use super::segment::{Done, HeldKeys, TransactionAttempt, Unfinished, hold, segment_length};
use crate::batch::{Batch, BatchOutcome, Command, Stop};
use crate::engine::postgres::failure::{ServerFailure, is_busy, may_concern_one_row, undone_if_busy};
use crate::engine::postgres::net::{Link, Network, Retry, Session};
use crate::error::PostgresProblem;
use crate::kv::{Address, KeyOutcome};
use crate::limits::{GROUP_BYTES_MAX, GROUP_COMMANDS_MAX, HOLD_MAX, LEDGER_WAIT, LOCK_WAIT_MARGIN};
use crate::reads::Values;
use crate::{Error, Reply, faults};

/// Request to the writer.
pub enum WriteRequest {
    /// Runs a batch.
    Batch(Batch, Reply<BatchOutcome>),
    /// Lends the connection to a transaction of the user.
    Lease(TransactionLease),
    /// Reads keys, and keeps others from changing them until the next batch, which is made of what was read; or for a
    /// while, if there is none.
    Hold(Vec<Address>, Reply<Values>),
}

/// The writer, which owns the only connection that writes.
pub struct ServerWriter {
    link: Rc<Link>,
    ledger: Ledger,
    /// The epoch of the ledger has ended, or is not known to go on.
    must_raise: bool,
    /// Locks of a transaction that was begun for the next batch.
    held: Option<HeldKeys>,
    /// The last epoch of the client in which a batch ended early.
    ended_epoch: Option<u32>,
    /// Number of commits, for those who look for them.
    committed: watch::Sender<u64>,
}

type WaitingBatch = (Batch, Reply<BatchOutcome>);

impl ServerWriter {
    /// A writer that is not connected yet.
    pub fn new(network: Rc<Network>, committed: watch::Sender<u64>) -> Self {
        let link = Rc::new(Link::new(network));
        Self { link, ledger: Ledger::new(), must_raise: true, held: None, ended_epoch: None, committed }
    }

    /// Its connection.
    pub fn link(&self) -> &Rc<Link> {
        &self.link
    }

    /// Serves requests until there are none any more.
    pub async fn serve(mut self, mut requests: UnboundedReceiver<WriteRequest>) {
        let mut next = requests.recv().await;
        while let Some(request) = next {
            next = match request {
                WriteRequest::Batch(batch, reply) if self.held.is_some() => {
                    self.run_group(vec![(batch, reply)]).await;
                    None
                }
                WriteRequest::Batch(batch, reply) => {
                    let (group, behind) = collect_group((batch, reply), &mut requests);
                    self.run_group(group).await;
                    behind
                }
                WriteRequest::Lease(lease) => {
                    self.let_go().await;
                    self.run_lease(lease).await;
                    None
                }
                WriteRequest::Hold(addresses, reply) => {
                    self.let_go().await;
                    reply.send(self.hold(&addresses).await);
                    None
                }
            };
            if next.is_none() && self.held.is_some() {
                match tokio::time::timeout(HOLD_MAX, requests.recv()).await {
                    Ok(request) => next = request,
                    Err(_) => self.let_go().await,
                }
            }
            if next.is_none() {
                next = requests.recv().await;
            }
        }
    }

    /// Begins a transaction that locks the rows of some keys, for the next batch.
    async fn hold(&mut self, addresses: &[Address]) -> Result<Values, Error> {
        let lock_wait = lock_wait_within(self.link.network().settings.timeout);
        let begin = async |client: &Session| {
            hold(client, addresses, lock_wait).await.map_err(|failure| or_locked(failure, lock_wait))
        };
        let (_, (held, values)) = self.begin(begin).await?;
        self.held = Some(held);
        Ok(values)
    }

    /// Ends the transaction that was begun for the next batch, if there is one.
    async fn let_go(&mut self) {
        if self.held.take().is_some()
            && let Some(client) = self.link.current()
        {
            self.roll_back(&client).await;
        }
    }

    async fn run_lease(&mut self, lease: TransactionLease) {
        let TransactionLease { idle_limit, mut aborted, started, ended } = lease;
        let lock_wait = lock_wait_within(self.link.network().settings.timeout);
        let begin = async |client: &Session| lease::begin(client, idle_limit, lock_wait).await;
        let client = match self.begin(begin).await {
            Ok((client, ())) => client,
            Err(error) => {
                started.send(Err(error));
                return ended.send(Ok(()));
            }
        };
        let (sender, mut requests) = lease::channel();
        started.send(Ok(sender));
        let link = Rc::clone(&self.link);
        let mut running =
            RunningTransaction { client: Rc::clone(&client), link, has_queried: false, ended_epoch: None };
        match running.serve(&mut requests, idle_limit, &mut aborted).await {
            TransactionEnd::Commit(reply) => {
                reply.send(self.commit_lease(&client).await);
                self.committed.send_modify(|commits| *commits += 1);
                ended.send(Ok(()));
            }
            TransactionEnd::RollBack(reply) => {
                self.roll_back(&client).await;
                if let Some(reply) = reply {
                    reply.send(Ok(()));
                }
                ended.send(Ok(()));
            }
            TransactionEnd::Failed(error) => {
                self.roll_back(&client).await;
                ended.send(Err(error));
            }
        }
        running.leave_nothing();
    }

    async fn roll_back(&self, client: &Client) {
        let rolled_back = tokio::time::timeout(LEDGER_WAIT, client.batch_execute("ROLLBACK")).await;
        if !matches!(rolled_back, Ok(Ok(()))) {
            self.link.drop_client();
        }
    }

    /// Begins a transaction, and does what it begins with, again until that succeeds, for as long as the settings say.
    async fn begin<T>(
        &mut self,
        work: impl AsyncFn(&Session) -> Result<T, ServerFailure>,
    ) -> Result<(Rc<Session>, T), Error> {
        let network = Rc::clone(self.link.network());
        let mut retry = Retry::within(network.settings.timeout);
        loop {
            let link = Rc::clone(&self.link);
            let left = retry.left();
            let attempt = async {
                let (client, _) = self.connect(left).await?;
                let begun = work(&client).await?;
                Ok((client, begun))
            };
            let failure = match link.within(left, attempt).await {
                Ok(begun) => return Ok(begun),
                Err(failure) => failure,
            };
            // A transaction that was begun, and then refused what it begins with, ends with its connection.
            self.link.drop_client();
            if let ServerFailure::Refused(error) = failure {
                return Err(error);
            }
            if !retry.pause(failure).await {
                return Err(network.gave_up(retry.told()));
            }
        }
    }

    /// Commits a transaction of the user. It cannot be tried again, only asked after.
    async fn commit_lease(&mut self, client: &Client) -> Result<(), Error> {
        let number = self.ledger.next();
        let network = Rc::clone(self.link.network());
        let link = Rc::clone(&self.link);
        let timeout = network.settings.timeout;
        match link.within(timeout, lease::commit(client, &self.ledger, number, lock_wait_within(timeout))).await {
            Ok(()) => return Ok(()),
            Err(ServerFailure::Lost) => self.link.drop_client(),
            Err(failure) => {
                self.roll_back(client).await;
                self.must_raise = true;
                let has_ended = has_epoch_ended(&failure);
                return Err(match failure {
                    ServerFailure::Refused(error) if !has_ended => error,
                    _ => lease::transaction_lost(),
                });
            }
        }
        let mut retry = Retry::within(network.settings.timeout);
        loop {
            let left = retry.left();
            match link.within(left, self.connect(left)).await {
                Ok((_, Some(last))) if last == number => return Ok(()),
                Ok((_, Some(_))) => return Err(lease::transaction_lost()),
                _ => self.link.drop_client(),
            }
            if !retry.pause(ServerFailure::Lost).await {
                return Err(outcome_unknown());
            }
        }
    }

    async fn run_group(&mut self, group: Vec<WaitingBatch>) {
        let mut batches = Vec::with_capacity(group.len());
        for (batch, reply) in group {
            if batch.origin.is_some_and(|origin| self.ended_epoch == Some(origin.epoch)) {
                reply.send(Ok(BatchOutcome::stopped(Stop::Deferred)));
            } else {
                batches.push((batch, reply));
            }
        }
        let commands: Vec<&Command> = batches.iter().flat_map(|(batch, _)| &batch.commands).collect();
        let (done, error) = self.run_all(&commands).await;
        self.committed.send_modify(|commits| *commits += 1);
        if let (true, Some(origin)) =
            (done.stop.is_some() || error.is_some(), batches.first().and_then(|(batch, _)| batch.origin))
        {
            self.ended_epoch = Some(origin.epoch);
        }
        let outcomes = divide(&batches, done, error.as_ref());
        for ((_, reply), outcome) in batches.into_iter().zip(outcomes) {
            reply.send(Ok(outcome));
        }
    }

    /// Carries out commands, up to the first that cannot be. An error concerns all the rest.
    async fn run_all(&mut self, commands: &[&Command]) -> (Done, Option<Error>) {
        let mut done = Done::default();
        let mut limit = usize::MAX;
        while done.count < commands.len() && done.stop.is_none() {
            let rest = &commands[done.count..];
            let mut length = segment_length(rest).min(limit);
            match self.held.as_ref().map(|held| held.reach(rest)) {
                Some(0) => self.let_go().await,
                reach => length = length.min(reach.unwrap_or(length)),
            }
            match self.transact(&rest[..length]).await {
                Ok(part) => {
                    done.count += part.count;
                    done.outcomes.extend(part.outcomes);
                    done.stop = part.stop;
                }
                // One of several is to blame: fewer at a time tell which.
                Err(error) if length > 1 && may_concern_one_row(&error) => limit = length / 2,
                Err(error) if may_concern_one_row(&error) => done.stop = Some(Stop::Command(error)),
                Err(error) => return (done, Some(error)),
            }
        }
        (done, None)
    }

    /// Carries out one transaction, exactly once.
    async fn transact(&mut self, commands: &[&Command]) -> Result<Done, Error> {
        let number = self.ledger.next();
        let network = Rc::clone(self.link.network());
        let mut retry = Retry::within(network.settings.timeout);
        let mut unknown = None;
        loop {
            let link = Rc::clone(&self.link);
            let left = retry.left();
            let failure = {
                let attempt = self.attempt(number, commands, &mut unknown, left);
                match link.within(left, attempt).await {
                    Ok(done) => return Ok(done),
                    Err(failure) => failure,
                }
            };
            if failure.ends_connection() {
                self.link.drop_client();
            }
            if let ServerFailure::Refused(error) = &failure {
                let error = error.clone();
                return Err(if unknown.is_some() { outcome_unknown() } else { error });
            }
            if !retry.pause(failure).await {
                break;
            }
        }
        let Some(done) = unknown else { return Err(network.gave_up(retry.told())) };
        match tokio::time::timeout(LEDGER_WAIT, self.connect(LEDGER_WAIT)).await {
            Ok(Ok((_, Some(last)))) if last == number => Ok(done),
            Ok(Ok((_, Some(_)))) => Err(network.gave_up(&ServerFailure::Lost)),
            _ => {
                self.link.drop_client();
                Err(outcome_unknown())
            }
        }
    }

    async fn attempt(
        &mut self,
        number: i64,
        commands: &[&Command],
        unknown: &mut Option<Done>,
        limit: Duration,
    ) -> Result<Done, ServerFailure> {
        let (client, last) = self.connect(limit).await?;
        if let Some(done) = unknown.take_if(|_| last.is_some())
            && last == Some(number)
            && !faults::retries_blindly()
        {
            return Ok(done);
        }
        let clocks = self.link.network().clocks();
        let lock_wait = lock_wait_within(limit);
        // A new connection holds nothing.
        let held = self.held.take().filter(|_| last.is_none());
        let attempt = TransactionAttempt { client: &client, ledger: &self.ledger, number, clocks, lock_wait, held };
        match attempt.run(commands).await {
            Ok(done) => Ok(done),
            Err(Unfinished::Undone(failure)) => Err(or_locked(failure, lock_wait)),
            Err(Unfinished::Unknown(done)) => {
                *unknown = Some(done);
                Err(ServerFailure::Lost)
            }
            Err(Unfinished::EpochEnded) => {
                self.must_raise = true;
                Err(ServerFailure::Undone)
            }
        }
    }

    /// The connection; and the number of the last transaction that was carried out, if it had to be asked for.
    async fn connect(&mut self, limit: Duration) -> Result<(Rc<Session>, Option<i64>), ServerFailure> {
        let (client, is_new) = self.link.client(limit).await?;
        self.must_raise |= is_new;
        if !self.must_raise {
            return Ok((client, None));
        }
        let last = self.ledger.raise(&client).await.map_err(or_again)?;
        self.must_raise = false;
        Ok((client, Some(last)))
    }
}

/// The batches that wait, as far as they go together; and what waits behind them, if it is something else.
fn collect_group(
    first: WaitingBatch,
    requests: &mut UnboundedReceiver<WriteRequest>,
) -> (Vec<WaitingBatch>, Option<WriteRequest>) {
    let size = |batch: &Batch| batch.commands.iter().map(Command::size).sum::<usize>();
    let (mut commands, mut bytes) = (first.0.commands.len(), size(&first.0));
    let mut group = vec![first];
    while commands < GROUP_COMMANDS_MAX && bytes < GROUP_BYTES_MAX {
        match requests.try_recv() {
            Ok(WriteRequest::Batch(batch, reply)) => {
                commands += batch.commands.len();
                bytes += size(&batch);
                group.push((batch, reply));
            }
            Ok(other) => return (group, Some(other)),
            Err(_) => break,
        }
    }
    (group, None)
}

/// The longest wait for a lock in an attempt of so long, at whose end the connection is dropped: a server that waits for a lock
/// then would go on, and write what was given up.
fn lock_wait_within(limit: Duration) -> Duration {
    limit.saturating_sub((limit / 4).min(LOCK_WAIT_MARGIN)).max(Duration::from_millis(1))
}

/// A failure, told in other words if others held a lock.
fn or_locked(failure: ServerFailure, lock_wait: Duration) -> ServerFailure {
    if !is_busy(&failure) {
        return failure;
    }
    let message = format!(
        "a transaction of others has kept a row that this depends on locked for {} s (SQLSTATE 55P03); nothing was changed",
        lock_wait.as_secs_f64()
    );
    Error::postgres(PostgresProblem::Refused("55P03".to_owned()), None, message).into()
}

/// A failure to raise the epoch; what a limit of the role's has ended is tried again: it waited for a transaction of this writer
/// that is still under way, perhaps for its standby.
fn or_again(failure: ServerFailure) -> ServerFailure {
    if failure.has_state("57014") { ServerFailure::Undone } else { undone_if_busy(failure) }
}

fn outcome_unknown() -> Error {
    let message = "the connection was lost while this was written, and the server could not be asked whether it was \
                   carried out; read what is there before you write it again";
    Error::postgres(PostgresProblem::OutcomeUnknown, None, message)
}

/// Divides an outcome among the batches.
fn divide(batches: &[WaitingBatch], done: Done, error: Option<&Error>) -> Vec<BatchOutcome> {
    let Done { count, outcomes, stop } = done;
    let (mut left, mut outcomes, mut stop) = (count, outcomes.into_iter(), stop);
    batches
        .iter()
        .map(|(batch, _)| {
            let committed = left.min(batch.commands.len());
            left -= committed;
            let keys: Vec<KeyOutcome> = batch.commands[..committed]
                .iter()
                .filter(|command| tells(command))
                .filter_map(|_| outcomes.next())
                .collect();
            let stopped = (committed < batch.commands.len()).then(|| match error {
                Some(error) => Stop::Transaction(error.clone()),
                None => stop.take().unwrap_or(Stop::Deferred),
            });
            BatchOutcome { committed, statements: Vec::new(), keys, stopped }
        })
        .collect()
}

fn tells(command: &Command) -> bool {
    match command {
        Command::Increment(_)
        | Command::SetIfAbsent(_)
        | Command::GetAndDelete(_)
        | Command::Expire { .. }
        | Command::DeleteRange { .. } => true,
        Command::Set(_)
        | Command::SetMany(_)
        | Command::Swap(_)
        | Command::SwapMany(_)
        | Command::Delete(_)
        | Command::DeleteLike { .. }
        | Command::Sql(_) => false,
    }
}
