//! Merge of files at a destination.

use std::path::Path;

use super::file_check::{ReadError, read_whole};
use super::ltx_file::{LtxWriter, StagedFile};
use crate::backup::catalog::compaction::Compaction;
use crate::backup::catalog::files::{BackupFile, FileName};
use crate::backup::destination::Destination;
use crate::ltx::Header;
use crate::{BackupProblem, Error, ltx};

/// Failure of a merge.
#[derive(Debug)]
pub enum MergeError {
    /// Some inputs are unusable: their names, and the error to report.
    Unusable(Vec<FileName>, Error),
    /// Something else failed, which is no evidence against the inputs.
    Failed(Error),
}

impl From<Error> for MergeError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Merges files into one of the next level.
///
/// # Errors
///
/// `ERR_BACKUP_DAMAGED` if an input is unusable; `ERR_BACKUP_DESTINATION`.
pub fn merge(
    destination: &dyn Destination,
    folder: &Path,
    compaction: &Compaction,
) -> Result<StagedFile, MergeError> {
    let mut inputs = Vec::new();
    for file in &compaction.inputs {
        match destination.open(file.name) {
            Ok(input) => inputs.push(input),
            Err(error) if error.backup_problem() == Some(BackupProblem::NotFound) => {
                return Err(blamed(destination, compaction, &error));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let merge = ltx::Merge::new(inputs).map_err(|error| blamed(destination, compaction, &error))?;
    let header = merge.header().clone();
    if (header.min_txid, header.max_txid) != (compaction.name.min, compaction.name.max) {
        return Err(blamed(destination, compaction, &ltx::Violation::Txid));
    }
    let mut writing = LtxWriter::begin(destination, folder, compaction.name, header)?;
    let mut failure = None;
    let merged = merge.pages(|number, page| {
        writing.page(number, page).map_err(|error| {
            failure = Some(error);
            std::io::Error::other("the merged file cannot be written").into()
        })
    });
    match (merged, failure) {
        (Ok(()), _) => Ok(writing.finish()?),
        (Err(_), Some(error)) => Err(error.into()),
        (Err(error), None) => Err(blamed(destination, compaction, &error)),
    }
}

/// Finds the inputs that made a merge fail: those that fail their own checks, or else the first that does not
/// continue the one before it.
fn blamed(destination: &dyn Destination, compaction: &Compaction, failure: &dyn std::fmt::Display) -> MergeError {
    let mut unusable: Vec<(FileName, String)> = Vec::new();
    let mut unrelated: Option<(FileName, String)> = None;
    let mut before: Option<Header> = None;
    for BackupFile { name, .. } in &compaction.inputs {
        match read_whole(destination, *name) {
            Ok(header) => {
                let follows = before.as_ref().map_or(Ok(()), |before| ltx::chain(before, None, &header));
                if let Err(error) = follows {
                    unrelated.get_or_insert((*name, error.to_string()));
                }
                before = Some(header);
            }
            Err(ReadError::Unusable(reason)) => unusable.push((*name, reason)),
            Err(ReadError::Failed(error)) => return MergeError::Failed(error),
        }
    }
    if unusable.is_empty() {
        unusable.extend(unrelated);
    }
    let Some((first, reason)) = unusable.first() else {
        // All inputs are valid when read again, so the next attempt may succeed.
        let message = format!("{} cannot be merged from {}: {failure}", compaction.name, destination.describe());
        return MergeError::Failed(Error::backup(BackupProblem::Destination, message));
    };
    let more = if unusable.len() > 1 { format!(", and {} more,", unusable.len() - 1) } else { String::new() };
    let message = format!("the backup {first}{more} cannot be merged into {}: {reason}", compaction.name);
    let error = Error::backup(BackupProblem::Damaged, message);
    MergeError::Unusable(unusable.into_iter().map(|(name, _)| name).collect(), error)
}
