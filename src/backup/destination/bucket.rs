//! Object stores: S3 and compatible ones, Google Cloud Storage, Azure.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Runtime;

use super::foreign::{Foreign, unread};
use super::interface::{Created, Destination, timestamp_ms, unusable};
use super::layout::Layout;
use super::response::short_reason;
use crate::backup::catalog::files::{BackupFile, FileName, Level};
use crate::backup::fs::disk;
use crate::ltx::HEADER_BYTES;
use crate::{BackupProblem, Error};

/// Bytes per ranged read.
const READ_BYTES: u64 = 1 << 20;

/// Longest time for the removal of what earlier writers have left unfinished. The rest is for another time.
const SWEEP_TIME_MAX: Duration = Duration::from_secs(20);

/// Longest time of a listing, of every level.
const LISTING_TIME_MAX: Duration = Duration::from_secs(120);

/// Prefix of an object store.
pub struct Bucket {
    pub(super) store: Arc<dyn ObjectStore>,
    runtime: Arc<Runtime>,
    pub(super) prefix: Key,
    pub(super) layout: Layout,
    description: String,
    foreign: Foreign,
}

impl Bucket {
    /// Creates the destination below a prefix.
    ///
    /// # Errors
    ///
    /// `ERR_INTERNAL` if the system is out of descriptors.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        layout: Layout,
        description: String,
    ) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::internal(&format!("cannot make a runtime: {error}")))?;
        let (runtime, prefix, foreign) = (Arc::new(runtime), Key::from(prefix), Foreign::default());
        Ok(Self { store, runtime, prefix, layout, description, foreign })
    }

    fn level(&self, level: Level) -> Key {
        Key::from(format!("{}/{}", self.prefix, self.layout.level(level)))
    }

    fn key(&self, name: FileName) -> Key {
        self.level(name.level).join(name.file_name())
    }

    fn failed(&self, what: &str, error: &object_store::Error) -> Error {
        Error::backup(BackupProblem::Destination, format!("cannot {what} {}: {}", self.description, reason(error)))
    }

    /// Error of reading one file, which may be gone; where a listing or a write finds nothing, the bucket is missing.
    fn failed_to_read(&self, error: &object_store::Error) -> Error {
        match error {
            object_store::Error::NotFound { .. } => Error::backup(
                BackupProblem::NotFound,
                format!("cannot read {}: {}", self.description, reason(error)),
            ),
            _ => self.failed("read", error),
        }
    }

    fn unlisted(&self, problem: &str) -> Error {
        Error::backup(BackupProblem::Destination, format!("cannot list {}: {problem}", self.description))
    }
}

/// Innermost cause of an error, which contains neither requests nor signatures, and shortened.
fn reason(error: &object_store::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    short_reason(cause)
}

impl Destination for Bucket {
    fn describe(&self) -> &str {
        &self.description
    }

    fn list(&self) -> Result<Vec<BackupFile>, Error> {
        self.list_in_parts(&mut || {})
    }

    fn list_in_parts(&self, answered: &mut dyn FnMut()) -> Result<Vec<BackupFile>, Error> {
        let (mut files, mut foreign) = (Vec::new(), BTreeSet::new());
        let deadline = Instant::now() + LISTING_TIME_MAX;
        for level in Level::all() {
            let folder = self.level(level);
            let listed = self.runtime.block_on(async {
                let left = deadline.saturating_duration_since(Instant::now());
                tokio::time::timeout(left, self.store.list_with_delimiter(Some(&folder))).await
            });
            let listed = listed.map_err(|_| self.unlisted("that takes too long"))?;
            let listed = listed.map_err(|error| self.failed("list", &error))?;
            answered();
            for object in &listed.objects {
                let Some(mut parts) = object.location.prefix_match(&folder) else {
                    return Err(self.unlisted("its answer is a listing of something else"));
                };
                // Objects that lie deeper are not backups.
                let (Some(name), None) = (parts.next(), parts.next()) else { continue };
                let name = name.as_ref();
                foreign.extend(unread(level, name));
                let time_ms = object.last_modified.timestamp_millis();
                let name = FileName::parse(level, name);
                files.extend(name.map(|name| BackupFile { name, bytes: object.size, time_ms }));
            }
        }
        self.foreign.pass_over(self, files, foreign)
    }

