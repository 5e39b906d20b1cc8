//! That somebody else writes to a destination, kept beside the database: until it has another one, neither is anything
//! published there, nor is the file replaced by what the other has made of it.

use std::path::{Path, PathBuf};

use crate::backup::catalog::files::FileName;
use crate::backup::destination::Destination;
use crate::backup::fs::disk;
use crate::{BackupProblem, Error};

fn mark_path(folder: &Path) -> PathBuf {
    folder.join("conflict")
}

/// Notes it in the folder beside a database. If that fails, it is found again, or not, when the destination is written to.
pub fn mark(folder: &Path, destination: &dyn Destination) {
    drop(disk::replace(&mark_path(folder), destination.describe().as_bytes()));
}

/// Whether it was noted of this destination.
#[must_use]
pub fn is_marked(folder: &Path, destination: &dyn Destination) -> bool {
    std::fs::read(mark_path(folder)).is_ok_and(|marked| marked == destination.describe().as_bytes())
}

/// Takes it back: the file is now what the destination has.
pub fn unmark(folder: &Path) {
    drop(disk::remove(&mark_path(folder)));
}

/// The error of everything that is not published because of it.
#[must_use]
pub fn error(destination: &dyn Destination, what: &str) -> Error {
    let message = format!(
        "{} holds {what}: something else makes backups there; give each database a destination of its own",
        destination.describe()
    );
    Error::backup(BackupProblem::Conflict, message)
}

/// [`error`] of a backup that is not of this file.
#[must_use]
pub fn anothers(destination: &dyn Destination, name: FileName) -> Error {
    error(destination, &format!("a backup {name} that is not of this file"))
}
