//! State file beside a database: the position of the last capture and the page hashes as of then.
//!
//! The file begins with a full record, followed by a record for each capture since, each with its length and a
//! checksum. A capture is recorded before it is published, so that after a crash the destination shows whether it
//! arrived.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use twox_hash::XxHash3_64;

use crate::backup::capture::page_hashes::{Page, PageHash, PageTable};
use crate::backup::fs::access::{Access, make_folder};
use crate::backup::fs::disk;
use crate::backup::fs::replace::replace;
use crate::engine::sqlite::wal::frames::WalMark;
use crate::ltx::{PageSize, Txid};
use crate::{BackupProblem, Error};

/// Magic bytes with the version of the format.
const MAGIC: [u8; 8] = *b"rcstate2";

/// Encoding of an unknown time.
const UNKNOWN_NS: u64 = u64::MAX;

/// Smallest total size of capture records after which a full record is written.
const CAPTURES_BYTES_MIN: u64 = 256 << 10;

/// Position of a capture: the transaction of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Transaction number.
    pub txid: Txid,
    /// Checksum of the backup file; 0 if unknown.
    pub checksum: u64,
    /// Time of the capture, in milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// Position in the write-ahead log, if there was one.
    pub wal: Option<WalMark>,
    /// Modification time of the database file then ([`disk::written_ns`]), if known.
    pub written_ns: Option<u64>,
}

/// State of the last capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Destination of the captures.
    pub destination: String,
    /// Position of the last capture.
    pub position: Position,
    /// Page hashes as of then.
    pub table: PageTable,
}

/// Content of a state file.
#[derive(Debug)]
pub struct Loaded {
    /// State as of the last record.
    pub known: Known,
    /// State as of the record before, if there is one.
    pub before_last: Option<Known>,
    /// Older versions of pages: those that recorded captures replaced, and those in the database file beneath its
    /// log.
    pub older: HashSet<Page>,
}

/// State file, open for appending once it was written.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// Access of the folder, for when somebody has removed it.
    access: Option<Access>,
    file: Option<File>,
    base_bytes: u64,
    captures_bytes: u64,
}

impl StateFile {
    /// Opens the state file in a folder and loads it; `None` if it is missing or damaged.
    #[must_use]
    pub fn open(folder: &Path) -> (Self, Option<Loaded>) {
        let path = folder.join("pages");
        let loaded = load(&path);
        // Appends only to records of this process: a torn record may be at the end of others.
        (Self { path, access: Access::of(folder), file: None, base_bytes: 0, captures_bytes: 0 }, loaded)
    }

    /// Writes a full record, with the pages that the database file holds beneath its log (`checkpointed`).
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn rewrite(&mut self, known: &Known, checkpointed: &[Page]) -> Result<(), Error> {
        let mut bytes = MAGIC.to_vec();
        push_record(&mut bytes, &encode_base(known, checkpointed));
        self.file = None;
        let written = replace(&self.path, &bytes).and_then(|()| File::options().append(true).open(&self.path));
        self.file = Some(written.map_err(|error| self.failed(&error))?);
        self.base_bytes = bytes.len() as u64;
        self.captures_bytes = 0;
        Ok(())
    }

    /// Returns true if a capture can be appended. False if a full record is due.
    #[must_use]
    pub fn takes_more(&self) -> bool {
        self.file.is_some() && self.captures_bytes <= self.base_bytes.max(CAPTURES_BYTES_MIN)
    }

    /// Appends the record of a capture: the changed pages with their new hashes, and after a restart of the log the
    /// pages that the database file holds beneath it (`checkpointed`). Requires [`StateFile::takes_more`].
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn append(&mut self, known: &Known, changes: &[Page], checkpointed: &[Page]) -> Result<(), Error> {
        let mut bytes = Vec::new();
        push_record(&mut bytes, &encode_capture(known, changes, checkpointed));
        let Some(file) = &mut self.file else { return Err(Error::internal("nothing was recorded before")) };
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        self.captures_bytes += bytes.len() as u64;
        written.map_err(|error| {
            // A torn record would hide everything appended later.
            self.file = None;
            self.failed(&error)
        })
    }

    /// Recreates the folder if somebody has removed it.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn make_folder(&self) -> Result<(), Error> {
        make_folder(disk::folder_of(&self.path), self.access).map_err(|error| self.failed(&error))
    }

    /// Removes the state.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn forget(&mut self) -> Result<(), Error> {
        self.file = None;
        let removed = disk::remove(&self.path).and_then(|()| disk::sync_folder(disk::folder_of(&self.path)));
        removed.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Error {
        let message = format!("cannot write {}, which backups need: {error}", self.path.display());
        Error::backup(BackupProblem::State, message)
    }
}

