//! Recovery before a database is opened: the file is kept, restored or created.
//!
//! Nothing is ever deleted to make room for a restore, and nothing is set aside before its replacement is durable and
//! has passed every check.

use std::path::Path;
use std::sync::Arc;

use super::decide::{Decision, decide};
use super::destination_state::{DestinationState, read_destination, read_if_it_answers};
use super::inspect::{FileCondition, LastUse, inspect_file};
use super::lost_wal::is_same_log;
use super::put_in_place::Recovery;
use crate::backup::catalog::files::{BackupFile, newest_txid};
use crate::backup::destination::Destination;
use crate::backup::events::{BackupEvent, Hook, Observers};
use crate::backup::fs::paths::with_suffix;
use crate::backup::local::conflict;
use crate::backup::local::first_page::FirstPage;
use crate::backup::local::state_dir::{Lock, Opening, StateDir};
use crate::backup::local::state_file::StateFile;
use crate::backup::publish::reconcile::{ChainPosition, identity_of};
use crate::backup::restore::output::{in_use, is_in_use_as_it_is, removed_while_open};
use crate::backup::restore::restored::Restored;
use crate::engine::sqlite::stray_log::StrayLog;
use crate::engine::sqlite::{identity, open_detached};
use crate::{BackupProblem, Error};

/// File that is ready to be opened.
#[derive(Debug)]
pub struct Recovered {
    /// Result of the restore, if there was one.
    pub restored: Option<Restored>,
    /// Right to make backups of the file, unless another process has it.
    pub lock: Option<Lock>,
}

/// Prepares a file to be opened, while `opening` keeps others from opening it.
///
/// If the log that was set aside is the one that the last capture knows, the file has taken the place of another, and is older
/// on purpose. If not, the log has taken the place of the file's own, which is lost.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION` if the file is missing or damaged and the destination does not respond;
/// `ERR_BACKUP_DAMAGED` if no backup can be used; `ERR_BACKUP_NOT_FOUND` if the backups that were made are gone;
/// `ERR_FILE_IN_USE` if the file is to be set aside, and somebody has it open, or if it was removed while somebody has;
/// `ERR_BACKUP_STATE`. Nothing was changed then.
pub fn prepare(
    path: &Path,
    state_dir: &StateDir,
    _opening: &Opening,
    destination: &Arc<dyn Destination>,
    stray_log: Option<&StrayLog>,
    now_ms: i64,
    observers: &Observers,
) -> Result<Recovered, Error> {
    let Some(lock) = state_dir.lock_for_backups_soon()? else {
        // Another process has the file open. If the file is not there, it has one that was removed: a new one would be
        // taken for the next state of that, and backed up.
        if !path.exists() {
            return Err(removed_while_open(path));
        }
        return Ok(Recovered { restored: None, lock: None });
    };
    let (mut state, loaded) = StateFile::open(state_dir.folder());
    let first_page = FirstPage::take(state_dir.folder());
    let last_log = loaded.as_ref().and_then(|last| last.known.position.wal);
    let is_replaced = stray_log.is_some_and(|log| last_log.is_none_or(|last| is_same_log(last.salts, log.salts)));
    let found = inspect_file(
        path,
        &LastUse { is_clean: !state_dir.is_marked_in_use(), is_replaced, capture: loaded.as_ref(), first_page },
    );
    let here = loaded.filter(|last| last.known.destination == destination.describe());
    let position = here.map(|last| last.known.position);
    let compared = position.filter(|_| !conflict::is_marked(state_dir.folder(), &**destination));
    let can_open = matches!(found, FileCondition::Sound | FileCondition::Inconsistent);
    let listed = if can_open {
        read_if_it_answers(destination, compared)
    } else {
        Some(read_destination(&**destination, compared))
    };
    let DestinationState { files, chain } = match listed {
        Some(Ok(found)) => found,
        Some(Err(error)) if !can_open => return Err(error),
        // The file is as good as what is known. The backup thread reports what it finds.
        _ => return Ok(Recovered { restored: None, lock: Some(lock) }),
    };
    // A file is no old copy of another database, whose backups it would be replaced by. The backup thread finds the conflict.
    let is_anothers = chain == ChainPosition::Behind && is_of_another(path, &**destination, &files);
    let chain = if is_anothers { ChainPosition::Unknown } else { chain };
    let begins_anew = found == FileCondition::Nothing && is_removed_beside(path, &**destination);
    let restored = match decide(&found, !files.is_empty(), position.is_some() && !begins_anew, chain) {
        Decision::Keep => None,
        Decision::KeepDamaged(problem) => {
            tell_damaged(path, &problem, observers);
            None
        }
        Decision::Refuse(problem) => return Err(backups_are_gone(path, state_dir, &**destination, &problem)),
        // Whoever has it open would go on with a file that has another name by then.
        Decision::Restore { aside: Some(_), .. } if is_in_use_as_it_is(path) => return Err(in_use(path)),
        Decision::Restore { aside, reason } => {
            let known = position.map(|position| position.txid);
            let newest = newest_txid(&files);
            // A sound old copy is better than backups that lead no further.
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
                        // The backups are of no use: the next one is a full snapshot.
                        state.forget()?;
                    }
                    None
                }
                // The file is an old copy, and no newer backup can be used.
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
                // Most of the file can be read, and the backups are no better.
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

/// Returns true if backups are known to be of another database than a file.
fn is_of_another(path: &Path, destination: &dyn Destination, files: &[BackupFile]) -> bool {
    let own = open_detached(path).ok().and_then(|connection| identity(&connection));
    own.zip(identity_of(destination, files)).is_some_and(|(own, theirs)| own != theirs)
}

fn tell_damaged(path: &Path, problem: &str, observers: &Observers) {
    let message = format!("{} cannot be relied on, and there is no better backup: {problem}", path.display());
    observers.tell(&BackupEvent::Failure(Error::backup(BackupProblem::Damaged, message)));
}

/// Returns true if the default destination, a folder beside the file, was removed: whoever removes both wants a new
/// database. Any other folder may be on a disk that is not mounted.
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
