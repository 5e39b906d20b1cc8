//! Scan of the committed frames of a write-ahead log (sqlite.org/fileformat.html, "The Write-Ahead Log").
//!
//! SQLite treats everything behind a damaged frame as uncommitted, without an error. The position that a backup has
//! recorded shows whether frames are missing.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::index_header::WalIndexHeader;

/// Bytes of the header of a log.
pub const HEADER_BYTES: usize = 32;

/// Bytes of the header of a frame.
pub const FRAME_HEADER_BYTES: usize = 24;
const BUFFER_BYTES: usize = 1 << 18;

/// Magic number of logs with little-endian checksums; plus one for big-endian.
const MAGIC: u32 = 0x377f_0682;

/// Position in a log: the log's salts and the number of committed frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalMark {
    /// Salts, which change when a log is restarted.
    pub salts: [u32; 2],
    /// Number of committed frames.
    pub frames: u32,
}

/// Path of a database's log, with symbolic links resolved as SQLite does.
#[must_use]
pub fn wal_path(database: &Path) -> PathBuf {
    let mut path = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
    path.push("-wal");
    path.into()
}

/// Finds the last commit in a database's log, as SQLite's recovery does; `None` if there is no log or it has no valid
/// header.
#[must_use]
pub fn read_mark(database: &Path) -> Option<WalMark> {
    let frames = read_frames(database)?;
    let salts = frames.salts;
    let committed = (1..).zip(frames).filter(|(_, frame)| frame.commit.is_some()).last();
    Some(WalMark { salts, frames: committed.map_or(0, |(number, _)| number) })
}

/// Returns the numbers of the pages in a database's log.
#[must_use]
pub fn read_pages(database: &Path) -> BTreeSet<u32> {
    read_frames(database).into_iter().flatten().map(|frame| frame.page).collect()
}

/// A frame that is visited.
pub struct FrameVisit<'a> {
    /// Number of the page.
    pub page: u32,
    /// It ends a transaction.
    pub is_commit: bool,
    /// It continues the log. Others are of the same log too, by their salts, but lie behind something damaged.
    pub is_valid: bool,
    /// The page.
    pub bytes: &'a [u8],
}

/// Visits every frame of a database's log, also those behind a damaged one. Returns the size of a page and the salts; `None` if
/// there is no log or it has no valid header.
pub fn visit_frames(database: &Path, mut visit: impl FnMut(FrameVisit)) -> Option<(usize, [u32; 2])> {
    let mut frames = read_frames(database)?;
    let mut is_valid = true;
    loop {
        let frame = frames.next();
        is_valid &= frame.is_some();
        if frames.is_at_end || [field(&frames.bytes, 8), field(&frames.bytes, 12)] != frames.salts {
            return Some((frames.page_bytes, frames.salts));
        }
        let is_commit = field(&frames.bytes, 4) > 0;
        visit(FrameVisit {
            page: field(&frames.bytes, 0),
            is_commit,
            is_valid,
            bytes: &frames.bytes[FRAME_HEADER_BYTES..],
        });
    }
}

fn read_frames(database: &Path) -> Option<Frames> {
    let file = File::open(wal_path(database)).ok()?;
    let mut input = BufReader::with_capacity(BUFFER_BYTES, file);
    let header = WalHeader::read(&mut input)?;
    let checksum = header.checksum()?;
    Some(Frames {
        input,
        page_bytes: header.page_bytes()?,
        salts: header.salts(),
        checksum,
        bytes: Vec::new(),
        is_at_end: false,
    })
}

/// Header of a log ("WAL Header Format").
struct WalHeader([u8; HEADER_BYTES]);

