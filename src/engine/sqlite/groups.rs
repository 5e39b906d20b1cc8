//! Group commit: the batches that are waiting become one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, TransactionBehavior};

use super::commits::{self, Recorder};
use super::halts::Halts;
use super::keys::{Keys, Refusal};
use super::known_rows::KnownRows;
use super::triggers::Triggers;
use crate::Error;
use crate::kv::{Batch, BatchOutcome, ClientId, Stop};

/// Runs batches in order in one transaction, and commits it. A batch ends at its first command that cannot be
/// done, or after `limit` commands; the others go on.
///
/// # Errors
///
/// The transaction could not be had, or failed as a whole (a held lock, a full disk, a panic): nothing was written.
pub fn commit(
    connection: &Connection,
    recorder: &Recorder,
    known: &mut KnownRows,
    triggers: &mut Triggers,
    halts: &mut Halts,
    batches: &[&Batch],
    limit: usize,
) -> Result<Vec<BatchOutcome>, Error> {
    let mut recording = recorder.prepare();
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let data_version = commits::data_version(&transaction)?;
    recording.begin(data_version);
    let has_triggers = triggers.found(&transaction)?;
    known.begin(data_version, has_triggers);
    let run_all = AssertUnwindSafe(|| run_all(&transaction, known, halts, batches, limit));
    let run = catch_unwind(run_all).unwrap_or_else(|_| Err(Error::internal("the writer panicked")));
    let outcomes = run.and_then(|outcomes| {
        transaction.commit()?;
        Ok(outcomes)
    });
    match &outcomes {
        // What a trigger has written, no client knows.
        Ok(_) if has_triggers => {}
        Ok(_) => only_client(batches).into_iter().for_each(|client| recording.committed(connection, client)),
        Err(_) => known.clear(),
    }
    outcomes
}

/// The client of all batches, if it is one.
fn only_client(batches: &[&Batch]) -> Option<ClientId> {
    let client = batches.first()?.origin?.client;
    batches.iter().all(|batch| batch.origin.is_some_and(|origin| origin.client == client)).then_some(client)
}

/// Runs up to `limit` commands of each batch. An error means that the transaction is gone.
fn run_all(
    connection: &Connection,
    known: &mut KnownRows,
    halts: &mut Halts,
    batches: &[&Batch],
    limit: usize,
) -> Result<Vec<BatchOutcome>, Error> {
    let mut keys = Keys::new(connection, known)?;
    let mut run = |batch: &&Batch| {
        if halts.concern(batch) {
            return Ok(BatchOutcome { committed: 0, stopped: Some(Stop::Deferred) });
        }
        let outcome = run(connection, &mut keys, batch, limit)?;
        if outcome.stopped.is_some() {
            halts.add(batch);
        }
        Ok(outcome)
    };
    batches.iter().map(&mut run).collect()
}

fn run(connection: &Connection, keys: &mut Keys, batch: &Batch, limit: usize) -> Result<BatchOutcome, Error> {
    for (index, command) in batch.commands.iter().enumerate() {
        if index == limit {
            return Ok(BatchOutcome { committed: index, stopped: Some(Stop::Deferred) });
        }
        let stop = match keys.run(command, batch.now_ms) {
            Ok(()) => continue,
            Err(Refusal::Failed(error)) if connection.is_autocommit() => return Err(error),
            Err(Refusal::Failed(error)) => Stop::Command(error),
            Err(Refusal::Conflict) => Stop::Conflict,
        };
        return Ok(BatchOutcome { committed: index, stopped: Some(stop) });
    }
    Ok(BatchOutcome { committed: batch.commands.len(), stopped: None })
}
