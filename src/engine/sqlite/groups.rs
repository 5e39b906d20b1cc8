//! Group commit: the batches that are waiting become one transaction.

use rusqlite::TransactionBehavior;

use super::keys::{self, Refusal};
use super::sql::{self, Guarded};
use crate::Error;
use crate::kv::{Batch, BatchOutcome, Command, Stop};

/// Runs batches in order in one transaction, and commits it. A batch ends at its first command that cannot be
/// done, or after `limit` commands; the others go on.
///
/// # Errors
///
/// The transaction could not be had, or failed as a whole (a held lock, a full disk): nothing was written.
pub fn commit(connection: &Guarded, batches: &[&Batch], limit: usize) -> Result<Vec<BatchOutcome>, Error> {
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let outcomes = batches.iter().map(|batch| run(connection, batch, limit)).collect::<Result<Vec<_>, Error>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

/// Runs up to `limit` commands of a batch. An error means that the transaction is gone.
fn run(connection: &Guarded, batch: &Batch, limit: usize) -> Result<BatchOutcome, Error> {
    let mut statements = Vec::new();
    for (index, command) in batch.commands.iter().enumerate() {
        if index == limit {
            return Ok(BatchOutcome { committed: index, statements, stopped: Some(Stop::Deferred) });
        }
        let stop = match keys::run(connection, command, batch.now_ms) {
            // On its own, such a statement fails when it is committed. Another of the group must not mend it.
            Ok(_) if limit > 1 && is_sql(command) && sql::has_deferred_violations(connection) => {
                return Err(Error::foreign_key());
            }
            Ok(outcomes) => {
                statements.extend(outcomes);
                continue;
            }
            Err(Refusal::Failed(error)) if connection.is_autocommit() => return Err(error),
            Err(Refusal::Failed(error)) => Stop::Command(error),
            Err(Refusal::Conflict) => Stop::Conflict,
            Err(Refusal::Alone) => Stop::Alone,
        };
        return Ok(BatchOutcome { committed: index, statements, stopped: Some(stop) });
    }
    Ok(BatchOutcome { committed: batch.commands.len(), statements, stopped: None })
}

fn is_sql(command: &Command) -> bool {
    matches!(command, Command::Sql(_))
}
