//! Files on their way to a destination: written and read back before they get a name there.

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
