//! One transaction of the writer: some commands, of which it carries out all up to the first that cannot be.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use tokio_postgres::Client;

use super::ledger::{Ledger, has_epoch_ended, keep_commits_out};
use super::state::{Changes, FoldedKeys, LockedKeys, Needs};
use super::statements::{found, lock_keys, lock_some, made, read_rows, run_some, write};
use crate::Error;
use crate::batch::{Command, Stop};
use crate::clock::now_ms;
use crate::engine::postgres::failure::{ServerFailure, undone_if_busy};
use crate::engine::postgres::net::Session;
use crate::engine::postgres::read::{RowLock, answer_query};
use crate::engine::postgres::sql::Sql;
use crate::engine::postgres::table::{in_range, matching};
use crate::engine::postgres::time::{Clocks, PgTime};
use crate::error::PostgresProblem;
use crate::kv::{Address, KeyOutcome, KeyRange};
use crate::limits::{OWN_TRANSACTION_IDLE_MAX, STATEMENT_BYTES_MAX};
use crate::reads::{KeyQuery, Select, Stored, Values, ValuesQuery};

/// Outcome of a segment's commands.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Number of those that were carried out.
    pub count: usize,
    /// Results of those that have one.
    pub outcomes: Vec<KeyOutcome>,
    /// Reason why the next was not carried out.
    pub stop: Option<Stop>,
}

/// Failure of an attempt.
#[derive(Debug)]
pub enum Unfinished {
    /// Nothing was done, for another reason than the commands.
    Undone(ServerFailure),
    /// It was sent to be committed, and the answer is not known.
    Unknown(Done),
    /// The epoch has ended.
    EpochEnded,
}

impl From<ServerFailure> for Unfinished {
    fn from(failure: ServerFailure) -> Self {
        Self::Undone(failure)
    }
}

/// One attempt at a transaction.
pub struct TransactionAttempt<'a> {
    pub client: &'a Session,
    pub ledger: &'a Ledger,
    pub number: i64,
    pub clocks: Clocks,
    /// The longest wait for a lock.
    pub lock_wait: Duration,
    /// Locks of a transaction that was begun for this.
    pub held: Option<HeldKeys>,
}

/// Locks of a transaction that was begun for the commands to come.
#[derive(Debug)]
pub struct HeldKeys {
    addresses: HashSet<Address>,
    /// See [`LockedKeys::made`].
    made: BTreeSet<Address>,
}

impl HeldKeys {
    /// Number of the first commands that concern none but these keys: what the others lock would come after these, in
    /// whatever order it should.
    pub fn reach(&self, commands: &[&Command]) -> usize {
        let concerns_others = |command: &&Command| {
            concerns_any_key(command)
                || Needs::touched(command).iter().any(|address| !self.addresses.contains(*address))
        };
        commands.iter().position(concerns_others).unwrap_or(commands.len())
    }
}

/// Number of the first commands that one transaction takes: those of given keys together, any other alone.
pub fn segment_length(commands: &[&Command]) -> usize {
    match commands.iter().position(|command| concerns_any_key(command)) {
        None => commands.len(),
        Some(0) => 1,
        Some(first) => first,
    }
}

fn concerns_any_key(command: &Command) -> bool {
    matches!(command, Command::DeleteLike { .. } | Command::DeleteRange { .. } | Command::Sql(_))
}

fn depends_on_nothing(command: &Command) -> bool {
    matches!(command, Command::Set(_) | Command::SetMany(_))
}

/// Keys of a scope that are not named.
struct SelectedKeys<'a> {
    community: Option<&'a str>,
    by: Selection<'a>,
}

