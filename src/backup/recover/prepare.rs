//! What happens before a database is opened: it is kept, or restored, or begun anew.
//!
//! Nothing is ever deleted to make room for a restore, and nothing is set aside before what takes its place is on disk
//! and has passed every check.

use std::path::Path;
use std::sync::Arc;

use super::decide::{Decision, decide};
use super::inspect::{FileCondition, LastUse, inspect_file};
use super::put_in_place::Recovery;
use crate::backup::catalog::files::newest_txid;
use crate::backup::destination::Destination;
use crate::backup::events::{BackupEvent, Hook, Observers};
use crate::backup::fs::paths::with_suffix;
use crate::backup::local::conflict;
use crate::backup::local::first_page::FirstPage;
use crate::backup::local::state_dir::{Lock, Opening, StateDir};
use crate::backup::local::state_file::StateFile;
use crate::backup::publish::reconcile::{ChainPosition, chain_position};
use crate::backup::restore::restored::Restored;
use crate::{BackupProblem, Error};

/// A file that may be opened now.
#[derive(Debug)]
pub struct Recovered {
    /// What it was restored to, if it was.
    pub restored: Option<Restored>,
    /// The right to make its backups, unless another process has it.
    pub lock: Option<Lock>,
}

/// Prepares a file for being opened, which nobody else does as long as `opening` is held.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION` if the file is missing or damaged and the destination does not tell whether there is a
/// backup; `ERR_BACKUP_DAMAGED` if there is none that can be used; `ERR_BACKUP_NOT_FOUND` if those that were made are gone;
/// `ERR_BACKUP_STATE`. Nothing was changed then.
pub fn prepare(
    path: &Path,
    state_dir: &StateDir,
    _opening: &Opening,
    destination: &Arc<dyn Destination>,
    now_ms: i64,
    observers: &Observers,
) -> Result<Recovered, Error> {
    let Some(lock) = state_dir.lock_for_backups_soon()? else {
        // Somebody has it open.
        return Ok(Recovered { restored: None, lock: None });
    };
    let (mut state, loaded) = StateFile::open(state_dir.folder());
    let first_page = FirstPage::take(state_dir.folder());
    let found = inspect_file(
        path,
        &LastUse { is_clean: !state_dir.is_marked_in_use(), capture: loaded.as_ref(), first_page },
    );
    let files = match destination.list() {
        Ok(files) => files,
        Err(_) if matches!(found, FileCondition::Sound | FileCondition::Inconsistent) => {
            return Ok(Recovered { restored: None, lock: Some(lock) });
        }
        Err(error) => return Err(error),
    };
    let here = loaded.filter(|last| last.known.destination == destination.describe());
    let position = here.map(|last| last.known.position);
    let standing = match position {
        Some(position) if !conflict::is_marked(state_dir.folder(), &**destination) => {
            chain_position(&**destination, &files, &position)
        }
        _ => ChainPosition::Unknown,
    };
    let begins_anew = found == FileCondition::Nothing && is_removed_beside(path, &**destination);
    let restored = match decide(&found, !files.is_empty(), position.is_some() && !begins_anew, standing) {
        Decision::Keep => None,
        Decision::KeepDamaged(problem) => {
            tell_damaged(path, &problem, observers);
            None
        }
        Decision::Refuse(problem) => return Err(backups_are_gone(path, state_dir, &**destination, &problem)),
        Decision::Restore { aside, reason } => {
            let known = position.map(|position| position.txid);
            let newest = newest_txid(&files);
            // An old copy that is sound is better than backups that lead no further.
            let at_least = known.filter(|_| found == FileCondition::Sound);
            let at_least = at_least.map(|known| if newest > Some(known) { known.next() } else { known });
            let job =
                Recovery { path, destination: &**destination, files: &files, state: &mut state, known, at_least };
            observers.hook(Hook::BeforeRestore);
            let mut progress = |progress| observers.tell(&BackupEvent::Progress(progress));
            let restored = job.run(aside, reason.clone(), now_ms, &mut progress);
            match restored {
                Ok(Some(restored)) => {
                    conflict::unmark(state_dir.folder());
                    observers.hook(Hook::AfterRestore);
                    Some(restored)
                }
                Ok(None) => {
                    if newest > known {
                        // What is there is of no use: a full snapshot goes on from here.
                        state.forget()?;
                    }
                    None
                }
                // It is an old copy, and nothing newer can be used.
                Err(error)
                    if found == FileCondition::Sound
                        && matches!(
                            error.backup_problem(),
                            Some(BackupProblem::Damaged | BackupProblem::NotFound)
                        ) =>
                {
                    state.forget()?;
                    observers.tell(&BackupEvent::Failure(error));
                    None
                }
                // Most of it can be read, and the backups are no better.
                Err(error)
                    if found == FileCondition::Inconsistent
                        && error.backup_problem() == Some(BackupProblem::Damaged) =>
                {
                    tell_damaged(path, &reason, observers);
                    None
                }
                Err(error) => return Err(error),
            }
        }
    };
    Ok(Recovered { restored, lock: Some(lock) })
}

fn tell_damaged(path: &Path, problem: &str, observers: &Observers) {
    let message = format!("{} cannot be relied on, and there is no better backup: {problem}", path.display());
    observers.tell(&BackupEvent::Failure(Error::backup(BackupProblem::Damaged, message)));
}

/// Whether the folder beside the file, where backups are by default, has been removed: whoever removed the file as well
/// wants a new one. A folder elsewhere may be on a disk that is not there now.
fn is_removed_beside(path: &Path, destination: &dyn Destination) -> bool {
    let beside = with_suffix(path, ".backup");
    Path::new(destination.describe()) == beside && !beside.exists()
}

fn backups_are_gone(path: &Path, state_dir: &StateDir, destination: &dyn Destination, problem: &str) -> Error {
    let message = format!(
        "{}: {problem}, and the backups that were made of it are not in {} any more; bring them back, or remove {} to go \
         on without them",
        path.display(),
        destination.describe(),
        state_dir.folder().display()
    );
    Error::backup(BackupProblem::NotFound, message)
}
