//! Decision about a file before it is opened.

use super::inspect::FileCondition;
use crate::backup::publish::reconcile::ChainPosition;

/// Problem of [`FileCondition::Inconsistent`], as a part of a sentence.
const INCONSISTENT: &str = "an index does not have what its table has";

/// Decision about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Open the file as it is.
    Keep,
    /// Open the file as it is, because there is nothing better, and report the problem, as a part of a sentence.
    KeepDamaged(String),
    /// Refuse to open the file: it is unreliable, and the backups that were made of it are gone. The problem, as a
    /// part of a sentence.
    Refuse(String),
    /// Restore the file, and set aside the existing one.
    Restore {
        /// Part of the name of the existing file then, if there is one.
        aside: Option<&'static str>,
        /// Reason, as a part of a sentence.
        reason: String,
    },
}

/// Decides about a file. `was_backed_up` if backups of it have been made at the destination.
#[must_use]
pub fn decide(found: &FileCondition, has_backups: bool, was_backed_up: bool, chain: ChainPosition) -> Decision {
    let (problem, aside) = match found {
        FileCondition::Sound if has_backups && chain == ChainPosition::Behind => {
            ("it is an old copy: the destination has newer backups", Some("stale"))
        }
        FileCondition::Sound => return Decision::Keep,
        FileCondition::Nothing => ("it was not there", None),
        FileCondition::Empty => ("it was empty", Some("damaged")),
        FileCondition::Inconsistent => (INCONSISTENT, Some("damaged")),
        FileCondition::Damaged(problem) | FileCondition::Older(problem) => (problem.as_str(), Some("damaged")),
    };
    let reason = problem.to_owned();
    match found {
        _ if has_backups => Decision::Restore { aside, reason },
        FileCondition::Inconsistent => Decision::KeepDamaged(reason),
        _ if was_backed_up => Decision::Refuse(reason),
        FileCondition::Damaged(_) | FileCondition::Older(_) => Decision::KeepDamaged(reason),
        FileCondition::Nothing | FileCondition::Empty | FileCondition::Sound => Decision::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_follows_the_table() {
        let done =
            |found, has_backups, was_backed_up, chain| match decide(&found, has_backups, was_backed_up, chain) {
                Decision::Keep => "keep",
                Decision::KeepDamaged(_) => "keep damaged",
                Decision::Refuse(_) => "refuse",
                Decision::Restore { aside, .. } => aside.unwrap_or("restore"),
            };
        let damaged = || FileCondition::Damaged("SQLite finds it damaged".to_owned());
        let older = || FileCondition::Older(String::new());
        for chain in [
            ChainPosition::InStep,
            ChainPosition::Unpublished,
            ChainPosition::Behind,
            ChainPosition::Ahead,
            ChainPosition::Unknown,
        ] {
            for was_backed_up in [false, true] {
                assert_eq!(done(FileCondition::Sound, false, was_backed_up, chain), "keep");
                assert_eq!(done(FileCondition::Nothing, true, was_backed_up, chain), "restore");
                for found in [FileCondition::Empty, damaged(), older()] {
                    assert_eq!(done(found, true, was_backed_up, chain), "damaged");
                }
                let expected = if chain == ChainPosition::Behind { "stale" } else { "keep" };
                assert_eq!(done(FileCondition::Sound, true, was_backed_up, chain), expected);
            }
            assert_eq!(done(FileCondition::Nothing, false, false, chain), "keep");
            assert_eq!(done(FileCondition::Empty, false, false, chain), "keep");
            assert_eq!(done(damaged(), false, false, chain), "keep damaged");
            assert_eq!(done(FileCondition::Inconsistent, false, true, chain), "keep damaged");
            assert_eq!(done(FileCondition::Inconsistent, true, true, chain), "damaged");
            for found in [FileCondition::Nothing, FileCondition::Empty, damaged(), older()] {
                assert_eq!(done(found, false, true, chain), "refuse");
            }
        }
    }
}
