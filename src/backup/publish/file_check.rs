//! Integrity check of a single file at a destination.

use crate::backup::catalog::files::FileName;
use crate::backup::destination::Destination;
use crate::ltx::{Decoder, Header};
use crate::{BackupProblem, Error, ltx};

/// Failure to read a file to its end.
#[derive(Debug)]
pub enum ReadError {
    /// The content is invalid; the reason, as a part of a sentence.
    Unusable(String),
    /// The destination does not respond, which is no evidence against the file.
    Failed(Error),
}

/// Returns true if a file passes its own checks.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION` if the destination does not respond.
pub fn is_whole(destination: &dyn Destination, name: FileName) -> Result<bool, Error> {
    match read_whole(destination, name) {
        Ok(_) => Ok(true),
        Err(ReadError::Unusable(_)) => Ok(false),
        Err(ReadError::Failed(error)) => Err(error),
    }
}

/// Reads a file to its end, and returns its header.
///
/// # Errors
///
/// See [`ReadError`].
pub fn read_whole(destination: &dyn Destination, name: FileName) -> Result<Header, ReadError> {
    let input = destination.open(name).map_err(|error| match error.backup_problem() {
        Some(BackupProblem::NotFound) => ReadError::Unusable("it is not there any more".to_owned()),
        _ => ReadError::Failed(error),
    })?;
    let read = || -> Result<Header, ltx::LtxError> {
        let decoder = Decoder::new(input)?;
        let header = decoder.header().clone();
        decoder.verify()?;
        if (header.min_txid, header.max_txid) == (name.min, name.max) {
            Ok(header)
        } else {
            Err(ltx::Violation::Txid.into())
        }
    };
    read().map_err(|error| match error {
        ltx::LtxError::Io(error) if error.kind() == std::io::ErrorKind::NotConnected => {
            let message = format!("cannot read {}: {error}", destination.describe());
            ReadError::Failed(Error::backup(BackupProblem::Destination, message))
        }
        error => ReadError::Unusable(error.to_string()),
    })
}
