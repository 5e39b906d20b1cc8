//! The loop over the commands of a batch, for groups and for leases.

use crate::batch::{BatchOutcome, Command, Stop};
use crate::engine::sqlite::refusal::Refusal;
use crate::sql::StatementOutcome;

/// Runs commands in order, up to the first that is refused.
pub fn run_commands(
    commands: &[Command],
    mut run: impl FnMut(&Command) -> Result<Vec<StatementOutcome>, Refusal>,
) -> BatchOutcome {
    let mut statements = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        match run(command) {
            Ok(outcomes) => statements.extend(outcomes),
            Err(refusal) => {
                return BatchOutcome { committed: index, statements, stopped: Some(stop(refusal)) };
            }
        }
    }
    BatchOutcome { committed: commands.len(), statements, stopped: None }
}

fn stop(refusal: Refusal) -> Stop {
    match refusal {
        Refusal::Conflict => Stop::Conflict,
        Refusal::Alone => Stop::Alone,
        Refusal::Failed(error) => Stop::Command(error),
        Refusal::TransactionFailed(error) => Stop::Transaction(error),
    }
}