enum Selection<'a> {
    Pattern(&'a str),
    Range(&'a KeyRange),
}

/// Longest wait for the rows of a selection while some of them are locked. It is shorter than `deadlock_timeout`, after which
/// the server would end a transaction of the user that has changed one of them and comes to need another; and for so long all
/// wait who need one.
const ROWS_WAIT_MAX: Duration = Duration::from_millis(500);

/// Ends waiting for rows that others have made or locked since the rows of a selection were locked: who holds them may wait for
/// one of those.
const HURRY: &str = "SET LOCAL lock_timeout = 100";

impl TransactionAttempt<'_> {
    /// Carries out the commands of a segment.
    pub async fn run(&self, commands: &[&Command]) -> Result<Done, Unfinished> {
        if let Some(keys) = SelectedKeys::of(commands) {
            return self.delete_many(&keys).await;
        }
        match commands {
            _ if self.held.is_some() => self.read_and_write(commands).await,
            [Command::Delete(address)] => {
                let changes = Changes { removed: vec![address], ..Changes::default() };
                self.write_at_once(&changes, Done { count: 1, ..Done::default() }).await
            }
            _ if commands.iter().all(|command| depends_on_nothing(command)) => self.write_blindly(commands).await,
            // A command that depends on what one before it has set depends on the server's clock all the same.
            _ => self.read_and_write(commands).await,
        }
    }

    /// Writes what depends on nothing, in one statement.
    async fn write_blindly(&self, commands: &[&Command]) -> Result<Done, Unfinished> {
        let nothing = LockedKeys::default();
        // If a key expired before it is set again, it gets another place: for that the time need not be the server's own.
        let now = self.clocks.to_server(now_ms());
        let (changes, done) = carry_out(commands, &nothing, now, self.clocks)?;
        self.write_at_once(&changes, done).await
    }

    /// Writes changes in a statement that is a transaction of its own.
    async fn write_at_once(&self, changes: &Changes<'_>, done: Done) -> Result<Done, Unfinished> {
        let mut sql = self.ledger.entry(self.number, self.lock_wait);
        let parts = write(&mut sql, changes);
        Ledger::end(&mut sql, &parts);
        match sql.run_often(self.client).await {
            Ok(rows) if rows.is_empty() => Err(Unfinished::EpochEnded),
            Ok(_) => Ok(done),
            Err(ServerFailure::Lost) => Err(Unfinished::Unknown(done)),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Locks keys and reads those on which commands depend, and writes what they leave.
    async fn read_and_write(&self, commands: &[&Command]) -> Result<Done, Unfinished> {
        let result = async {
            let needs = Needs::of(commands);
            let (begun, locked) = tokio::join!(self.begin(), lock(self.client, &needs));
            begun?;
            let (mut locked, now) = locked?;
            locked.made.extend(self.held.iter().flat_map(|held| held.made.iter().cloned()));
            let (changes, done) = carry_out(commands, &locked, now, self.clocks)?;
            self.commit(&changes, done).await
        };
        self.or_roll_back(result.await).await
    }

    /// Deletes keys that are not named. It waits for the transactions that have changed some of them, and for no others. Those
    /// that make such keys meanwhile come before it, or after it for everybody: a key must not be seen beside those that are
    /// deleted, and then be left. So in the end nobody commits but this transaction.
    async fn delete_many(&self, keys: &SelectedKeys<'_>) -> Result<Done, Unfinished> {
        let result = async {
            let rows = keys.lock();
            let (begun, locked, hurried, first) = tokio::join!(
                begin(self.client, OWN_TRANSACTION_IDLE_MAX, self.lock_wait.min(ROWS_WAIT_MAX)),
                rows.run(self.client),
                self.client.batch_execute(HURRY),
                keys.delete(self.client),
            );
            begun?;
            locked.map_err(undone_if_busy)?;
            hurried.map_err(ServerFailure::from)?;
            let first = first.map_err(undone_if_busy)?;
            // Once more while others may still commit: those that have made keys since the first began are many where it
            // took long, and whoever changes one of these would be in the way of the last.
            let alone = keep_commits_out();
            let (second, excluded, last) =
                tokio::join!(keys.delete(self.client), self.client.batch_execute(&alone), keys.delete(self.client));
            let second = second.map_err(undone_if_busy)?;
            excluded.map_err(|error| undone_if_busy(error.into()))?;
            let removed = first + second + last.map_err(undone_if_busy)?;
            let done = Done { count: 1, outcomes: keys.outcomes(removed), stop: None };
            let entry = self.ledger.entry_alone(self.number);
            let (entered, committed) = tokio::join!(entry.run(self.client), self.end());
            entered.map_err(|failure| epoch_ended_or(undone_if_busy(failure), &done))?;
            committed.map_err(|failure| unknown_if_lost(undone_if_busy(failure), &done))?;
            Ok(done)
        };
        self.or_roll_back(result.await).await
    }

    /// Writes changes in the transaction that was begun, and commits.
    async fn commit(&self, changes: &Changes<'_>, done: Done) -> Result<Done, Unfinished> {
        if changes.is_empty() {
            self.client.batch_execute("ROLLBACK").await.map_err(|error| Unfinished::Undone(error.into()))?;
            return Ok(done);
        }
        let check = self.ledger.entry_alone(self.number);
        // What one of them refuses ends the transaction, and the commit with it.
        let (written, checked, committed) =
            tokio::join!(write_all(self.client, changes), check.run(self.client), self.end());
        written.map_err(|failure| unknown_if_lost(failure, &done))?;
        checked.map_err(|failure| epoch_ended_or(failure, &done))?;
        committed.map_err(|failure| unknown_if_lost(failure, &done))?;
        Ok(done)
    }

    async fn begin(&self) -> Result<(), ServerFailure> {
        if self.held.is_some() {
            return Ok(());
        }
        begin(self.client, OWN_TRANSACTION_IDLE_MAX, self.lock_wait).await
    }

    async fn end(&self) -> Result<(), ServerFailure> {
        Ok(self.client.batch_execute("COMMIT").await?)
    }

    async fn or_roll_back(&self, result: Result<Done, Unfinished>) -> Result<Done, Unfinished> {
        if let Err(Unfinished::Undone(ServerFailure::Undone | ServerFailure::Refused(_))) = &result {
            // If it was committed already, which failed, there is nothing to roll back, and a notice says so.
            drop(self.client.batch_execute("ROLLBACK").await);
        }
        result
    }
}

/// Carries out commands on what was found of their keys, up to the first that cannot be. Fails if the changes are more than a
/// message to the server may have.
fn carry_out<'a>(
    commands: &[&'a Command],
    found: &'a LockedKeys,
    now: PgTime,
    clocks: Clocks,
) -> Result<(Changes<'a>, Done), ServerFailure> {
    let mut keys = FoldedKeys::new(found, now, clocks);
    let mut done = Done::default();
    for command in commands {
        match keys.run(command) {
            Ok(outcome) => {
                done.count += 1;
                done.outcomes.extend(outcome);
            }
            Err(stop) => {
                done.stop = Some(stop);
                break;
            }
        }
    }
    let changes = keys.changes();
    if changes.bytes() > STATEMENT_BYTES_MAX { Err(too_large()) } else { Ok((changes, done)) }
}

/// The failure of changes that the server would end the connection for.
fn too_large() -> ServerFailure {
    let message = "what is to be written at once has more than a billion bytes, which is the most that PostgreSQL takes; \
                   nothing was changed. Write it in several steps";
    Error::postgres(PostgresProblem::Refused("54000".to_owned()), None, message).into()
}

/// Writes changes within a transaction.
async fn write_all(client: &Client, changes: &Changes<'_>) -> Result<(), ServerFailure> {
    if changes.is_empty() && changes.made.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new("WITH f AS (SELECT 1)");
    write(&mut sql, changes);
    sql.text(" SELECT FROM f").run(client).await.map(|_| ())
}

/// Answers a query within a transaction of somebody else's, and locks the keys that it tells of. A count tells of none.
pub async fn answer_within(
    client: &Client,
    query: &KeyQuery,
    clocks: Clocks,
) -> Result<(Vec<String>, String), ServerFailure> {
    match query {
        // In the order in which everybody locks keys, which is not that of the answer.
        KeyQuery::Select(Select { community, pattern, .. }) => {
            lock_some(community.as_deref(), |sql| matching(sql, pattern)).run(client).await?;
        }
        KeyQuery::Values(ValuesQuery { community, keys, .. }) => {
            let address = |key: &String| Address { community: community.clone(), key: key.clone() };
            let addresses: BTreeSet<Address> = keys.iter().map(address).collect();
            let needs = Needs { locked: addresses.iter().collect(), ..Needs::default() };
            let (locked, _) = lock(client, &needs).await?;
            remove_made(client, &locked.made).await?;
        }
        KeyQuery::Page(_) | KeyQuery::Count(_) => {}
    }
    answer_query(client, query, clocks, RowLock::ForUpdate).await
}

/// Carries out the commands of a segment within a transaction of somebody else's.
pub async fn run_within(client: &Client, commands: &[&Command], clocks: Clocks) -> Result<Done, ServerFailure> {
    if let Some(keys) = SelectedKeys::of(commands) {
        keys.lock().run(client).await?;
        let removed = keys.delete(client).await?;
        return Ok(Done { count: 1, outcomes: keys.outcomes(removed), stop: None });
    }
    let (locked, now) = lock(client, &Needs::of(commands)).await?;
    let (changes, done) = carry_out(commands, &locked, now, clocks)?;
    write_all(client, &changes).await?;
    Ok(done)
}

/// Begins a transaction. The server ends it when it is idle for `idle_max`, and no statement waits for a lock for longer than
/// `lock_wait`.
pub async fn begin(client: &Client, idle_max: Duration, lock_wait: Duration) -> Result<(), ServerFailure> {
    let (idle, wait_ms) = (limit_idle(idle_max), lock_wait.as_millis());
    let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {idle}; SET LOCAL lock_timeout = {wait_ms}");
    Ok(client.batch_execute(&begin).await?)
}

/// Lets the server end a transaction that is idle for so long.
pub fn limit_idle(idle_max: Duration) -> String {
    let ms = i32::try_from(idle_max.as_millis()).unwrap_or(i32::MAX);
    format!("SET LOCAL idle_in_transaction_session_timeout = {ms}")
}

/// Begins a transaction that locks keys, for changes that are made of their values. Returns these.
pub async fn hold(
    client: &Client,
    addresses: &[Address],
    lock_wait: Duration,
) -> Result<(HeldKeys, Values), ServerFailure> {
    let (begun, locked) =
        tokio::join!(begin(client, OWN_TRANSACTION_IDLE_MAX, lock_wait), lock_values(client, addresses));
    begun?;
    let (made, values) = locked?;
    Ok((HeldKeys { addresses: addresses.iter().cloned().collect(), made }, values))
}

/// Locks keys within a transaction of somebody else's, also those that are not there, and reads their live values.
pub async fn read_within(client: &Client, addresses: &[Address]) -> Result<Values, ServerFailure> {
    let (made, values) = lock_values(client, addresses).await?;
    remove_made(client, &made).await?;
    Ok(values)
}

/// Removes the rows that were made to lock keys, within a transaction. Whoever would make such a key waits for the transaction
/// that has made and deleted it, as for one that has made it.
async fn remove_made(client: &Client, made: &BTreeSet<Address>) -> Result<(), ServerFailure> {
    write_all(client, &Changes { made: made.iter().collect(), ..Changes::default() }).await
}

/// Locks keys and reads their live values. Returns the keys of the rows that it made, and the values.
async fn lock_values(client: &Client, addresses: &[Address]) -> Result<(BTreeSet<Address>, Values), ServerFailure> {
    let sorted: BTreeSet<&Address> = addresses.iter().collect();
    let sorted: Vec<&Address> = sorted.into_iter().collect();
    let needs = Needs { read: sorted.clone(), locked: sorted };
    let (LockedKeys { rows, made }, now) = lock(client, &needs).await?;
    let value = |address: &Address| {
        let live = rows.get(address).filter(|row| row.expires_at.is_none_or(|at| at > now));
        Ok(Stored { text: live.map(|row| row.value.clone()), expires_at: None })
    };
    Ok((made, addresses.iter().map(value).collect()))
}

/// Locks keys and reads some of them. Returns them with the time at which all were locked.
async fn lock(client: &Client, needs: &Needs<'_>) -> Result<(LockedKeys, PgTime), ServerFailure> {
    let locking = (!needs.locked.is_empty()).then(|| lock_keys(&needs.locked));
    let [defaults, others] = read_rows(&needs.read);
    let now = Sql::new("SELECT clock_timestamp()");
    // In one go; the server carries them out one after another.
    let (locked, defaults, others, now) = tokio::join!(
        run_some(locking.as_ref(), client),
        run_some(defaults.as_ref(), client),
        run_some(others.as_ref(), client),
        now.run(client),
    );
    let made = made(&locked?)?;
    let mut rows = found(&defaults?)?;
    rows.extend(found(&others?)?);
    Ok((LockedKeys { rows, made }, now?.first().ok_or(ServerFailure::Lost)?.try_get(0)?))
}

impl<'a> SelectedKeys<'a> {
    /// Those that the only command of a segment deletes, if it names no keys.
    fn of(commands: &[&'a Command]) -> Option<Self> {
        match commands {
            [Command::DeleteLike { community, pattern }] => {
                Some(Self { community: community.as_deref(), by: Selection::Pattern(pattern) })
            }
            [Command::DeleteRange { community, range }] => {
                Some(Self { community: community.as_deref(), by: Selection::Range(range) })
            }
            _ => None,
        }
    }

    /// Locks their rows, in the order in which everybody locks keys.
    fn lock(&self) -> Sql<'a> {
        lock_some(self.community, |sql| self.condition(sql))
    }

    /// Deletes them. Returns the number of those that were live.
    async fn delete(&self, client: &Client) -> Result<u64, ServerFailure> {
        let mut sql = Sql::new("WITH d AS (DELETE FROM __rootapp_kv WHERE ");
        sql.in_scope(self.community);
        self.condition(&mut sql);
        sql.text(
            " RETURNING expires_at) \
             SELECT count(*) FILTER (WHERE expires_at IS NULL OR expires_at > statement_timestamp()) FROM d",
        );
        let rows = sql.run(client).await?;
        let removed: i64 = rows.first().ok_or(ServerFailure::Lost)?.try_get(0)?;
        Ok(removed.try_into().unwrap_or_default())
    }

    fn condition(&self, sql: &mut Sql<'a>) {
        match self.by {
            Selection::Pattern(pattern) => matching(sql, pattern),
            Selection::Range(range) => in_range(sql, range),
        }
    }

    /// The results of the command that has deleted so many. A pattern's has none.
    fn outcomes(&self, removed: u64) -> Vec<KeyOutcome> {
        match self.by {
            Selection::Pattern(_) => Vec::new(),
            Selection::Range(_) => vec![KeyOutcome::Removed(removed)],
        }
    }
}

fn unknown_if_lost(failure: ServerFailure, done: &Done) -> Unfinished {
    match failure {
        ServerFailure::Lost => Unfinished::Unknown(done.clone()),
        other => other.into(),
    }
}

fn epoch_ended_or(failure: ServerFailure, done: &Done) -> Unfinished {
    if has_epoch_ended(&failure) { Unfinished::EpochEnded } else { unknown_if_lost(failure, done) }
}
