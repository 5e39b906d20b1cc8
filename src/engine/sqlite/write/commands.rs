//! The loop over the commands of a batch, for groups and for leases.

use crate::batch::{BatchOutcome, Command, CommandOutcome, Stop};
use crate::engine::sqlite::refusal::Refusal;

/// Runs commands in order, up to the first that is refused.
pub fn run_commands(
    commands: &[Command],
    mut run: impl FnMut(&Command) -> Result<CommandOutcome, Refusal>,
) -> BatchOutcome {
    let (mut statements, mut keys) = (Vec::new(), Vec::new());
    for (committed, command) in commands.iter().enumerate() {
        match run(command) {
            Ok(CommandOutcome::Nothing) => {}
            Ok(CommandOutcome::Key(outcome)) => keys.push(outcome),
            Ok(CommandOutcome::Statements(outcomes)) => statements.extend(outcomes),
            Err(refusal) => return BatchOutcome { committed, statements, keys, stopped: Some(stop(refusal)) },
        }
    }
    BatchOutcome { committed: commands.len(), statements, keys, stopped: None }
}

fn stop(refusal: Refusal) -> Stop {
    match refusal {
        Refusal::Conflict => Stop::Conflict,
        Refusal::Alone => Stop::Alone,
        Refusal::Failed(error) => Stop::Command(error),
        Refusal::TransactionFailed(error) => Stop::Transaction(error),
    }
}
