//! Group commit: waiting batches share one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::TransactionBehavior;

use super::commands::run_commands;
use super::epoch::EndedEpochs;
use crate::Error;
use crate::batch::{Batch, BatchOutcome, ClientId, Command, Stop};
use crate::engine::sqlite::guard::mode::Mode;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::refusal::Refusal;
use crate::engine::sqlite::sql::{execute, raw_calls};
use crate::engine::sqlite::table::keys::Keys;
use crate::engine::sqlite::table::rowid_cache::RowidCache;
use crate::engine::sqlite::table::triggers::Triggers;
use crate::engine::sqlite::wal::commit_log::{self, Recorder};

/// Runs batches in order in one transaction, and commits it. A batch ends at its first command that fails, or after
/// `limit` commands; the other batches go on.
///
/// # Errors
///
/// The transaction could not begin, or failed as a whole (a held lock, a full disk, a panic). Nothing was written
/// then.
pub fn commit(
    connection: &UserConnection,
    recorder: &Recorder,
    rowid_cache: &mut RowidCache,
    triggers: &mut Triggers,
    ended_epochs: &mut EndedEpochs,
    batches: &[&Batch],
    limit: usize,
) -> Result<Vec<BatchOutcome>, Error> {
    let mut recording = recorder.prepare();
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let data_version = commit_log::data_version(&transaction)?;
    recording.begin(data_version);
    let has_triggers = triggers.found(&transaction)?;
    rowid_cache.begin(data_version, has_triggers);
    let _ = connection.take_wrote_keys();
    let run_all = AssertUnwindSafe(|| run_all(connection, rowid_cache, ended_epochs, batches, limit));
    let run = catch_unwind(run_all).unwrap_or_else(|_| Err(Error::internal("the writer panicked")));
    let outcomes = run.and_then(|outcomes| {
        transaction.commit()?;
        Ok(outcomes)
    });
    match &outcomes {
        // User SQL may have written any keys, so no cache stays valid.
        Ok(_) if connection.take_wrote_keys() => rowid_cache.clear(),
        // A trigger may have written anything, of which no client knows.
        Ok(_) if has_triggers => {}
        Ok(_) => only_client(batches).into_iter().for_each(|client| recording.committed(connection, client)),
        Err(_) => rowid_cache.clear(),
    }
    outcomes
}

/// The client of all batches, if all have the same one.
fn only_client(batches: &[&Batch]) -> Option<ClientId> {
    let client = batches.first()?.origin?.client;
    batches.iter().all(|batch| batch.origin.is_some_and(|origin| origin.client == client)).then_some(client)
}

/// Runs up to `limit` commands of each batch. After an error the transaction is lost.
fn run_all(
    connection: &UserConnection,
    rowid_cache: &mut RowidCache,
    ended_epochs: &mut EndedEpochs,
    batches: &[&Batch],
    limit: usize,
) -> Result<Vec<BatchOutcome>, Error> {
    let mut keys = Keys::new(connection, rowid_cache)?;
    let mut run = |batch: &&Batch| {
        if ended_epochs.cover(batch) {
            return Ok(BatchOutcome::stopped(Stop::Deferred));
        }
        let outcome = run(connection, &mut keys, batch, limit)?;
        if outcome.stopped.is_some() {
            ended_epochs.add(batch);
        }
        Ok(outcome)
    };
    batches.iter().map(&mut run).collect()
}

fn run(connection: &UserConnection, keys: &mut Keys, batch: &Batch, limit: usize) -> Result<BatchOutcome, Error> {
    let commands = &batch.commands[..limit.min(batch.commands.len())];
    let mut outcome = run_commands(commands, |command| {
        let result = match command {
            Command::Sql(job) => execute::run(connection, job, Mode::Group),
            other => keys.run(other, batch.now_ms).map(|()| Vec::new()),
        };
        match result {
            // Alone, such a statement fails when it is committed. A later command of the group must not repair it.
            Ok(_) if limit > 1 && is_sql(command) && raw_calls::has_deferred_violations(connection) => {
                Err(Refusal::TransactionFailed(Error::foreign_key()))
            }
            Err(Refusal::Failed(error)) if connection.is_autocommit() => Err(Refusal::TransactionFailed(error)),
            Ok(outcomes) => {
                keys.forget_if(connection.has_written_keys());
                Ok(outcomes)
            }
            refused => refused,
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

fn is_sql(command: &Command) -> bool {
    matches!(command, Command::Sql(_))
}
