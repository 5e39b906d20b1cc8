//! How much of a write-ahead log is committed (sqlite.org/fileformat.html, "The Write-Ahead Log").
//!
//! SQLite takes what follows a damaged frame for something that was never committed, and says nothing. What a backup
//! has seen in the log tells whether anything of it is gone.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// The magic number of logs with little-endian checksums; one more means big-endian.
const MAGIC: u32 = 0x377f_0682;

/// Logs that are larger are not looked at: SQLite begins anew at 4 MB, unless somebody reads for long.
const WAL_BYTES_MAX: u64 = 256 << 20;

/// A place in a log: which log it is, and how many frames of it are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalMark {
    /// What tells a log from the one that was begun anew in its place.
    pub salts: [u32; 2],
    /// Committed frames.
    pub frames: u32,
}

/// The log of a database.
#[must_use]
pub fn wal_path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// Reads a database's log as SQLite does when it recovers; `None` if there is none, or nothing valid in it.
#[must_use]
pub fn read_mark(database: &Path) -> Option<WalMark> {
    let file = File::open(wal_path(database)).ok()?;
    if file.metadata().ok()?.len() > WAL_BYTES_MAX {
        return None;
    }
    let mut input = BufReader::with_capacity(1 << 18, file);
    let mut header = [0; HEADER_BYTES];
    input.read_exact(&mut header).ok()?;
    let magic = field(&header, 0);
    let big_endian = match magic ^ MAGIC {
        0 => false,
        1 => true,
        _ => return None,
    };
    let mut checksum = Checksum { big_endian, sums: [0, 0] };
    checksum.update(&header[..24]);
    if checksum.sums != [field(&header, 24), field(&header, 28)] {
        return None;
    }
    let page_bytes = match field(&header, 8) {
        1 => 65_536,
        bytes @ 512..=65_536 => bytes as usize,
        _ => return None,
    };
    let salts = [field(&header, 16), field(&header, 20)];
    let (mut frames, mut committed) = (0, 0);
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes];
    while input.read_exact(&mut frame).is_ok() {
        checksum.update(&frame[..8]);
        checksum.update(&frame[FRAME_HEADER_BYTES..]);
        let is_valid = [field(&frame, 8), field(&frame, 12)] == salts
            && [field(&frame, 16), field(&frame, 20)] == checksum.sums;
        if !is_valid {
            break;
        }
        frames += 1;
        if field(&frame, 4) != 0 {
            committed = frames;
        }
    }
    Some(WalMark { salts, frames: committed })
}

fn field(bytes: &[u8], offset: usize) -> u32 {
    u32::from_be_bytes(std::array::from_fn(|index| bytes[offset + index]))
}

/// The running checksum of a log ("Checksum Algorithm").
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

        let mut log = std::fs::read(wal_path(&path)).unwrap();
        let copy = folder.path().join("copy");
        let last = log.len() - 1;
        log[last] ^= 1;
        std::fs::write(wal_path(&copy), &log).unwrap();
        // The last transaction had several frames: none of it is committed without its last.
        assert_eq!(read_mark(&copy), Some(before));
        log[0] ^= 1;
        std::fs::write(wal_path(&copy), &log).unwrap();
        assert_eq!(read_mark(&copy), None);
    }
}
