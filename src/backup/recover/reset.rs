//! Setting aside of a database with all that belongs to it, so that the next start begins empty. Nothing is deleted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backup::fs::access::Access;
use crate::backup::fs::disk::{self, folder_of};
use crate::backup::fs::paths::{COMPANIONS, with_suffix};
use crate::backup::local::state_dir::{STATE_SUFFIX, StateDir};
use crate::backup::restore::output::{in_use, is_in_use_as_it_is};
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

/// Sets aside a database, its companions, its backup state and its local backups, all or none. `root` is the folder of
/// its backups, if they have one of their own.
///
/// The files beside the database are renamed to `<file>.reset-<time>` with the same suffixes, so that together they still
/// form a store with its backups. Backups in another folder are moved to `reset-<time>` within it.
///
/// # Errors
///
/// `ERR_FILE_IN_USE` if somebody has the database open; `ERR_BACKUP_STATE` if something cannot be renamed.
pub fn reset(path: &Path, root: Option<&Path>, now_ms: i64) -> Result<Vec<Moved>, Error> {
    let elsewhere = root.filter(|root| !is_beside(path, root) && is_there(&root.join(BACKUPS)));
    let had_state = StateDir::found_beside(path).is_some();
    if !had_state && elsewhere.is_none() && !is_anything_beside(path) {
        return Ok(Vec::new());
    }
    let state_dir = StateDir::beside(path)?;
    let opening = state_dir.lock_for_opening()?;
    let Some(lock) = state_dir.lock_for_backups_soon()? else { return Err(in_use(path)) };
    let moved =
        if is_in_use_as_it_is(path) { Err(in_use(path)) } else { set_aside(path, elsewhere, had_state, now_ms) };
    drop(lock);
    // On Windows the locks are left.
    if !had_state || (cfg!(windows) && moved.is_ok()) {
        state_dir.remove_if_unused(opening);
    }
    moved
}

fn set_aside(path: &Path, elsewhere: Option<&Path>, had_state: bool, now_ms: i64) -> Result<Vec<Moved>, Error> {
    let mut moves = Moves::default();
    match moves.make(path, elsewhere, had_state, now_ms) {
        Ok(()) => Ok(moves.0),
        Err((from, error)) => {
            moves.undo();
            let message = format!("cannot set {} aside: {error}; nothing was changed", from.display());
            Err(Error::backup(BackupProblem::State, message))
        }
    }
}

/// Returns true if a folder of backups is the default one of a database.
fn is_beside(path: &Path, root: &Path) -> bool {
    // The same folder may have a name in other letters, or be a link.
    let found = [root, &with_suffix(path, BACKUP_SUFFIX)].map(|folder| folder.canonicalize().ok());
    found[0].is_some() && found[0] == found[1]
}

