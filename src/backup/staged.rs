//! Files on their way to a destination: written and read back before they get a name there.

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::conflict;
use super::destination::{Created, Destination};
use super::disk;
use super::files::{BackupFile, FileName};
use crate::ltx::{Decoder, Encoder, Header};
use crate::{BackupProblem, Error, ltx};

const BUFFER_BYTES: usize = 1 << 16;

/// A file that is complete, and not at its destination yet. Removed when dropped.
#[derive(Debug)]
pub struct Staged {
    /// What it will be called.
    pub name: FileName,
    /// When what it holds was captured.
    pub time_ms: i64,
    /// Its length.
    pub bytes: u64,
    /// Its checksum.
    pub checksum: u64,
    path: PathBuf,
}

/// A file that is being written. Removed when dropped unfinished.
pub struct Writing {
    name: FileName,
    header: Header,
    encoder: Option<Encoder<BufWriter<File>>>,
    path: PathBuf,
}

impl Writing {
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
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = destination.staging()?.unwrap_or_else(|| folder.to_owned());
        let unique = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(format!("{}.{unique}.tmp", name.file_name()));
        let file = File::create(&path).map_err(|error| failed(&path, &error.into()))?;
        let output = BufWriter::with_capacity(BUFFER_BYTES, file);
        let encoder = Encoder::new(output, header.clone()).map_err(|error| failed(&path, &error))?;
        Ok(Self { name, header, encoder: Some(encoder), path })
    }

    /// Writes a page.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn page(&mut self, number: u32, page: &[u8]) -> Result<(), Error> {
        let encoder = self.encoder.as_mut().ok_or_else(|| Error::internal("a file that was finished"))?;
        encoder.page(number, page).map_err(|error| failed(&self.path, &error))
    }

    /// Ends the file, which was read back and found right. It is the destination that waits until it is on disk.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn finish(mut self) -> Result<Staged, Error> {
        let encoder = self.encoder.take().ok_or_else(|| Error::internal("a file that was finished"))?;
        let finish = || -> Result<(u64, u64), ltx::Error> {
            let (output, written) = encoder.finish()?;
            output.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            Decoder::new(File::open(&self.path)?)?.verify()?;
            Ok((written.bytes, written.checksum))
        };
        let (bytes, checksum) = finish().map_err(|error| failed(&self.path, &error))?;
        let path = std::mem::take(&mut self.path);
        Ok(Staged { name: self.name, time_ms: self.header.timestamp_ms, bytes, checksum, path })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        discard(&self.path);
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        discard(&self.path);
    }
}

/// What cannot be removed lies about under a name that no listing takes for a backup.
fn discard(path: &Path) {
    if !path.as_os_str().is_empty() {
        drop(disk::remove(path));
    }
}

impl Staged {
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
        if destination.create(self.name, &self.path, self.time_ms)? == Created::New || self.is_at(destination)? {
            return Ok(());
        }
        Err(conflict::error(destination, &format!("a backup {} that is not of this file", self.name)))
    }

    /// Whether the file was removed by somebody before it was published.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        !self.path.exists()
    }

    fn is_at(&self, destination: &dyn Destination) -> Result<bool, Error> {
        let mut there = destination.open(self.name)?;
        let mut here = File::open(&self.path).map_err(|error| failed(&self.path, &error.into()))?;
        let (mut one, mut other) = (vec![0; BUFFER_BYTES], vec![0; BUFFER_BYTES]);
        loop {
            let read = fill(&mut here, &mut one).map_err(|error| failed(&self.path, &error.into()))?;
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

fn failed(path: &Path, error: &ltx::Error) -> Error {
    Error::backup(BackupProblem::Destination, format!("cannot write {}: {error}", path.display()))
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").field("name", &self.name).finish_non_exhaustive()
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
    compaction: &super::compaction::Compaction,
) -> Result<Staged, Error> {
    let inputs: Result<Vec<_>, Error> = compaction.inputs.iter().map(|file| destination.open(file.name)).collect();
    let damaged = |error: &dyn std::fmt::Display| {
        let message = format!("the backups that make {} cannot be merged: {error}", compaction.name);
        Error::backup(BackupProblem::Damaged, message)
    };
    let merge = ltx::Merge::new(inputs?).map_err(|error| damaged(&error))?;
    let header = merge.header().clone();
    if (header.min_txid, header.max_txid) != (compaction.name.min, compaction.name.max) {
        return Err(damaged(&ltx::Violation::Txid));
    }
    let mut writing = Writing::begin(destination, folder, compaction.name, header)?;
    let mut failure = None;
    let merged = merge.pages(|number, page| {
        writing.page(number, page).map_err(|error| {
            failure = Some(error);
            std::io::Error::other("the merged file cannot be written").into()
        })
    });
    match (merged, failure) {
        (Ok(()), _) => writing.finish(),
        (Err(_), Some(error)) => Err(error),
        (Err(error), None) => Err(damaged(&error)),
    }
}
