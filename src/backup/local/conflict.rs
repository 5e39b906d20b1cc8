//! Persistent marker for a conflicting writer, beside the database. Until the destination changes, nothing is
//! published there, and the file is not replaced by the other writer's backups.

use std::path::{Path, PathBuf};

use crate::backup::catalog::files::FileName;
use crate::backup::destination::Destination;
use crate::backup::fs::disk;
use crate::backup::fs::replace::replace;
use crate::{BackupProblem, Error};

fn mark_path(folder: &Path) -> PathBuf {
    folder.join("conflict")
}

/// Sets the marker. If that fails, the next write to the destination may find the conflict again.
pub fn mark(folder: &Path, destination: &dyn Destination) {
    drop(replace(&mark_path(folder), destination.describe().as_bytes()));
}

/// Returns true if this destination is marked.
#[must_use]
pub fn is_marked(folder: &Path, destination: &dyn Destination) -> bool {
    std::fs::read(mark_path(folder)).is_ok_and(|marked| marked == destination.describe().as_bytes())
}

/// Removes the marker: the file now equals the destination's newest state.
pub fn unmark(folder: &Path) {
    drop(disk::remove(&mark_path(folder)));
}

/// Error of every publication while a conflict lasts.
#[must_use]
pub fn error(destination: &dyn Destination, what: &str) -> Error {
    let message = format!(
        "{} holds {what}: something else makes backups there; give each database a destination of its own",
        destination.describe()
    );
    Error::backup(BackupProblem::Conflict, message)
}

/// [`error`] for a backup that is not of this file.
#[must_use]
pub fn anothers(destination: &dyn Destination, name: FileName) -> Error {
    error(destination, &format!("a backup {name} that is not of this file"))
}
