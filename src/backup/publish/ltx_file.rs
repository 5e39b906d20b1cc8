//! Staged LTX files: written and verified before they are published.

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::Path;

use crate::backup::catalog::files::{BackupFile, FileName};
use crate::backup::destination::{Created, Destination};
use crate::backup::fs::temporary::Temporary;
use crate::backup::local::conflict;
use crate::ltx::{Decoder, Encoder, Header};
use crate::{BackupProblem, Error, ltx};

const BUFFER_BYTES: usize = 1 << 16;

/// Complete file that is not published yet. Removed when dropped.
#[derive(Debug)]
pub struct StagedFile {
    /// Name at the destination.
    pub name: FileName,
    /// Time of the capture, in milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// Length in bytes.
    pub bytes: u64,
    /// Checksum at the end of the file.
    pub checksum: u64,
    file: Temporary,
}

/// File that is being written. Removed when dropped unfinished.
pub struct LtxWriter {
    name: FileName,
    header: Header,
    encoder: Encoder<BufWriter<File>>,
    /// Declared last, so that the file is closed before it is removed.
    file: Temporary,
}

impl LtxWriter {
    /// Begins a file, in the staging folder of the destination or else in `folder`.
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

    /// Ends the file and verifies it by reading it back. The destination syncs it later.
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
    /// Entry that a listing will show.
    #[must_use]
    pub fn listed(&self) -> BackupFile {
        BackupFile { name: self.name, bytes: self.bytes, time_ms: self.time_ms }
    }

    /// Publishes the file. If an identical file is already there, an earlier attempt that was reported as failed has
    /// succeeded.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`, which can be retried; `ERR_BACKUP_CONFLICT` if the name is taken by other content.
    pub fn publish(&self, destination: &dyn Destination) -> Result<(), Error> {
        if FileName::parse(self.name.level, &self.name.file_name()) != Some(self.name) {
            let message = format!("{} would not be listed under that number; use another destination", self.name);
            return Err(Error::backup(BackupProblem::State, message));
        }
        if destination.create(self.name, self.file.path(), self.time_ms)? == Created::New
            || self.is_at(destination)?
        {
            return Ok(());
        }
        Err(conflict::anothers(destination, self.name))
    }

    /// Returns true if somebody has removed the file before it was published.
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

/// Reads until the buffer is full or the input ends.
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
