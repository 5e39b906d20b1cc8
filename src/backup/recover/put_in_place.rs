//! Restore of a database that is not open, in place of the existing file.

use std::path::{Path, PathBuf};

use crate::backup::catalog::files::{BackupFile, FileName};
use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;
use crate::backup::fs::access::Access;
use crate::backup::fs::disk;
use crate::backup::fs::paths::{COMPANIONS, with_suffix};
use crate::backup::fs::temporary::Temporary;
use crate::backup::local::state_file::{Known, Position, StateFile};
use crate::backup::restore::image::restore;
use crate::backup::restore::progress::RestoreProgress;
use crate::backup::restore::restored::{Restored, Skipped};
use crate::faults::crash_at;
use crate::ltx::Txid;
use crate::{BackupProblem, Error};

/// Restore of a file that is not open.
pub struct Recovery<'a> {
    /// Path of the database.
    pub path: &'a Path,
    /// Destination of its backups.
    pub destination: &'a dyn Destination,
    /// Listing of the destination.
    pub files: &'a [BackupFile],
    /// State file of the database.
    pub state: &'a mut StateFile,
    /// Last transaction that was captured here.
    pub known: Option<Txid>,
    /// Lowest acceptable transaction of the restored state.
    pub at_least: Option<Txid>,
}

impl Recovery<'_> {
    /// Restores the newest state and sets aside the existing file. `None` if the state is older than required.
    ///
    /// # Errors
    ///
    /// As [`restore`]; `ERR_BACKUP_STATE` if the file cannot be replaced.
    pub fn run(
        mut self,
        aside: Option<&str>,
        reason: String,
        now_ms: i64,
        progress: &mut dyn FnMut(RestoreProgress),
    ) -> Result<Option<Restored>, Error> {
        let begin = with_suffix(self.path, ".restoring");
        // The holder of the lock for opening is the only one who makes such files.
        Temporary::remove_all(&begin);
        let failed = |error: std::io::Error| cannot_replace(self.path, &error);
        let temporary = Temporary::create(&begin).map_err(failed)?;
        let mut restored = restore(self.destination, self.files, Target::Newest, temporary.path(), progress)?;
        if let Some(access) = Access::of_database(self.path) {
            access.apply(temporary.path()).map_err(failed)?;
        }
        note_missing(&mut restored, self.files, self.known);
        if self.at_least.is_some_and(|txid| restored.txid < txid) {
            return Ok(None);
        }
        let set_aside = self.put_in_place(temporary.path(), aside.unwrap_or("stale"), now_ms)?;
        if restored.is_newest {
            let position =
                Position { txid: restored.txid, checksum: 0, time_ms: now_ms, wal: None, written_ns: None };
            let destination = self.destination.describe().to_owned();
            self.state.rewrite(&Known { destination, position, table: restored.table.clone() }, &[])?;
        }
        Ok(Some(Restored { reason: Some(reason), set_aside, ..restored }))
    }

    /// Sets aside the existing files and gives the restored file its name. Returns the new path of the old file.
    ///
    /// If this is interrupted, the next opening restores again: until the new file is in place, there is either the
    /// old one with its recorded state, or none. A log never lies beside a foreign database: the database is set
    /// aside first, and the new one appears after the old log is gone; each step is synced before the next.
    fn put_in_place(&mut self, temporary: &Path, what: &str, now_ms: i64) -> Result<Option<PathBuf>, Error> {
        let failed = |error: std::io::Error| cannot_replace(self.path, &error);
        let set_aside = SetAside::of(self.path, what, now_ms).map_err(failed)?;
        // The recorded page hashes do not describe the new file.
        self.state.forget().inspect_err(|_| set_aside.undo())?;
        crash_at("forgotten");
        disk::rename(temporary, self.path).map_err(failed)?;
        crash_at("in its place");
        disk::sync_folder(disk::folder_of(self.path)).map_err(failed)?;
        Ok(set_aside.file())
    }
}

/// Adds captures of this machine that the destination lacks to the skipped backups.
fn note_missing(restored: &mut Restored, files: &[BackupFile], known: Option<Txid>) {
    let Some(last) = known.filter(|last| *last > restored.txid && files.iter().all(|file| file.name.max < *last))
    else {
        return;
    };
    restored.is_newest = false;
    let reason = "it was captured here, and is not at the destination".to_owned();
    restored.skipped.push(Skipped { name: FileName::captured(last), reason });
}

/// Database file that was set aside, with the files that belong to it or to an earlier one.
struct SetAside {
    /// Old and new names, in the order of the renames.
    renamed: Vec<(PathBuf, PathBuf)>,
    has_file: bool,
}

impl SetAside {
    /// Renames all existing files. If one rename fails, all are undone.
    fn of(path: &Path, what: &str, now_ms: i64) -> std::io::Result<Self> {
        let aside = free_name(path, what, now_ms);
        let mut set_aside = Self { renamed: Vec::new(), has_file: path.exists() };
        for suffix in [""].iter().chain(&COMPANIONS) {
            let (from, to) = (with_suffix(path, suffix), with_suffix(&aside, suffix));
            if from.exists() {
                let renamed = disk::rename(&from, &to).and_then(|()| disk::sync_folder(disk::folder_of(path)));
                renamed.inspect_err(|_| set_aside.undo())?;
                set_aside.renamed.push((from, to));
                crash_at(&format!("set aside{suffix}"));
            }
        }
        Ok(set_aside)
    }

    /// Undoes the renames, as far as possible. The next opening copes with the rest.
    fn undo(&self) {
        for (from, to) in self.renamed.iter().rev() {
            drop(disk::rename(to, from));
        }
    }

    /// New path of the database file, if there was one.
    fn file(&self) -> Option<PathBuf> {
        self.renamed.first().filter(|_| self.has_file).map(|(_, to)| to.clone())
    }
}

/// Returns an unused name, for the database and for the files that belong to it.
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

fn cannot_replace(path: &Path, error: &std::io::Error) -> Error {
    Error::backup(
        BackupProblem::State,
        format!("cannot put a restored file in the place of {}: {error}", path.display()),
    )
}
