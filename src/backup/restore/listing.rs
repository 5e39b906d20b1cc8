//! Listing of the states that can be restored, with the times from the backups themselves.

use std::thread;

use crate::Error;
use crate::backup::catalog::files::{BackupFile, restorable};
use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;

/// Number of headers that are read in parallel: each is a request to an object store.
const HEADER_READERS: usize = 16;

/// Lists the backups, with the times in their headers if the target is a time: a copied folder may have lost its
/// files' times.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION`.
pub fn timed(destination: &dyn Destination, target: Target) -> Result<Vec<BackupFile>, Error> {
    let mut files = destination.list()?;
    if matches!(target, Target::Before(_)) {
        read_times(destination, &mut files);
    }
    Ok(files)
}

/// Lists the states of a destination, newest first.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION`.
pub fn list(destination: &dyn Destination) -> Result<Vec<BackupFile>, Error> {
    Ok(restorable_at(destination, &destination.list()?))
}

/// Returns the states that can be restored, newest first, with the times in their headers: a listing may show the
/// time of an upload or a copy.
pub fn restorable_at(destination: &dyn Destination, files: &[BackupFile]) -> Vec<BackupFile> {
    let mut files = restorable(files);
    read_times(destination, &mut files);
    files
}

/// Replaces listed times by those in the headers.
fn read_times(destination: &dyn Destination, files: &mut [BackupFile]) {
    let share = files.len().div_ceil(HEADER_READERS).max(1);
    thread::scope(|scope| {
        for files in files.chunks_mut(share) {
            scope.spawn(move || {
                for file in files {
                    // A damaged file is detected when it is read, or is not needed.
                    if let Ok(time_ms) = destination.captured_ms(file.name) {
                        file.time_ms = time_ms;
                    }
                }
            });
        }
    });
}