    fn foreign(&self) -> Vec<String> {
        self.foreign.names()
    }

    fn staging(&self) -> Result<Option<PathBuf>, Error> {
        Ok(None)
    }

    fn create(&self, name: FileName, staged: &Path, time_ms: i64) -> Result<Created, Error> {
        let key = self.key(name);
        let put = self.runtime.block_on(self.put(&key, staged, time_ms));
        match put {
            Ok(()) => {
                // A leftover is removed when the store is opened the next time.
                drop(disk::remove(staged));
                Ok(Created::New)
            }
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(Created::Exists)
            }
            Err(error) => Err(self.failed("write to", &error)),
        }
    }

    fn open(&self, name: FileName) -> Result<Box<dyn Read + Send>, Error> {
        let key = self.key(name);
        let head = self.runtime.block_on(self.store.head(&key)).map_err(|error| self.failed_to_read(&error))?;
        Ok(Box::new(ObjectReader {
            store: Arc::clone(&self.store),
            runtime: Arc::clone(&self.runtime),
            key,
            size: head.size,
            offset: 0,
            buffered: Vec::new(),
            read: 0,
        }))
    }

    fn checksum(&self, file: &BackupFile) -> Option<u64> {
        let range = file.bytes.checked_sub(8)?..file.bytes;
        let bytes = self.runtime.block_on(self.store.get_range(&self.key(file.name), range)).ok()?;
        Some(u64::from_be_bytes(bytes.as_ref().try_into().ok()?))
    }

    fn captured_ms(&self, name: FileName) -> Result<i64, Error> {
        let range = 0..HEADER_BYTES as u64;
        let header = self.runtime.block_on(self.store.get_range(&self.key(name), range));
        let header = header.map_err(|error| self.failed_to_read(&error))?;
        timestamp_ms(name, header.as_ref().try_into().map_err(|error| unusable(name, &error))?)
    }

    fn sweep(&self) {
        if !self.layout.completes_once() {
            // Leftovers are in nobody's way.
            let removed = async { tokio::time::timeout(SWEEP_TIME_MAX, self.remove_unnamed()).await };
            drop(self.runtime.block_on(removed));
        }
    }

    fn remove(&self, name: FileName) -> Result<(), Error> {
        match self.runtime.block_on(self.store.delete(&self.key(name))) {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(self.failed("write to", &error)),
        }
    }
}

/// Converts an error of the connection: it is no evidence against the object, unless that is missing.
fn unreachable(error: &object_store::Error) -> io::Error {
    let kind = match error {
        object_store::Error::NotFound { .. } => io::ErrorKind::NotFound,
        _ => io::ErrorKind::NotConnected,
    };
    io::Error::new(kind, reason(error))
}

/// Reader of an object, by ranges.
struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    runtime: Arc<Runtime>,
    key: Key,
    size: u64,
    /// Offset of the next range.
    offset: u64,
    /// Last range, and the number of its bytes that were consumed.
    buffered: Vec<u8>,
    read: usize,
}

impl ObjectReader {
    fn fetch(&mut self) -> io::Result<()> {
        let range: Range<u64> = self.offset..self.size.min(self.offset + READ_BYTES);
        let length = range.end - range.start;
        let piece = self.runtime.block_on(self.store.get_range(&self.key, range));
        let piece = piece.map_err(|error| unreachable(&error))?;
        if piece.len() as u64 != length {
            let reason = format!("{length} bytes were asked for, and {} sent", piece.len());
            return Err(io::Error::new(io::ErrorKind::NotConnected, reason));
        }
        self.buffered = piece.to_vec();
        self.offset += self.buffered.len() as u64;
        self.read = 0;
        Ok(())
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.buffered.len() && self.offset < self.size {
            self.fetch()?;
        }
        let left = &self.buffered[self.read..];
        let length = left.len().min(buffer.len());
        buffer[..length].copy_from_slice(&left[..length]);
        self.read += length;
        Ok(length)
    }
}