impl WalHeader {
    fn read(input: &mut impl Read) -> Option<Self> {
        let mut bytes = [0; HEADER_BYTES];
        input.read_exact(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    fn big_endian(&self) -> Option<bool> {
        match field(&self.0, 0) ^ MAGIC {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn page_bytes(&self) -> Option<usize> {
        match field(&self.0, 8) {
            1 => Some(65_536),
            bytes @ 512..=65_536 => Some(bytes as usize),
            _ => None,
        }
    }

    fn salts(&self) -> [u32; 2] {
        [field(&self.0, 16), field(&self.0, 20)]
    }

    /// Returns the running checksum after the header; `None` if the stored one is wrong.
    fn checksum(&self) -> Option<Checksum> {
        let mut checksum = Checksum { big_endian: self.big_endian()?, sums: [0, 0] };
        checksum.update(&self.0[..24]);
        (checksum.sums == [field(&self.0, 24), field(&self.0, 28)]).then_some(checksum)
    }
}

/// State of a database in write-ahead mode, according to its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalState {
    /// Position in the log.
    pub mark: WalMark,
    page_bytes: u32,
    checksum: Checksum,
}

impl WalState {
    /// Reads the state from a header of the WAL-index (sqlite.org/walformat.html, "The WAL-Index Header").
    #[must_use]
    pub fn new(header: WalIndexHeader) -> Self {
        let checksum = Checksum { big_endian: header.has_big_endian_checksums(), sums: header.frame_checksum() };
        let mark = WalMark { salts: header.salts(), frames: header.frames() };
        Self { mark, page_bytes: header.page_bytes(), checksum }
    }
}

/// Pages that were written between two states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Page numbers.
    pub pages: BTreeSet<u32>,
    /// Smallest size of the database in pages at any commit.
    pub least: u32,
}

impl Written {
    /// Adds other pages.
    pub fn add(&mut self, other: &Self) {
        self.pages.extend(&other.pages);
        self.least = self.least.min(other.least);
    }
}

/// Header of a frame ("Frame Header Format").
pub struct FrameHeader {
    /// Number of the page.
    pub page: u32,
    /// Size of the database in pages, if the frame ends a transaction.
    pub commit: Option<u32>,
    /// Salts of its log.
    pub salts: [u32; 2],
}

impl FrameHeader {
    /// Reads a header; `None` if it is shorter.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..FRAME_HEADER_BYTES)?;
        let commit = Some(field(bytes, 4)).filter(|commit| *commit > 0);
        Some(Self { page: field(bytes, 0), commit, salts: [field(bytes, 8), field(bytes, 12)] })
    }
}

/// Reads the frames of a log up to a state; `None` unless these provably are all writes to it.
#[must_use]
pub fn written_up_to(database: &Path, to: &WalState) -> Option<Written> {
    written_by_commits(database, to).map(|(written, _)| written)
}

/// [`written_up_to`], and the number of commits.
#[must_use]
pub fn written_by_commits(database: &Path, to: &WalState) -> Option<(Written, u32)> {
    let mut written = Written { pages: BTreeSet::new(), least: u32::MAX };
    let mut commits = 0;
    if to.mark.frames == 0 {
        return Some((written, commits));
    }
    let mut frames = read_frames(database)?;
    if frames.salts != to.mark.salts || frames.page_bytes != to.page_bytes as usize {
        return None;
    }
    for _ in 0..to.mark.frames {
        let frame = frames.next()?;
        written.pages.insert(frame.page);
        written.least = written.least.min(frame.commit.unwrap_or(u32::MAX));
        commits += u32::from(frame.commit.is_some());
    }
    (frames.checksum == to.checksum).then_some((written, commits))
}

/// Reads the frames that were added from one state to a later one; `None` unless these provably are all writes.
///
/// Checksums are chained: that of a frame continues the one before it. Frames that lead from the checksum of the
/// earlier state to that of the later one are therefore exactly the ones that SQLite has written in between, in
/// order.
#[must_use]
pub fn written_between(database: &Path, from: &WalState, to: &WalState) -> Option<Written> {
    let WalState { mark: WalMark { salts, frames: first }, page_bytes, checksum } = *from;
    let is_the_same_log = to.mark.salts == salts && to.page_bytes == page_bytes && first > 0;
    let count = to.mark.frames.checked_sub(first).filter(|_| is_the_same_log)?;
    let mut file = File::open(wal_path(database)).ok()?;
    let frame_bytes = FRAME_HEADER_BYTES as u64 + u64::from(page_bytes);
    file.seek(SeekFrom::Start(HEADER_BYTES as u64 + u64::from(first) * frame_bytes)).ok()?;
    let input = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut frames =
        Frames { input, page_bytes: page_bytes as usize, salts, checksum, bytes: Vec::new(), is_at_end: false };
    let mut written = Written { pages: BTreeSet::new(), least: u32::MAX };
    for _ in 0..count {
        let frame = frames.next()?;
        written.pages.insert(frame.page);
        written.least = written.least.min(frame.commit.unwrap_or(u32::MAX));
    }
    (frames.checksum == to.checksum).then_some(written)
}

/// Iterator over the valid frames of a log.
struct Frames {
    input: BufReader<File>,
    page_bytes: usize,
    salts: [u32; 2],
    /// Running checksum up to the last frame read.
    checksum: Checksum,
    /// The last frame read.
    bytes: Vec<u8>,
    /// There is no whole frame any more.
    is_at_end: bool,
}

struct Frame {
    page: u32,
    /// Size of the database in pages, if the frame ends a transaction.
    commit: Option<u32>,
}

impl Iterator for Frames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        self.bytes.resize(FRAME_HEADER_BYTES + self.page_bytes, 0);
        if self.input.read_exact(&mut self.bytes).is_err() {
            self.is_at_end = true;
            return None;
        }
        let (header, page) = self.bytes.split_at(FRAME_HEADER_BYTES);
        self.checksum.update(&header[..8]);
        self.checksum.update(page);
        let is_valid = [field(header, 8), field(header, 12)] == self.salts
            && [field(header, 16), field(header, 20)] == self.checksum.sums;
        let commit = field(header, 4);
        is_valid.then(|| Frame { page: field(header, 0), commit: (commit > 0).then_some(commit) })
    }
}