fn is_anything_beside(path: &Path) -> bool {
    [""].iter().chain(&COMPANIONS).chain(&[BACKUP_SUFFIX]).any(|suffix| is_there(&with_suffix(path, suffix)))
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Renames that were made, in their order.
#[derive(Default)]
struct Moves(Vec<Moved>);

impl Moves {
    /// Renames everything. The database comes first: a log must never lie beside another database. If this is
    /// interrupted after it, the next start restores the database from the backups that are still there.
    fn make(
        &mut self,
        path: &Path,
        elsewhere: Option<&Path>,
        had_state: bool,
        now_ms: i64,
    ) -> Result<(), (PathBuf, io::Error)> {
        let name = format!("reset-{now_ms}");
        let aside = free_name(path, &name);
        for suffix in [""].iter().chain(&COMPANIONS) {
            self.rename(with_suffix(path, suffix), with_suffix(&aside, suffix))?;
        }
        let backups = with_suffix(path, BACKUP_SUFFIX);
        match self.rename(backups.clone(), with_suffix(&aside, BACKUP_SUFFIX)) {
            // A folder where something is mounted cannot be renamed.
            Err((_, error)) if is_mount(&error) => self.rename_within(&backups, &name)?,
            renamed => renamed?,
        }
        if let Some(root) = elsewhere {
            self.rename_within(root, &name)?;
        }
        if had_state {
            let (from, to) = (with_suffix(path, STATE_SUFFIX), with_suffix(&aside, STATE_SUFFIX));
            if cfg!(windows) {
                // There a folder in which a file is open, as the locks are, cannot be renamed.
                self.rename_content(&from, &to)?;
            } else {
                self.rename(from, to.clone())?;
                remove_locks(&to);
            }
        }
        Ok(())
    }

    /// Moves what a folder holds, except locks, to a new folder.
    fn rename_content(&mut self, from: &Path, to: &Path) -> Result<(), (PathBuf, io::Error)> {
        fs::create_dir(to).map_err(|error| (to.to_owned(), error))?;
        let entries = fs::read_dir(from).map_err(|error| (from.to_owned(), error))?;
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| !is_lock(path)) {
            let name = path.file_name().unwrap_or_default().to_owned();
            self.rename(path, to.join(name))?;
        }
        Ok(())
    }

    /// Moves the backups in a folder to a new folder within it.
    fn rename_within(&mut self, root: &Path, name: &str) -> Result<(), (PathBuf, io::Error)> {
        let folder = root.join(name);
        fs::create_dir(&folder).map_err(|error| (folder.clone(), error))?;
        if let Some(access) = Access::of(root) {
            access.apply(&folder).map_err(|error| (folder.clone(), error))?;
        }
        self.rename(root.join(BACKUPS), folder.join(BACKUPS)).inspect_err(|_| drop(fs::remove_dir(&folder)))
    }

    /// Renames what is there.
    fn rename(&mut self, from: PathBuf, to: PathBuf) -> Result<(), (PathBuf, io::Error)> {
        if is_there(&from) {
            disk::rename(&from, &to).map_err(|error| (from.clone(), error))?;
            self.0.push(Moved { from, to: to.clone() });
            disk::sync_folder(folder_of(&to)).map_err(|error| (to, error))?;
        }
        Ok(())
    }

    fn undo(&self) {
        for Moved { from, to } in self.0.iter().rev() {
            drop(disk::rename(to, from));
            // The folder made within a destination. Any other is not empty.
            drop(fs::remove_dir(folder_of(to)));
        }
    }
}

/// Removes the locks, which hold nothing: who waits for one then takes that of the next folder.
fn remove_locks(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in entries.filter(|path| is_lock(path)) {
        drop(disk::remove(&path));
    }
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
}

fn is_mount(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices)
}

