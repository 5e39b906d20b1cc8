//! Group commit: the batches that are waiting become one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::TransactionBehavior;

use super::commands::run_commands;
use super::epoch::EndedEpochs;
use super::lent::Lent;
use crate::Error;
use crate::batch::{Batch, BatchOutcome, ClientId, Command, CommandOutcome, Stop};
use crate::engine::sqlite::guard::mode::Mode;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::refusal::Refusal;
use crate::engine::sqlite::sql::{execute, raw_calls};
use crate::engine::sqlite::table::keys::Keys;
use crate::engine::sqlite::table::rowid_cache::RowidCache;
use crate::engine::sqlite::table::triggers::{KeyTriggers, TriggerCache};
use crate::engine::sqlite::wal::commit_log::{self, Author};
use crate::sql::{Job, StatementOutcome};

/// Caches of the writer that outlive a transaction.
#[derive(Default)]
pub struct WriterCaches {
    rowid_cache: RowidCache,
    triggers: TriggerCache,
}

impl WriterCaches {
    /// Forgets everything, because somebody else may have written.
    pub fn clear(&mut self) {
        self.rowid_cache.clear();
        self.triggers.forget();
    }
}

/// Runs batches in order in one transaction, and commits it. A batch ends at its first command that cannot be
/// done, or after `limit` commands; the others go on.
///
/// # Errors
///
/// The transaction could not be had, or failed as a whole (a held lock, a full disk, a panic): nothing was written.
pub fn commit(
    Lent { connection, file, recorder, marks, .. }: Lent,
    caches: &mut WriterCaches,
    ended_epochs: &mut EndedEpochs,
    batches: &[&Batch],
    limit: usize,
) -> Result<Vec<BatchOutcome>, Error> {
    let mut recording = recorder.prepare();
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // It may have waited for the lock of a file that is gone by now.
    file.check()?;
    let data_version = commit_log::data_version(&transaction)?;
    recording.begin(data_version);
    marks.before_write(&transaction)?;
    let WriterCaches { rowid_cache, triggers } = caches;
    let found = triggers.find(&transaction)?;
    rowid_cache.begin(data_version, found.on_keys);
    let _ = connection.take_wrote_keys();
    let _ = connection.authorizer.take_changed_schema();
    let (run, is_untold) = {
        let keys = Keys::new(connection, rowid_cache, found);
        let mut group = Group { connection, keys, triggers, found, is_untold: false };
        let run_all = AssertUnwindSafe(|| group.run_all(ended_epochs, batches, limit));
        let run = catch_unwind(run_all).unwrap_or_else(|_| Err(Error::internal("the writer panicked")));
        (run, group.is_untold)
    };
    let outcomes = run.and_then(|outcomes| {
        recording.commit(transaction)?;
        Ok(outcomes)
    });
    if outcomes.is_ok() {
        // User SQL or a trigger may have written any keys, so no cache stays valid.
        let is_untold = is_untold || connection.take_wrote_keys();
        if is_untold {
            rowid_cache.clear();
        }
        let client = only_client(batches).filter(|_| !is_untold);
        recording.committed(connection, client.map_or(Author::Several, Author::Client));
    } else {
        caches.clear();
    }
    outcomes
}

/// The client of all batches, if it is one.
fn only_client(batches: &[&Batch]) -> Option<ClientId> {
    let client = batches.first()?.origin?.client;
    batches.iter().all(|batch| batch.origin.is_some_and(|origin| origin.client == client)).then_some(client)
}

/// A transaction under way.
struct Group<'a> {
    connection: &'a UserConnection,
    keys: Keys<'a>,
    triggers: &'a mut TriggerCache,
    /// Triggers that there are.
    found: KeyTriggers,
    /// Keys may have been written of which no client knows.
    is_untold: bool,
}

impl Group<'_> {
    /// Runs up to `limit` commands of each batch. After an error the transaction is lost.
    fn run_all(
        &mut self,
        ended_epochs: &mut EndedEpochs,
        batches: &[&Batch],
        limit: usize,
    ) -> Result<Vec<BatchOutcome>, Error> {
        let mut run = |batch: &&Batch| {
            if ended_epochs.cover(batch) {
                return Ok(BatchOutcome::stopped(Stop::Deferred));
            }
            let outcome = self.run(batch, limit)?;
            if outcome.stopped.is_some() {
                ended_epochs.add(batch);
            }
            Ok(outcome)
        };
        batches.iter().map(&mut run).collect()
    }

    fn run(&mut self, batch: &Batch, limit: usize) -> Result<BatchOutcome, Error> {
        let commands = &batch.commands[..limit.min(batch.commands.len())];
        let mut outcome = run_commands(commands, |command| {
            let result = match command {
                Command::Sql(job) => self.run_sql(job).map(CommandOutcome::Statements),
                other => {
                    self.is_untold |= self.found.on_keys;
                    self.keys.run(other, batch.now_ms)
                }
            };
            match result {
                // Alone, such a statement fails when it is committed. A later command of the group must not repair it.
                Ok(_) if limit > 1 && is_sql(command) && raw_calls::has_deferred_violations(self.connection) => {
                    Err(Refusal::TransactionFailed(Error::foreign_key()))
                }
                Err(Refusal::Failed(error)) if self.connection.is_autocommit() => {
                    Err(Refusal::TransactionFailed(error))
                }
                other => other,
            }
        });
        if outcome.stopped.is_none() && commands.len() < batch.commands.len() {
            outcome.stopped = Some(Stop::Deferred);
        }
        match outcome.stopped {
            Some(Stop::Transaction(error)) => Err(error),
            _ => Ok(outcome),
        }
    }

    fn run_sql(&mut self, job: &Job) -> Result<Vec<StatementOutcome>, Refusal> {
        let result = execute::run(self.connection, job, Mode::Group);
        if !self.connection.is_autocommit() && self.connection.authorizer.take_changed_schema() {
            self.triggers.forget();
            let before = self.found;
            self.found = self.triggers.find(self.connection)?;
            self.keys.set_triggers(self.found);
            // The change may still be rolled back.
            self.triggers.forget();
            self.is_untold |= before.about_keys;
        }
        // The authorizer does not see triggers of statements that a virtual table keeps compiled.
        self.is_untold |= self.found.about_keys;
        self.keys.forget_if(self.found.about_keys || self.connection.has_written_keys());
        result
    }
}

fn is_sql(command: &Command) -> bool {
    matches!(command, Command::Sql(_))
}
