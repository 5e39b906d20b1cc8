//! The interface of destinations.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::backup::catalog::files::{BackupFile, FileName};
use crate::clock::DATE_MS_MAX;
use crate::ltx::{HEADER_BYTES, Header};
use crate::{BackupProblem, Error};

/// A place that keeps files under names, each written once and whole.
///
/// Calls block. A file that is listed is complete and on disk; a listing shows every file that was created before it.
pub trait Destination: Send + Sync {
    /// What to call it in messages. Never holds credentials.
    fn describe(&self) -> &str;

    /// Every backup that there is, in no particular order.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`. A place that does not exist yet is empty.
    fn list(&self) -> Result<Vec<BackupFile>, Error>;

    /// The folder in which files that will be created have to be written first; `None` if any will do.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`.
    fn staging(&self) -> Result<Option<PathBuf>, Error>;

    /// Makes a file of one that was written, which is gone afterwards. It is on disk before it has its name. Never
    /// overwrites one.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`; then the staged file is still there, and the created one may be, too.
    fn create(&self, name: FileName, staged: &Path, time_ms: i64) -> Result<Created, Error>;

    /// Reads a file from its beginning.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`.
    fn open(&self, name: FileName) -> Result<Box<dyn Read + Send>, Error>;

    /// Removes a file. One that does not exist is no error.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`.
    fn remove(&self, name: FileName) -> Result<(), Error>;

    /// When what a file holds was captured, as the file itself says.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`, or `ERR_BACKUP_DAMAGED` if it does not say.
    fn captured_ms(&self, name: FileName) -> Result<i64, Error> {
        let mut header = [0; HEADER_BYTES];
        self.open(name)?.read_exact(&mut header).map_err(|error| unusable(name, &error))?;
        timestamp_ms(name, &header)
    }

    /// The checksum that a file ends with; `None` if it cannot be read.
    fn checksum(&self, file: &BackupFile) -> Option<u64>;

    /// The folder of this machine that it is in, if it is in one.
    fn root(&self) -> Option<&Path> {
        None
    }

    /// Removes what writers that were killed have left of files that they were about to create.
    fn sweep(&self) {}
}

pub fn timestamp_ms(name: FileName, header: &[u8; HEADER_BYTES]) -> Result<i64, Error> {
    let header = Header::decode(header).map_err(|error| unusable(name, &error))?;
    // No checksum has been looked at yet.
    if header.timestamp_ms.unsigned_abs() > DATE_MS_MAX.unsigned_abs() {
        return Err(unusable(name, &"its time is none"));
    }
    Ok(header.timestamp_ms)
}

pub fn unusable(name: FileName, error: &dyn std::fmt::Display) -> Error {
    Error::backup(BackupProblem::Damaged, format!("the backup {name} cannot be used: {error}"))
}

/// What became of a file that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is there.
    New,
    /// There is one of this name already, which was left alone. The staged file is still there.
    Exists,
}
