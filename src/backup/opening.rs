//! What happens before a database is opened: it is kept, or restored, or begun anew.
//!
//! Nothing is ever deleted to make room for a restore, and nothing is set aside before what takes its place is on disk
//! and has passed every check.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::conflict;
use super::destination::Destination;
use super::disk;
use super::examine::{Found, LastUse, examine};
use super::files::{BackupFile, FileName, newest_txid};
use super::first_page::FirstPage;
use super::place::{Lock, Opening, Place};
use super::plan::Target;
use super::progress::Progress;
use super::publisher::standing_at;
use super::restore::{Restored, Skipped, restore};
use super::service::{Event, Hook, Observers};
use super::state::{Known, Position, Standing, StateFile};
use crate::faults::crash_at;
use crate::ltx::Txid;
use crate::{BackupProblem, Error};

/// What SQLite keeps beside a database, by what it adds to its name.
pub const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What is said of [`Found::Inconsistent`].
const INCONSISTENT: &str = "an index does not have what its table has";

/// What was done.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The file was kept as it is, or there is none and no backup either.
    Kept,
    /// The file was restored.
    Restored(RestoredFile),
}

/// A file that was restored.
#[derive(Debug, Clone)]
pub struct RestoredFile {
    /// What it was restored to.
    pub restored: Restored,
    /// Why, as a part of a sentence.
    pub reason: String,
    /// Where what was found is now, if anything was.
    pub set_aside: Option<PathBuf>,
}

/// A file that may be opened now.
#[derive(Debug)]
pub struct Prepared {
    /// What was done.
    pub outcome: Outcome,
    /// The right to make its backups, unless another process has it.
    pub lock: Option<Lock>,
}

/// What to do, by what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Open it as it is.
    Keep,
    /// Open it as it is, for there is nothing better, and say what is wrong with it, as a part of a sentence.
    KeepDamaged(String),
    /// Leave it alone: it cannot be relied on, and the backups that were made of it are gone. What was found, as a part
    /// of a sentence.
    Refuse(String),
    /// Restore it, and set aside under this name what is there.
    Restore {
        /// A part of the name, if anything is there.
        aside: Option<&'static str>,
        /// Why, as a part of a sentence.
        reason: String,
    },
}

/// Decides what to do. `was_backed_up` if backups of the file have been made at the destination.
#[must_use]
pub fn decide(found: &Found, has_backups: bool, was_backed_up: bool, standing: Standing) -> Decision {
    let (problem, aside) = match found {
        Found::Sound if has_backups && standing == Standing::Behind => {
            ("it is an old copy: the destination has newer backups", Some("stale"))
        }
        Found::Sound => return Decision::Keep,
        Found::Nothing => ("it was not there", None),
        Found::Empty => ("it was empty", Some("damaged")),
        Found::Inconsistent => (INCONSISTENT, Some("damaged")),
        Found::Damaged(problem) | Found::Older(problem) => (problem.as_str(), Some("damaged")),
    };
    let reason = problem.to_owned();
    match found {
        _ if has_backups => Decision::Restore { aside, reason },
        Found::Inconsistent => Decision::KeepDamaged(reason),
        _ if was_backed_up => Decision::Refuse(reason),
        Found::Damaged(_) | Found::Older(_) => Decision::KeepDamaged(reason),
        Found::Nothing | Found::Empty | Found::Sound => Decision::Keep,
    }
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
    place: &Place,
    _opening: &Opening,
    destination: &Arc<dyn Destination>,
    now_ms: i64,
    observers: &Observers,
) -> Result<Prepared, Error> {
    let Some(lock) = place.lock_for_backups_soon()? else {
        // Somebody has it open.
        return Ok(Prepared { outcome: Outcome::Kept, lock: None });
    };
    let (mut state, loaded) = StateFile::open(place.folder());
    let first_page = FirstPage::take(place.folder());
    let found = examine(path, &LastUse { is_clean: !place.is_marked(), capture: loaded.as_ref(), first_page });
    let files = match destination.list() {
        Ok(files) => files,
        Err(_) if matches!(found, Found::Sound | Found::Inconsistent) => {
            return Ok(Prepared { outcome: Outcome::Kept, lock: Some(lock) });
        }
        Err(error) => return Err(error),
    };
    let here = loaded.filter(|last| last.known.destination == destination.describe());
    let position = here.map(|last| last.known.position);
    let standing = match position {
        Some(position) if !conflict::is_marked(place.folder(), &**destination) => {
            standing_at(&**destination, &files, &position)
        }
        _ => Standing::Unknown,
    };
    let begins_anew = found == Found::Nothing && is_removed_beside(path, &**destination);
    let outcome = match decide(&found, !files.is_empty(), position.is_some() && !begins_anew, standing) {
        Decision::Keep => Outcome::Kept,
        Decision::KeepDamaged(problem) => keep_damaged(path, &problem, observers),
        Decision::Refuse(problem) => return Err(backups_are_gone(path, place, &**destination, &problem)),
        Decision::Restore { aside, reason } => {
            let known = position.map(|position| position.txid);
            let newest = newest_txid(&files);
            // An old copy that is sound is better than backups that lead no further.
            let at_least = known.filter(|_| found == Found::Sound);
            let at_least = at_least.map(|known| if newest > Some(known) { known.next() } else { known });
            let job = Job { path, destination: &**destination, files: &files, state: &mut state, known, at_least };
            observers.hook(Hook::BeforeRestore);
            let mut progress = |progress| observers.tell(&Event::Progress(progress));
            let restored = job.run(aside, reason.clone(), now_ms, &mut progress);
            match restored {
                Ok(Some(restored)) => {
                    conflict::unmark(place.folder());
                    observers.hook(Hook::AfterRestore);
                    Outcome::Restored(restored)
                }
                Ok(None) => {
                    if newest > known {
                        // What is there is of no use: a full snapshot goes on from here.
                        state.forget()?;
                    }
                    Outcome::Kept
                }
                // It is an old copy, and nothing newer can be used.
                Err(error)
                    if found == Found::Sound
                        && matches!(
                            error.backup_problem(),
                            Some(BackupProblem::Damaged | BackupProblem::NotFound)
                        ) =>
                {
                    state.forget()?;
                    observers.tell(&Event::Failure(error));
                    Outcome::Kept
                }
                // Most of it can be read, and the backups are no better.
                Err(error)
                    if found == Found::Inconsistent && error.backup_problem() == Some(BackupProblem::Damaged) =>
                {
                    keep_damaged(path, &reason, observers)
                }
                Err(error) => return Err(error),
            }
        }
    };
    Ok(Prepared { outcome, lock: Some(lock) })
}

