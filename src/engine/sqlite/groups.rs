//! Group commit: the batches that are waiting become one transaction.

use rusqlite::{Connection, TransactionBehavior};

use super::commits::Recorder;
use super::keys::{self, Refusal};
use crate::Error;
use crate::kv::{Batch, BatchOutcome, ClientId, Stop};

/// Runs batches in order in one transaction, and commits it. A batch ends at its first command that cannot be
/// done, or after `limit` commands; the others go on.
///
/// # Errors
///
/// The transaction could not be had, or failed as a whole (a held lock, a full disk): nothing was written.
pub fn commit(
    connection: &Connection,
    recorder: &Recorder,
    batches: &[&Batch],
    limit: usize,
) -> Result<Vec<BatchOutcome>, Error> {
    let mut recording = recorder.prepare();
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    recording.begin(&transaction)?;
    let outcomes =
        batches.iter().map(|batch| run(&transaction, batch, limit)).collect::<Result<Vec<_>, Error>>()?;
    transaction.commit()?;
    if let Some(client) = only_client(batches) {
        recording.committed(connection, client);
    }
    Ok(outcomes)
}

/// The client of all batches, if it is one.
fn only_client(batches: &[&Batch]) -> Option<ClientId> {
    let client = batches.first()?.client?;
    batches.iter().all(|batch| batch.client == Some(client)).then_some(client)
}

/// Runs up to `limit` commands of a batch. An error means that the transaction is gone.
fn run(connection: &Connection, batch: &Batch, limit: usize) -> Result<BatchOutcome, Error> {
    for (index, command) in batch.commands.iter().enumerate() {
        if index == limit {
            return Ok(BatchOutcome { committed: index, stopped: Some(Stop::Deferred) });
        }
        let stop = match keys::run(connection, command, batch.now_ms) {
            Ok(()) => continue,
            Err(Refusal::Failed(error)) if connection.is_autocommit() => return Err(error),
            Err(Refusal::Failed(error)) => Stop::Command(error),
            Err(Refusal::Conflict) => Stop::Conflict,
        };
        return Ok(BatchOutcome { committed: index, stopped: Some(stop) });
    }
    Ok(BatchOutcome { committed: batch.commands.len(), stopped: None })
}
