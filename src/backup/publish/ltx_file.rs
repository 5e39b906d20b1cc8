//! Files on their way to a destination: written and read back before they get a name there.

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::Path;

use crate::backup::catalog::compaction::Compaction;
use crate::backup::catalog::files::{BackupFile, FileName};
use crate::backup::destination::{Created, Destination};
use crate::backup::fs::temporary::Temporary;
use crate::backup::local::conflict;
use crate::ltx::{Decoder, Encoder, Header};
use crate::{BackupProblem, Error, ltx};

const BUFFER_BYTES: usize = 1 << 16;

/// A file that is complete, and not at its destination yet. Removed when dropped.
#[derive(Debug)]
pub struct StagedFile {
    /// What it will be called.
    pub name: FileName,
    /// When what it holds was captured.
    pub time_ms: i64,
    /// Its length.
    pub bytes: u64,
    /// Its checksum.
    pub checksum: u64,
    file: Temporary,
}

/// A file that is being written. Removed when dropped unfinished.
pub struct LtxWriter {
    name: FileName,
    header: Header,
    encoder: Encoder<BufWriter<File>>,
    /// Last, so that it is closed before it is removed.
    file: Temporary,
}

impl LtxWriter {
    /// Begins a file for a destination, in its own folder or else in `folder`.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`, `ERR_BACKUP_STATE`.
    pub fn begin(
        destination: &dyn Destination,
        folder: &Path,
        name: FileName,
        header: Header,
    ) -> Result<Self, Error> {
        let path = destination.staging()?.unwrap_or_else(|| folder.to_owned()).join(name.file_name());
        let file = Temporary::create(&path).map_err(|error| failed(&path, &error.into()))?;
        let output = File::create(file.path()).map_err(|error| failed(file.path(), &error.into()))?;
        let output = BufWriter::with_capacity(BUFFER_BYTES, output);
        let encoder = Encoder::new(output, header.clone()).map_err(|error| failed(file.path(), &error))?;
        Ok(Self { name, header, encoder, file })
    }

    /// Writes a page.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn page(&mut self, number: u32, page: &[u8]) -> Result<(), Error> {
        self.encoder.page(number, page).map_err(|error| failed(self.file.path(), &error))
    }

    /// Ends the file, which was read back and found right. It is the destination that waits until it is on disk.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn finish(self) -> Result<StagedFile, Error> {
        let Self { name, header, encoder, file } = self;
        let finish = || -> Result<(u64, u64), ltx::LtxError> {
            let (output, written) = encoder.finish()?;
            output.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            Decoder::new(File::open(file.path())?)?.verify()?;
            Ok((written.bytes, written.checksum))
        };
        let (bytes, checksum) = finish().map_err(|error| failed(file.path(), &error))?;
        Ok(StagedFile { name, time_ms: header.timestamp_ms, bytes, checksum, file })
    }
}

impl StagedFile {
    /// As a listing will show it.
    #[must_use]
    pub fn listed(&self) -> BackupFile {
        BackupFile { name: self.name, bytes: self.bytes, time_ms: self.time_ms }
    }

    /// Brings the file to its destination. One that is there already with the same content, because an earlier
    /// attempt was only believed to have failed, is as good.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`; then it can be tried again. `ERR_BACKUP_CONFLICT` if a file of this name with other
    /// content is there.
    pub fn publish(&self, destination: &dyn Destination) -> Result<(), Error> {
        if destination.create(self.name, self.file.path(), self.time_ms)? == Created::New
            || self.is_at(destination)?
        {
            return Ok(());
        }
        Err(conflict::anothers(destination, self.name))
    }

    /// Whether the file was removed by somebody before it was published.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        !self.file.path().exists()
    }

    fn is_at(&self, destination: &dyn Destination) -> Result<bool, Error> {
        let mut there = destination.open(self.name)?;
        let mut here = File::open(self.file.path()).map_err(|error| failed(self.file.path(), &error.into()))?;
        let (mut one, mut other) = (vec![0; BUFFER_BYTES], vec![0; BUFFER_BYTES]);
        loop {
            let read = fill(&mut here, &mut one).map_err(|error| failed(self.file.path(), &error.into()))?;
            let length = fill(&mut there, &mut other).map_err(|error| {
                let message = format!("cannot read {}: {error}", destination.describe());
                Error::backup(BackupProblem::Destination, message)
            })?;
            if one[..read] != other[..length] {
                return Ok(false);
            }
            if read == 0 {
                return Ok(true);
            }
        }
    }
}

/// Reads until the buffer is full or nothing is left.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match input.read(&mut buffer[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

fn failed(path: &Path, error: &ltx::LtxError) -> Error {
    Error::backup(BackupProblem::Destination, format!("cannot write {}: {error}", path.display()))
}

impl std::fmt::Debug for LtxWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LtxWriter").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why files were not merged.
#[derive(Debug)]
pub enum MergeError {
    /// Some of them cannot be used: which, and what to tell.
    Unusable(Vec<FileName>, Error),
    /// Something failed that says nothing against them.
    Failed(Error),
}

impl From<Error> for MergeError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Merges files into one of the level above.
///
/// # Errors
///
/// `ERR_BACKUP_DAMAGED` if one of them cannot be used; `ERR_BACKUP_DESTINATION`.
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

/// Finds out which files are to blame for a merge that has failed: those that cannot be read by themselves, or else the
/// first that does not follow the one before it.
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
        // Read once more they are right, so that the next attempt may succeed.
        let message = format!("{} cannot be merged from {}: {failure}", compaction.name, destination.describe());
        return MergeError::Failed(Error::backup(BackupProblem::Destination, message));
    };
    let more = if unusable.len() > 1 { format!(", and {} more,", unusable.len() - 1) } else { String::new() };
    let message = format!("the backup {first}{more} cannot be merged into {}: {reason}", compaction.name);
    let error = Error::backup(BackupProblem::Damaged, message);
    MergeError::Unusable(unusable.into_iter().map(|(name, _)| name).collect(), error)
}

/// Why a file was not read to its end: it is of no use, or its destination does not answer.
enum ReadError {
    Unusable(String),
    Failed(Error),
}

/// Whether a file passes its own checks.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION` if the destination does not answer, which says nothing against the file.
pub fn is_whole(destination: &dyn Destination, name: FileName) -> Result<bool, Error> {
    match read_whole(destination, name) {
        Ok(_) => Ok(true),
        Err(ReadError::Unusable(_)) => Ok(false),
        Err(ReadError::Failed(error)) => Err(error),
    }
}

/// Reads a file to its end, and returns its header.
fn read_whole(destination: &dyn Destination, name: FileName) -> Result<Header, ReadError> {
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
