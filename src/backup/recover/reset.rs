//! Setting aside of a database with all that belongs to it, so that the next start begins empty. Nothing is deleted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backup::destination::Destination;
use crate::backup::fs::disk::{self, folder_of};
use crate::backup::fs::paths::{COMPANIONS, with_suffix};
use crate::backup::local::state_dir::{STATE_SUFFIX, StateDir};
use crate::backup::restore::output::is_in_use;
use crate::{BackupProblem, Error};

/// Suffix of the default folder of backups.
const BACKUP_SUFFIX: &str = ".backup";

/// Folder within a destination that holds all of its backups.
const BACKUPS: &str = "ltx";

/// File or folder that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its path before.
    pub from: PathBuf,
    /// Its path now.
    pub to: PathBuf,
}

/// Sets aside a database, its companions, its backup state and its local backups, all or none.
///
/// What is beside the database gets the name `<file>.reset-<time>` with the same suffixes, so that it is a store with
/// its backups still. Backups in another folder are moved to `reset-<time>` within it.
///
/// # Errors
///
/// `ERR_FILE_IN_USE` if somebody has the database open; `ERR_BACKUP_STATE` if something cannot be renamed;
/// `ERR_BACKUP_ELSEWHERE` and `ERR_BACKUP_DESTINATION` if there are backups, or may be, that are no local files.
pub fn reset(path: &Path, destination: Option<&dyn Destination>, now_ms: i64) -> Result<Vec<Moved>, Error> {
    refuse_remote(path, destination)?;
    let had_state = StateDir::found_beside(path).is_some();
    if !had_state && !anything_beside(path) && destination.is_none_or(|destination| own_folder(path, destination).is_none())
    {
        return Ok(Vec::new());
    }
    let state_dir = StateDir::beside(path)?;
    let opening = state_dir.lock_for_opening()?;
    let Some(lock) = state_dir.lock_for_backups_soon()? else { return Err(in_use(path)) };
    let result = if is_in_use(path) { Err(in_use(path)) } else { set_aside(path, destination, had_state, now_ms) };
    drop(lock);
    if !had_state {
        state_dir.remove_if_unused(&opening);
    }
    result
}

fn set_aside(
    path: &Path,
    destination: Option<&dyn Destination>,
    had_state: bool,
    now_ms: i64,
) -> Result<Vec<Moved>, Error> {
    let mut moves = Moves::default();
    let moved = moves.all(path, destination, had_state, now_ms);
    moved.map_err(|(from, error)| {
        moves.undo();
        Error::backup(BackupProblem::State, format!("cannot set {} aside: {error}; nothing was changed", from.display()))
    })?;
    Ok(moves.0)
}

/// Refuses backups that cannot be set aside: the next start would restore them.
fn refuse_remote(path: &Path, destination: Option<&dyn Destination>) -> Result<(), Error> {
    let Some(destination) = destination.filter(|destination| destination.root().is_none()) else { return Ok(()) };
    if destination.list()?.is_empty() {
        return Ok(());
    }
    let message = format!(
        "there are backups at {}, which cannot be set aside, and from which the next start would restore {}: name \
         another destination, for the bot and here, or move them away first",
        destination.describe(),
        path.display()
    );
    Err(Error::backup(BackupProblem::Exists, message))
}

fn anything_beside(path: &Path) -> bool {
    [""].iter().chain(&COMPANIONS).chain(&[BACKUP_SUFFIX]).any(|suffix| is_there(&with_suffix(path, suffix)))
}

/// Folder with the backups of a destination that is a folder, unless it is the default one.
fn own_folder(path: &Path, destination: &dyn Destination) -> Option<PathBuf> {
    let root = destination.root()?;
    let is_default = root.file_name() == with_suffix(path, BACKUP_SUFFIX).file_name()
        && folder_of(root).canonicalize().ok() == folder_of(path).canonicalize().ok();
    (!is_default && is_there(&root.join(BACKUPS))).then(|| root.to_owned())
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn in_use(path: &Path) -> Error {
    let message = format!("{} is open; end the process that has it open first", path.display());
    Error::backup(BackupProblem::InUse, message)
}

/// Renames that were made, in their order.
#[derive(Default)]
struct Moves(Vec<Moved>);

impl Moves {
    /// Renames everything. The database comes first: a log must never lie beside another database. If this is
    /// interrupted after it, the next start restores the database from the backups that are still there.
    fn all(
        &mut self,
        path: &Path,
        destination: Option<&dyn Destination>,
        had_state: bool,
        now_ms: i64,
    ) -> Result<(), (PathBuf, io::Error)> {
        let aside = free_name(path, destination, now_ms);
        for suffix in [""].iter().chain(&COMPANIONS) {
            self.rename(with_suffix(path, suffix), with_suffix(&aside, suffix))?;
        }
        let backups = with_suffix(path, BACKUP_SUFFIX);
        let is_mounted = match self.rename(backups.clone(), with_suffix(&aside, BACKUP_SUFFIX)) {
            // A place where something is mounted has no other name.
            Err((_, error)) if matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices) => {
                true
            }
            other => other.map(|()| false)?,
        };
        let within = destination.and_then(|destination| own_folder(path, destination));
        for root in within.into_iter().chain(is_mounted.then_some(backups)) {
            let folder = root.join(name_within(now_ms));
            fs::create_dir_all(&folder).map_err(|error| (folder.clone(), error))?;
            self.rename(root.join(BACKUPS), folder.join(BACKUPS)).inspect_err(|_| drop(fs::remove_dir(&folder)))?;
        }
        if had_state {
            let to = with_suffix(&aside, STATE_SUFFIX);
            self.rename(with_suffix(path, STATE_SUFFIX), to.clone())?;
            remove_locks(&to);
        }
        Ok(())
    }

    /// Renames what is there.
    fn rename(&mut self, from: PathBuf, to: PathBuf) -> Result<(), (PathBuf, io::Error)> {
        if is_there(&from) {
            fs::rename(&from, &to).map_err(|error| (from.clone(), error))?;
            self.0.push(Moved { from, to: to.clone() });
            disk::sync_folder(folder_of(&to)).map_err(|error| (to, error))?;
        }
        Ok(())
    }

    fn undo(&self) {
        for Moved { from, to } in self.0.iter().rev() {
            drop(fs::rename(to, from));
            // The folder made within a destination. Any other is not empty.
            drop(fs::remove_dir(folder_of(to)));
        }
    }
}

/// Removes the locks, which hold nothing: who waits for one then takes that of the next folder.
fn remove_locks(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in entries.filter(|path| path.extension().is_some_and(|extension| extension == "lock")) {
        drop(disk::remove(&path));
    }
}

fn name_within(now_ms: i64) -> String {
    format!("reset-{now_ms}")
}

/// A name that nothing has, with any suffix.
fn free_name(path: &Path, _destination: Option<&dyn Destination>, now_ms: i64) -> PathBuf {
    let is_free = |aside: &Path| {
        let suffixes = [""].into_iter().chain(COMPANIONS).chain([BACKUP_SUFFIX, STATE_SUFFIX]);
        suffixes.into_iter().all(|suffix| !is_there(&with_suffix(aside, suffix)))
    };
    let first = with_suffix(path, &format!(".{}", name_within(now_ms)));
    let others = (1..).map(|attempt| with_suffix(path, &format!(".{}-{attempt}", name_within(now_ms))));
    [first].into_iter().chain(others).find(|aside| is_free(aside)).unwrap_or_else(|| path.to_owned())
}
