//! The states that can be restored, with the times that their backups have themselves.

use std::thread;

use crate::Error;
use crate::backup::catalog::files::{BackupFile, restorable};
use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;

/// How many headers are read at a time: at an object store each takes a request.
const HEADER_READERS: usize = 16;

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
pub fn restorable_at(destination: &dyn Destination, files: &[BackupFile]) -> Vec<BackupFile> {
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