fn keep_damaged(path: &Path, problem: &str, observers: &Observers) -> Outcome {
    let message = format!("{} cannot be relied on, and there is no better backup: {problem}", path.display());
    observers.tell(&Event::Failure(Error::backup(BackupProblem::Damaged, message)));
    Outcome::Kept
}

struct Job<'a> {
    path: &'a Path,
    destination: &'a dyn Destination,
    files: &'a [BackupFile],
    state: &'a mut StateFile,
    /// The last transaction that was captured here.
    known: Option<Txid>,
    /// The transaction that the restored state has to have, or a later one, if it is to be used.
    at_least: Option<Txid>,
}

impl Job<'_> {
    fn run(
        mut self,
        aside: Option<&str>,
        reason: String,
        now_ms: i64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<RestoredFile>, Error> {
        let temporary = with_suffix(self.path, ".restoring");
        let made = restore(self.destination, self.files, Target::Newest, &temporary, progress);
        let mut restored = made.inspect_err(|_| drop(disk::remove(&temporary)))?;
        note_missing(&mut restored, self.files, self.known);
        if self.at_least.is_some_and(|txid| restored.txid < txid) {
            drop(disk::remove(&temporary));
            return Ok(None);
        }
        let set_aside = self.put_in_place(&temporary, aside.unwrap_or("stale"), now_ms);
        let set_aside = set_aside.inspect_err(|_| drop(disk::remove(&temporary)))?;
        if restored.is_newest {
            let position =
                Position { txid: restored.txid, checksum: 0, time_ms: now_ms, wal: None, written_ns: None };
            let destination = self.destination.describe().to_owned();
            self.state.rewrite(&Known { destination, position, table: restored.table.clone() }, &[])?;
        }
        Ok(Some(RestoredFile { restored, reason, set_aside }))
    }

    /// Sets aside what is there, and gives a restored file its name. Returns where what was there is now.
    ///
    /// Whenever this is interrupted, the next opening restores: until the file is in its place, what is there is what was
    /// there before, with all that is known of it, or no file at all. A log never lies beside a file that it is not of, for
    /// the file goes first, and another one comes when its log is gone, which the disk is made to keep to.
    fn put_in_place(&mut self, temporary: &Path, what: &str, now_ms: i64) -> Result<Option<PathBuf>, Error> {
        let failed = |error: std::io::Error| cannot_replace(self.path, &error);
        let set_aside = SetAside::of(self.path, what, now_ms).map_err(failed)?;
        // What is known of the pages is not true of the new file.
        self.state.forget().inspect_err(|_| set_aside.undo())?;
        crash_at("forgotten");
        fs::rename(temporary, self.path).map_err(failed)?;
        crash_at("in its place");
        disk::sync_folder(disk::folder_of(self.path)).map_err(failed)?;
        Ok(set_aside.file())
    }
}

/// Adds to what a restore has left out the captures of this machine that the destination does not have.
fn note_missing(restored: &mut Restored, files: &[BackupFile], known: Option<Txid>) {
    let Some(last) = known.filter(|last| *last > restored.txid && files.iter().all(|file| file.name.max < *last))
    else {
        return;
    };
    restored.is_newest = false;
    let reason = "it was captured here, and is not at the destination".to_owned();
    restored.skipped.push(Skipped { name: FileName::captured(last), reason });
}