/// Returns a path that is free with any of the suffixes.
fn free_name(path: &Path, name: &str) -> PathBuf {
    let is_free = |aside: &Path| {
        let suffixes = [""].into_iter().chain(COMPANIONS).chain([BACKUP_SUFFIX, STATE_SUFFIX]);
        suffixes.into_iter().all(|suffix| !is_there(&with_suffix(aside, suffix)))
    };
    let mut aside = with_suffix(path, &format!(".{name}"));
    for attempt in 1.. {
        if is_free(&aside) {
            break;
        }
        aside = with_suffix(path, &format!(".{name}-{attempt}"));
    }
    aside
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database that was closed, its state and its backups, as far as their names go.
    fn made() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        drop(crate::engine::sqlite::open_own_writer(&path).unwrap());
        StateDir::beside(&path).unwrap().mark_in_use().unwrap();
        let backups = with_suffix(&path, BACKUP_SUFFIX).join(BACKUPS);
        fs::create_dir_all(&backups).unwrap();
        fs::write(backups.join("file"), b"backup").unwrap();
        (folder, path)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn everything_is_set_aside_and_nothing_is_deleted() {
        let (folder, path) = made();
        let moved = reset(&path, None, 7).unwrap();
        let aside = ["", ".backup", ".backup-state"].map(|suffix| format!("a.sqlite3.reset-7{suffix}"));
        assert_eq!(names(folder.path()), aside);
        // On Windows what the state folder holds is told, one by one, instead of the folder.
        for from in ["", ".backup", ".backup-state"].map(|suffix| with_suffix(&path, suffix)) {
            assert!(moved.iter().any(|moved| moved.from.starts_with(&from)), "{}", from.display());
        }
        assert!(moved.iter().all(|Moved { from, to }| !from.exists() && to.exists()));
        assert!(folder.path().join("a.sqlite3.reset-7.backup/ltx/file").exists());
        assert!(folder.path().join("a.sqlite3.reset-7.backup-state/in-use").exists());
        assert_eq!(reset(&path, None, 8).unwrap(), [], "nothing is left to set aside");
    }

    /// As on Windows, where the folder itself cannot be renamed.
    #[test]
    fn what_a_folder_holds_is_moved_without_its_locks_and_moved_back() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir(&from).unwrap();
        for name in ["in-use", "opening.lock", "state"] {
            fs::write(from.join(name), name).unwrap();
        }
        let mut moves = Moves::default();
        moves.rename_content(&from, &to).unwrap();
        assert_eq!(
            (names(&from), names(&to)),
            (vec!["opening.lock".into()], vec!["in-use".into(), "state".into()])
        );
        moves.undo();
        assert_eq!(names(&from), ["in-use", "opening.lock", "state"]);
        assert_eq!(names(folder.path()), ["from"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_backups_beside_the_database_are_known_by_another_name() {
        let (folder, path) = made();
        let link = folder.path().join("BACKUPS");
        std::os::unix::fs::symlink(with_suffix(&path, BACKUP_SUFFIX), &link).unwrap();
        assert_eq!(reset(&path, Some(&link), 7).unwrap().len(), 3);
        assert!(folder.path().join("a.sqlite3.reset-7.backup/ltx/file").exists());
    }

    #[test]
    fn a_second_time_takes_another_name() {
        let (folder, path) = made();
        reset(&path, None, 7).unwrap();
        fs::write(&path, b"").unwrap();
        fs::write(with_suffix(&path, "-wal"), b"log").unwrap();
        reset(&path, None, 7).unwrap();
        let names = names(folder.path());
        assert!(names.contains(&"a.sqlite3.reset-7-1".to_owned()), "{names:?}");
        assert!(names.contains(&"a.sqlite3.reset-7-1-wal".to_owned()), "{names:?}");
    }

    #[test]
    fn a_log_stays_as_it_is_whatever_it_lies_beside() {
        let (folder, path) = made();
        let other = folder.path().join("other.sqlite3");
        let writer = crate::engine::sqlite::open_own_writer(&other).unwrap();
        writer.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        // As a file that was copied over that of a killed bot.
        fs::copy(with_suffix(&other, "-wal"), with_suffix(&path, "-wal")).unwrap();
        let before = ["", "-wal"].map(|suffix| fs::read(with_suffix(&path, suffix)).unwrap());
        assert!(before[1].len() > 4096);
        reset(&path, None, 7).unwrap();
        let aside = with_suffix(&path, ".reset-7");
        assert_eq!(["", "-wal"].map(|suffix| fs::read(with_suffix(&aside, suffix)).unwrap()), before);
    }

    #[test]
    fn backups_in_another_folder_stay_in_it() {
        let (folder, path) = made();
        let other = folder.path().join("other");
        fs::create_dir_all(other.join("ltx/0")).unwrap();
        fs::write(other.join("mine"), b"").unwrap();
        reset(&path, Some(&other), 7).unwrap();
        assert_eq!(names(&other), ["mine", "reset-7"]);
        assert!(other.join("reset-7/ltx/0").exists());
    }

    #[test]
    fn what_is_open_is_refused_and_stays() {
        let (folder, path) = made();
        let before = names(folder.path());
        let open = crate::engine::sqlite::open_own_writer(&path).unwrap();
        assert_eq!(reset(&path, None, 7).unwrap_err().code(), "ERR_FILE_IN_USE");
        drop(open);
        let state_dir = StateDir::beside(&path).unwrap();
        let lock = state_dir.lock_for_backups().unwrap().unwrap();
        assert_eq!(reset(&path, None, 7).unwrap_err().code(), "ERR_FILE_IN_USE");
        drop(lock);
        assert_eq!(names(folder.path()), before);
    }

    #[test]
    fn one_rename_that_fails_undoes_all() {
        let (folder, path) = made();
        let other = folder.path().join("other");
        fs::create_dir_all(other.join(BACKUPS)).unwrap();
        // Its name within the folder is taken.
        fs::create_dir(other.join("reset-7")).unwrap();
        let before = names(folder.path());
        let error = reset(&path, Some(&other), 7).unwrap_err();
        assert_eq!(error.code(), "ERR_BACKUP_STATE");
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        assert_eq!(names(folder.path()), before);
        assert!(other.join(BACKUPS).exists());
    }
}