fn load(path: &Path) -> Option<Loaded> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.read_to_end(&mut bytes).ok()?;
    let mut input = bytes.strip_prefix(&MAGIC)?;
    let (known, checkpointed) = decode_base(&mut read_record(&mut input)?)?;
    let mut loaded = Loaded { known, before_last: None, older: HashSet::from_iter(checkpointed) };
    let mut next = next_capture(&mut input);
    while let Some(CaptureRecord { position, commit, changes, checkpointed }) = next {
        if commit as usize > loaded.known.table.hashes.len() + changes.len() + 1 {
            // Added pages are always among the changed ones, except for the lock page.
            break;
        }
        next = next_capture(&mut input);
        if next.is_none() {
            loaded.before_last = Some(loaded.known.clone());
        }
        loaded.older.extend(checkpointed);
        for (number, _) in &changes {
            loaded.older.extend(loaded.known.table.get(*number).map(|hash| (*number, hash)));
        }
        loaded.known.position = position;
        loaded.known.table.apply(commit, &changes);
    }
    Some(loaded)
}

fn next_capture(input: &mut &[u8]) -> Option<CaptureRecord> {
    decode_capture(&mut read_record(input)?)
}

fn push_record(bytes: &mut Vec<u8>, record: &[u8]) {
    bytes.extend_from_slice(&(record.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&XxHash3_64::oneshot(record).to_le_bytes());
    bytes.extend_from_slice(record);
}

/// Reads the next record, if it is complete.
fn read_record<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u64::from_le_bytes(take(input)?)).ok()?;
    let checksum = u64::from_le_bytes(take(input)?);
    let (record, rest) = input.split_at_checked(length)?;
    *input = rest;
    (XxHash3_64::oneshot(record) == checksum).then_some(record)
}

fn encode_base(known: &Known, checkpointed: &[Page]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(known.table.hashes.len() * size_of::<PageHash>() + 256);
    push_position(&mut bytes, &known.position);
    bytes.extend_from_slice(&known.table.seed.to_le_bytes());
    bytes.extend_from_slice(&known.table.page_size.get().to_le_bytes());
    bytes.extend_from_slice(&(known.destination.len() as u64).to_le_bytes());
    bytes.extend_from_slice(known.destination.as_bytes());
    push_pages(&mut bytes, checkpointed);
    for hash in &known.table.hashes {
        bytes.extend_from_slice(&hash.to_le_bytes());
    }
    bytes
}

/// Decodes a full record: the state, and the pages beneath the log.
fn decode_base(input: &mut &[u8]) -> Option<(Known, Vec<Page>)> {
    let position = read_position(input)?;
    let seed = u64::from_le_bytes(take(input)?);
    let page_size = PageSize::new(u32::from_le_bytes(take(input)?)).ok()?;
    let length = usize::try_from(u64::from_le_bytes(take(input)?)).ok()?;
    let (destination, rest) = input.split_at_checked(length)?;
    *input = rest;
    let checkpointed = read_pages(input)?;
    let hashes = input.chunks_exact(size_of::<PageHash>());
    let hashes = hashes.map(|bytes| PageHash::from_le_bytes(std::array::from_fn(|index| bytes[index]))).collect();
    let destination = String::from_utf8(destination.to_vec()).ok()?;
    Some((Known { destination, position, table: PageTable { seed, page_size, hashes } }, checkpointed))
}

/// Record of a capture.
struct CaptureRecord {
    position: Position,
    /// Size of the database in pages.
    commit: u32,
    changes: Vec<Page>,
    /// Pages that the database file held beneath its log, if that was restarted.
    checkpointed: Vec<Page>,
}

fn encode_capture(known: &Known, changes: &[Page], checkpointed: &[Page]) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_position(&mut bytes, &known.position);
    // A database has at most 2^32 - 2 pages.
    let commit = u32::try_from(known.table.hashes.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&commit.to_le_bytes());
    push_pages(&mut bytes, changes);
    push_pages(&mut bytes, checkpointed);
    bytes
}

fn decode_capture(input: &mut &[u8]) -> Option<CaptureRecord> {
    let position = read_position(input)?;
    let commit = u32::from_le_bytes(take(input)?);
    Some(CaptureRecord { position, commit, changes: read_pages(input)?, checkpointed: read_pages(input)? })
}

fn push_pages(bytes: &mut Vec<u8>, pages: &[Page]) {
    bytes.extend_from_slice(&(pages.len() as u64).to_le_bytes());
    for (number, hash) in pages {
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&hash.to_le_bytes());
    }
}

