//! What can be asked for at any time: a restore, here or elsewhere, and a proof that one would succeed.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::destination::Destination;
use super::disk;
use super::files::{BackupFile, restorable};
use super::opening::{COMPANIONS, with_suffix};
use super::output::check_output;
use super::plan::Target;
use super::progress::Progress;
use super::rename::rename_new;
use super::restore::{Restored, Skipped, restore};
use super::temporary::Temporary;
use crate::engine::sqlite::open_own_reader;
use crate::ltx::Txid;
use crate::{BackupProblem, Error};

/// What was restored.
#[derive(Debug, Clone)]
pub struct RestoredStore {
    /// The backup that it is now as.
    pub txid: Txid,
    /// When that was captured, in milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// The size of the database in bytes.
    pub bytes: u64,
    /// Backups that were left out.
    pub skipped: Vec<Skipped>,
    /// The backup of what was there before; `None` if nothing was replaced.
    pub undo: Option<Txid>,
    /// The backup of what is there now; `None` if nothing was replaced, or if it could not be made yet.
    pub position: Option<Txid>,
}

/// A proof that the newest state can be restored.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The newest state that can.
    pub txid: Txid,
    /// When it was captured, in milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// The size of the database in bytes.
    pub bytes: u64,
    /// How many backups it is made of.
    pub files: usize,
    /// Whether it is the newest there is, and nothing had to be left out.
    pub is_complete: bool,
    /// Backups that were left out.
    pub skipped: Vec<Skipped>,
}

impl From<Restored> for RestoredStore {
    fn from(restored: Restored) -> Self {
        Self {
            txid: restored.txid,
            time_ms: restored.time_ms,
            bytes: restored.bytes,
            skipped: restored.skipped,
            undo: None,
            position: None,
        }
    }
}

/// How many headers are read at a time: at an object store each takes a request.
const HEADER_READERS: usize = 16;

/// Restores to another file, which is there as a whole or not at all.
///
/// # Errors
///
/// As [`restore`]; `ERR_FILE_EXISTS` if there is something and it is not to be overwritten, if it is no file or in use,
/// or as [`check_output`].
pub fn restore_to(
    destination: &dyn Destination,
    target: Target,
    output: &Path,
    overwrites: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<RestoredStore, Error> {
    check_output(Some(destination), output)?;
    let exists = || {
        Error::backup(
            BackupProblem::Exists,
            format!("{} exists, or a log of it; it was left alone", output.display()),
        )
    };
    // A log that lies about without its file would be replayed into the new one.
    let is_there =
        |path: &Path| path.exists() || COMPANIONS.iter().any(|companion| with_suffix(path, companion).exists());
    if is_there(output) && !overwrites {
        return Err(exists());
    }
    if output.exists() && !output.is_file() {
        let message = format!("{} is no file; it was left alone", output.display());
        return Err(Error::backup(BackupProblem::Exists, message));
    }
    if output.exists() && is_in_use(output) {
        let message = format!("{} is open in another process; it was left alone", output.display());
        return Err(Error::backup(BackupProblem::Exists, message));
    }
    let temporary = Temporary::create(&with_suffix(output, ".restoring"));
    let temporary = temporary.map_err(|error| cannot_write(output, &error))?;
    let files = timed(destination, target)?;
    let restored = restore(destination, &files, target, temporary.path(), progress)?;
    let place = || {
        if !overwrites {
            return rename_new(temporary.path(), output);
        }
        for companion in COMPANIONS {
            disk::remove(&with_suffix(output, companion))?;
        }
        fs::rename(temporary.path(), output)?;
        disk::sync_folder(disk::folder_of(output))
    };
    place().map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists { exists() } else { cannot_write(output, &error) }
    })?;
    Ok(restored.into())
}

/// Whether anybody has a database open: then it cannot be locked against everybody. What is no database is not.
pub(super) fn is_in_use(path: &Path) -> bool {
    let lock = || -> Result<(), Error> {
        let connection = open_own_reader(path, Duration::ZERO)?;
        // Set before the first read: then even a log needs the file for itself.
        connection.pragma_update(None, "query_only", false)?;
        connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; SELECT count(*) FROM sqlite_schema; BEGIN EXCLUSIVE; ROLLBACK",
        )?;
        Ok(())
    };
    lock().is_err_and(|error| error.is_busy())
}

/// The backups, with the times that they have themselves where the target is a time: a copy of a folder may have lost
/// its files' times.
pub(super) fn timed(destination: &dyn Destination, target: Target) -> Result<Vec<BackupFile>, Error> {
    let mut files = destination.list()?;
    if matches!(target, Target::Before(_)) {
        read_times(destination, &mut files);
    }
    Ok(files)
}

/// The states that a destination has, the newest first.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION`.
pub fn list(destination: &dyn Destination) -> Result<Vec<BackupFile>, Error> {
    Ok(restorable_at(destination, &destination.list()?))
}

/// The states that backups lead to, the newest first, with the times that they have themselves: a listing may show when
/// they arrived, or were copied.
pub(super) fn restorable_at(destination: &dyn Destination, files: &[BackupFile]) -> Vec<BackupFile> {
    let mut files = restorable(files);
    read_times(destination, &mut files);
    files
}

/// Reads the times that files have themselves.
fn read_times(destination: &dyn Destination, files: &mut [BackupFile]) {
    let share = files.len().div_ceil(HEADER_READERS).max(1);
    thread::scope(|scope| {
        for files in files.chunks_mut(share) {
            scope.spawn(move || {
                for file in files {
                    // One that does not say is found damaged when it is read, or is not needed.
                    if let Ok(time_ms) = destination.captured_ms(file.name) {
                        file.time_ms = time_ms;
                    }
                }
            });
        }
    });
}

/// Restores the newest state to a file that is removed again.
///
/// # Errors
///
/// As [`restore`].
pub fn verify(
    destination: &dyn Destination,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, Error> {
    let temporary = Temporary::create(&folder.join("rootcellar-verified"));
    let temporary = temporary.map_err(|error| cannot_write(folder, &error))?;
    let restored = restore(destination, &destination.list()?, Target::Newest, temporary.path(), progress)?;
    Ok(Verified {
        txid: restored.txid,
        time_ms: restored.time_ms,
        bytes: restored.bytes,
        files: restored.files,
        is_complete: restored.is_newest && restored.skipped.is_empty(),
        skipped: restored.skipped,
    })
}

pub(super) fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::backup(BackupProblem::State, format!("cannot write {}: {error}", path.display()))
}
