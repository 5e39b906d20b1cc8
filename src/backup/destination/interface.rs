//! Interface of all destinations.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::backup::catalog::files::{BackupFile, FileName};
use crate::clock::DATE_MS_MAX;
use crate::ltx::{HEADER_BYTES, Header};
use crate::{BackupProblem, Error};

/// Storage for named files, each written once and whole.
///
/// Calls block. A listed file is complete and durable; a listing shows every file that was created before it.
pub trait Destination: Send + Sync {
    /// Name for messages, without credentials.
    fn describe(&self) -> &str;

    /// Takes note of the database, whose owner and permissions the files at a local destination get.
    fn belong_to(&self, _database: &Path) {}

    /// Lists every backup, in no particular order.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`. A destination that does not exist yet is empty.
    fn list(&self) -> Result<Vec<BackupFile>, Error>;

    /// [`Destination::list`] that calls `answered` whenever the destination has answered a part of it.
    ///
    /// # Errors
    ///
    /// As [`Destination::list`].
    fn list_in_parts(&self, _answered: &mut dyn FnMut()) -> Result<Vec<BackupFile>, Error> {
        self.list()
    }

    /// Names that the last listing passed over: they are those of backups, and what they name cannot be one.
    fn foreign(&self) -> Vec<String> {
        Vec::new()
    }

    /// Folder in which new files have to be staged; `None` if any will do.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`.
    fn staging(&self) -> Result<Option<PathBuf>, Error>;

    /// Moves a staged file to its name at the destination. The content is durable before the name appears. Never
    /// overwrites a file.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`; the staged file still exists then, and the created one may, too.
    fn create(&self, name: FileName, staged: &Path, time_ms: i64) -> Result<Created, Error>;

    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`.
    fn open(&self, name: FileName) -> Result<Box<dyn Read + Send>, Error>;

    /// Removes a file. A missing one is no error.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`.
    fn remove(&self, name: FileName) -> Result<(), Error>;

    /// Returns the time of the capture from the file's own header, in milliseconds since 1970 UTC.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`, or `ERR_BACKUP_DAMAGED` if there is no valid header.
    fn captured_ms(&self, name: FileName) -> Result<i64, Error> {
        let mut header = [0; HEADER_BYTES];
        self.open(name)?.read_exact(&mut header).map_err(|error| unusable(name, &error))?;
        timestamp_ms(name, &header)
    }

    /// Returns the checksum at the end of a file; `None` if it cannot be read.
    fn checksum(&self, file: &BackupFile) -> Option<u64>;

    /// Local folder of the destination, if it is one.
    fn root(&self) -> Option<&Path> {
        None
    }

    /// Removes files that killed writers have left behind unfinished.
    fn sweep(&self) {}
}

pub fn timestamp_ms(name: FileName, header: &[u8; HEADER_BYTES]) -> Result<i64, Error> {
    let header = Header::decode(header).map_err(|error| unusable(name, &error))?;
    // The header is not covered by a checksum yet.
    if header.timestamp_ms.unsigned_abs() > DATE_MS_MAX.unsigned_abs() {
        return Err(unusable(name, &"its time is none"));
    }
    Ok(header.timestamp_ms)
}

pub fn unusable(name: FileName, error: &dyn std::fmt::Display) -> Error {
    Error::backup(BackupProblem::Damaged, format!("the backup {name} cannot be used: {error}"))
}

/// Result of [`Destination::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The file was created.
    New,
    /// A file of this name exists and was left alone. The staged file still exists.
    Exists,
}