fn read_pages(input: &mut &[u8]) -> Option<Vec<Page>> {
    let count = u64::from_le_bytes(take(input)?);
    let mut page = || Some((u32::from_le_bytes(take(input)?), PageHash::from_le_bytes(take(input)?)));
    (0..count).map(|_| page()).collect()
}

fn push_position(bytes: &mut Vec<u8>, position: &Position) {
    bytes.extend_from_slice(&position.txid.get().to_le_bytes());
    bytes.extend_from_slice(&position.checksum.to_le_bytes());
    bytes.extend_from_slice(&position.time_ms.to_le_bytes());
    bytes.push(position.wal.is_some().into());
    let wal = position.wal.unwrap_or_default();
    for number in [wal.salts[0], wal.salts[1], wal.frames] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&position.written_ns.unwrap_or(UNKNOWN_NS).to_le_bytes());
}

fn read_position(input: &mut &[u8]) -> Option<Position> {
    let txid = Txid::new(u64::from_le_bytes(take(input)?)).ok()?;
    let checksum = u64::from_le_bytes(take(input)?);
    let time_ms = i64::from_le_bytes(take(input)?);
    let [has_wal] = take(input)?;
    let mut number = || take(input).map(u32::from_le_bytes);
    let wal = WalMark { salts: [number()?, number()?], frames: number()? };
    let written_ns = Some(u64::from_le_bytes(take(input)?)).filter(|time| *time != UNKNOWN_NS);
    Some(Position { txid, checksum, time_ms, wal: (has_wal == 1).then_some(wal), written_ns })
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(txid: u64, hashes: &[PageHash]) -> Known {
        let mut table = PageTable::new(PageSize::new(512).unwrap());
        table.hashes = hashes.to_vec();
        table.seed = 5;
        let wal = txid.is_multiple_of(2).then_some(WalMark { salts: [1, 2], frames: 3 });
        let written_ns = txid.is_multiple_of(3).then_some(txid);
        let position = Position { txid: Txid::new(txid).unwrap(), checksum: txid * 7, time_ms: 9, wal, written_ns };
        Known { destination: "s3://bucket/prefix".to_owned(), position, table }
    }

    #[test]
    fn captures_are_read_back_and_the_state_before_the_last_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, loaded) = StateFile::open(folder.path());
        assert!(loaded.is_none());
        state.rewrite(&known(1, &[10, 20]), &[(1, 9), (7, 8)]).unwrap();
        state.append(&known(2, &[10, 21, 30]), &[(2, 21), (3, 30)], &[]).unwrap();
        state.append(&known(3, &[11]), &[(1, 11)], &[(5, 6)]).unwrap();

        let (_, loaded) = StateFile::open(folder.path());
        let loaded = loaded.unwrap();
        assert_eq!(loaded.known, known(3, &[11]));
        assert_eq!(loaded.before_last, Some(known(2, &[10, 21, 30])));
        assert_eq!(loaded.older, HashSet::from([(1, 9), (7, 8), (2, 20), (1, 10), (5, 6)]));
    }

    #[test]
    fn a_torn_record_is_as_if_it_were_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, _) = StateFile::open(folder.path());
        state.rewrite(&known(1, &[10]), &[]).unwrap();
        let whole = std::fs::read(folder.path().join("pages")).unwrap().len();
        state.append(&known(2, &[11]), &[(1, 11)], &[]).unwrap();
        let bytes = std::fs::read(folder.path().join("pages")).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(folder.path().join("pages"), &bytes[..length]).unwrap();
            let (_, loaded) = StateFile::open(folder.path());
            let expected = (length >= whole).then(|| known(1, &[10]));
            assert_eq!(loaded.map(|loaded| loaded.known), expected, "{length} bytes");
        }
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            std::fs::write(folder.path().join("pages"), &damaged).unwrap();
            let (_, loaded) = StateFile::open(folder.path());
            assert_ne!(loaded.map(|loaded| loaded.known), Some(known(2, &[11])), "byte {place}");
        }
    }

    #[test]
    fn many_captures_do_not_make_the_file_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, _) = StateFile::open(folder.path());
        state.rewrite(&known(1, &[10]), &[]).unwrap();
        let changes: Vec<Page> = vec![(1, 10); 1000];
        for txid in 2..100 {
            if state.takes_more() {
                state.append(&known(txid, &[10]), &changes, &[]).unwrap();
            } else {
                state.rewrite(&known(txid, &[10]), &[]).unwrap();
            }
        }
        let bytes = std::fs::metadata(folder.path().join("pages")).unwrap().len();
        assert!(bytes < 2 * CAPTURES_BYTES_MIN, "{bytes} bytes");
        assert_eq!(StateFile::open(folder.path()).1.unwrap().known, known(99, &[10]));
    }
}