fn field(bytes: &[u8], offset: usize) -> u32 {
    u32::from_be_bytes(std::array::from_fn(|index| bytes[offset + index]))
}

/// Running checksum of a log ("Checksum Algorithm").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checksum {
    big_endian: bool,
    sums: [u32; 2],
}

impl Checksum {
    fn update(&mut self, bytes: &[u8]) {
        let [mut first, mut second] = self.sums;
        for pair in bytes.chunks_exact(8) {
            let word = |index: usize| {
                let bytes = std::array::from_fn(|byte| pair[index + byte]);
                if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
            };
            first = first.wrapping_add(word(0)).wrapping_add(second);
            second = second.wrapping_add(word(4)).wrapping_add(first);
        }
        self.sums = [first, second];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_frames_are_counted_up_to_the_first_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        assert_eq!(read_mark(&path), None);
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
            .unwrap();
        let before = read_mark(&path).unwrap();
        connection.execute_batch("INSERT INTO t VALUES (zeroblob(10000))").unwrap();
        let after = read_mark(&path).unwrap();
        assert_eq!(after.salts, before.salts);
        assert!(after.frames >= before.frames + 3);

        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            assert_eq!(read_mark(&link), Some(after));
        }

        let mut log = std::fs::read(wal_path(&path)).unwrap();
        let copy = folder.path().join("copy");
        let last = log.len() - 1;
        log[last] ^= 1;
        std::fs::write(wal_path(&copy), &log).unwrap();
        // The last transaction had several frames: without its last one none of them is committed.
        assert_eq!(read_mark(&copy), Some(before));
        log[0] ^= 1;
        std::fs::write(wal_path(&copy), &log).unwrap();
        assert_eq!(read_mark(&copy), None);
    }
}
