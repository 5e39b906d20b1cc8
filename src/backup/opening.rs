//! What happens before a database is opened: it is kept, or restored, or begun anew.
//!
//! Nothing is ever deleted to make room for a restore, and nothing is set aside before what takes its place is on disk
//! and has passed every check.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::destination::Destination;
use super::disk;
use super::examine::{Found, examine};
use super::files::BackupFile;
use super::place::{Lock, Place};
use super::plan::Target;
use super::publisher::standing_at;
use super::restore::{Progress, Restored, restore};
use super::service::{Event, Hook, Observers};
use super::state::{Known, Position, Standing, StateFile};
use crate::ltx::Txid;
use crate::{BackupProblem, Error};

/// What SQLite keeps beside a database, by what it adds to its name.
pub const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

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
    /// Restore it, and set aside under this name what is there.
    Restore {
        /// A part of the name, if anything is there.
        aside: Option<&'static str>,
        /// Why, as a part of a sentence.
        reason: String,
    },
}

/// Decides what to do.
#[must_use]
pub fn decide(found: &Found, has_backups: bool, standing: Standing) -> Decision {
    match found {
        _ if !has_backups => Decision::Keep,
        Found::Nothing => Decision::Restore { aside: None, reason: "it was not there".to_owned() },
        Found::Damaged(reason) | Found::Older(reason) => {
            Decision::Restore { aside: Some("damaged"), reason: reason.clone() }
        }
        Found::Sound if standing == Standing::Behind => {
            let reason = "it is an old copy: the destination has newer backups".to_owned();
            Decision::Restore { aside: Some("stale"), reason }
        }
        Found::Sound => Decision::Keep,
    }
}

/// Prepares a file for being opened. Blocks while another process does.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION` if the file is missing or damaged and the destination does not tell whether there is a
/// backup; `ERR_BACKUP_DAMAGED` if there is none that can be used; `ERR_BACKUP_STATE`. Nothing was changed then.
pub fn prepare(
    path: &Path,
    place: &Place,
    destination: &Arc<dyn Destination>,
    now_ms: i64,
    observers: &Observers,
) -> Result<Prepared, Error> {
    let _opening = place.lock_for_opening()?;
    let Some(lock) = place.lock_for_backups_soon()? else {
        // Somebody has it open.
        return Ok(Prepared { outcome: Outcome::Kept, lock: None });
    };
    let (mut state, loaded) = StateFile::open(place.folder());
    let last = loaded.filter(|last| last.known.destination == destination.describe());
    let found = examine(path, !place.is_marked(), last.as_ref());
    let files = match destination.list() {
        Ok(files) => files,
        Err(_) if found == Found::Sound => return Ok(Prepared { outcome: Outcome::Kept, lock: Some(lock) }),
        Err(error) => return Err(error),
    };
    let position = last.map(|last| last.known.position);
    let standing = position.map_or(Standing::Unknown, |position| standing_at(&**destination, &files, &position));
    let outcome = match decide(&found, !files.is_empty(), standing) {
        Decision::Keep => Outcome::Kept,
        Decision::Restore { aside, reason } => {
            // An old copy that is sound is better than backups that lead no further.
            let further_than = position.filter(|_| found == Found::Sound).map(|position| position.txid);
            let job = Job { path, destination: &**destination, files: &files, state: &mut state, further_than };
            observers.hook(Hook::BeforeRestore);
            let mut progress = |progress| observers.tell(&Event::Progress(progress));
            let restored = job.run(aside, reason, now_ms, &mut progress)?;
            observers.hook(Hook::AfterRestore);
            restored.map_or(Outcome::Kept, Outcome::Restored)
        }
    };
    Ok(Prepared { outcome, lock: Some(lock) })
}

struct Job<'a> {
    path: &'a Path,
    destination: &'a dyn Destination,
    files: &'a [BackupFile],
    state: &'a mut StateFile,
    /// The transaction that the restored state has to lie behind, if it is to be used.
    further_than: Option<Txid>,
}

impl Job<'_> {
    fn run(
        self,
        aside: Option<&str>,
        reason: String,
        now_ms: i64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<RestoredFile>, Error> {
        let temporary = with_suffix(self.path, ".restoring");
        let made = restore(self.destination, self.files, Target::Newest, &temporary, progress);
        let restored = made.inspect_err(|_| drop(disk::remove(&temporary)))?;
        if self.further_than.is_some_and(|txid| restored.txid <= txid) {
            drop(disk::remove(&temporary));
            return Ok(None);
        }
        // From here on a crash leaves nothing that is believed: neither a mixture of files nor an old position.
        self.state.forget()?;
        let moved = set_aside(self.path, aside.unwrap_or("stale"), now_ms);
        let set_aside = moved.map_err(|error| cannot_replace(self.path, &error))?;
        let place = || {
            fs::rename(&temporary, self.path)?;
            disk::sync_folder(disk::folder_of(self.path))
        };
        place().map_err(|error| cannot_replace(self.path, &error))?;
        if restored.is_newest {
            let position = Position { txid: restored.txid, checksum: 0, time_ms: now_ms, wal: None };
            let destination = self.destination.describe().to_owned();
            self.state.rewrite(&Known { destination, position, table: restored.table.clone() })?;
        }
        Ok(Some(RestoredFile { restored, reason, set_aside }))
    }
}

/// Renames a file and what belongs to it. Returns the new name, if there was a file.
fn set_aside(path: &Path, what: &str, now_ms: i64) -> std::io::Result<Option<PathBuf>> {
    let mut aside = with_suffix(path, &format!(".{what}-{now_ms}"));
    for attempt in 1.. {
        if !aside.exists() {
            break;
        }
        aside = with_suffix(path, &format!(".{what}-{now_ms}-{attempt}"));
    }
    for companion in COMPANIONS {
        let from = with_suffix(path, companion);
        if from.exists() {
            fs::rename(&from, with_suffix(&aside, companion))?;
        }
    }
    if !path.exists() {
        return Ok(None);
    }
    fs::rename(path, &aside)?;
    Ok(Some(aside))
}

/// A path with something added to its name.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
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
        let aside = |found, has_backups, standing| match decide(&found, has_backups, standing) {
            Decision::Keep => "keep",
            Decision::Restore { aside, .. } => aside.unwrap_or("restore"),
        };
        let damaged = || Found::Damaged("it is empty".to_owned());
        let every = [Standing::InStep, Standing::Unpublished, Standing::Behind, Standing::Unknown];
        for standing in every {
            for found in [Found::Nothing, Found::Sound, damaged()] {
                assert_eq!(aside(found, false, standing), "keep");
            }
            assert_eq!(aside(Found::Nothing, true, standing), "restore");
            assert_eq!(aside(damaged(), true, standing), "damaged");
            assert_eq!(aside(Found::Older(String::new()), true, standing), "damaged");
            let expected = if standing == Standing::Behind { "stale" } else { "keep" };
            assert_eq!(aside(Found::Sound, true, standing), expected);
        }
    }
}