/// A file, and what belongs to it or belonged to one that was set aside before, under other names.
struct SetAside {
    /// The names before and after, in the order in which they were changed.
    renamed: Vec<(PathBuf, PathBuf)>,
    has_file: bool,
}

impl SetAside {
    /// Renames what there is. If it fails, nothing was renamed.
    fn of(path: &Path, what: &str, now_ms: i64) -> std::io::Result<Self> {
        let aside = free_name(path, what, now_ms);
        let mut set_aside = Self { renamed: Vec::new(), has_file: path.exists() };
        for suffix in [""].iter().chain(&COMPANIONS) {
            let (from, to) = (with_suffix(path, suffix), with_suffix(&aside, suffix));
            if from.exists() {
                let renamed = fs::rename(&from, &to).and_then(|()| disk::sync_folder(disk::folder_of(path)));
                renamed.inspect_err(|_| set_aside.undo())?;
                set_aside.renamed.push((from, to));
                crash_at(&format!("set aside{suffix}"));
            }
        }
        Ok(set_aside)
    }

    /// Gives everything its name back. The next opening does without what cannot be had.
    fn undo(&self) {
        for (from, to) in self.renamed.iter().rev() {
            drop(fs::rename(to, from));
        }
    }

    /// Where the file is now, if there was one.
    fn file(&self) -> Option<PathBuf> {
        self.renamed.first().filter(|_| self.has_file).map(|(_, to)| to.clone())
    }
}

/// A name that neither a file nor anything that would belong to it has.
fn free_name(path: &Path, what: &str, now_ms: i64) -> PathBuf {
    let is_free = |aside: &Path| {
        !aside.exists() && COMPANIONS.iter().all(|companion| !with_suffix(aside, companion).exists())
    };
    let mut aside = with_suffix(path, &format!(".{what}-{now_ms}"));
    for attempt in 1.. {
        if is_free(&aside) {
            break;
        }
        aside = with_suffix(path, &format!(".{what}-{now_ms}-{attempt}"));
    }
    aside
}

/// A path with something added to its name.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Whether the folder beside the file, where backups are by default, has been removed: whoever removed the file as well
/// wants a new one. A folder elsewhere may be on a disk that is not there now.
fn is_removed_beside(path: &Path, destination: &dyn Destination) -> bool {
    let beside = with_suffix(path, ".backup");
    Path::new(destination.describe()) == beside && !beside.exists()
}

fn backups_are_gone(path: &Path, place: &Place, destination: &dyn Destination, problem: &str) -> Error {
    let message = format!(
        "{}: {problem}, and the backups that were made of it are not in {} any more; bring them back, or remove {} to go \
         on without them",
        path.display(),
        destination.describe(),
        place.folder().display()
    );
    Error::backup(BackupProblem::NotFound, message)
}

fn cannot_replace(path: &Path, error: &std::io::Error) -> Error {
    Error::backup(
        BackupProblem::State,
        format!("cannot put a restored file in the place of {}: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_follows_the_table() {
        let done = |found, has_backups, was_backed_up, standing| match decide(
            &found,
            has_backups,
            was_backed_up,
            standing,
        ) {
            Decision::Keep => "keep",
            Decision::KeepDamaged(_) => "keep damaged",
            Decision::Refuse(_) => "refuse",
            Decision::Restore { aside, .. } => aside.unwrap_or("restore"),
        };
        let damaged = || Found::Damaged("SQLite finds it damaged".to_owned());
        let older = || Found::Older(String::new());
        for standing in
            [Standing::InStep, Standing::Unpublished, Standing::Behind, Standing::Ahead, Standing::Unknown]
        {
            for was_backed_up in [false, true] {
                assert_eq!(done(Found::Sound, false, was_backed_up, standing), "keep");
                assert_eq!(done(Found::Nothing, true, was_backed_up, standing), "restore");
                for found in [Found::Empty, damaged(), older()] {
                    assert_eq!(done(found, true, was_backed_up, standing), "damaged");
                }
                let expected = if standing == Standing::Behind { "stale" } else { "keep" };
                assert_eq!(done(Found::Sound, true, was_backed_up, standing), expected);
            }
            assert_eq!(done(Found::Nothing, false, false, standing), "keep");
            assert_eq!(done(Found::Empty, false, false, standing), "keep");
            assert_eq!(done(damaged(), false, false, standing), "keep damaged");
            assert_eq!(done(Found::Inconsistent, false, true, standing), "keep damaged");
            assert_eq!(done(Found::Inconsistent, true, true, standing), "damaged");
            for found in [Found::Nothing, Found::Empty, damaged(), older()] {
                assert_eq!(done(found, false, true, standing), "refuse");
            }
        }
    }
}
