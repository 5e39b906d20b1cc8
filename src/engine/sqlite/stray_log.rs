//! Stray logs. A write-ahead log is stray if the file beside it is not the one that it was written for: somebody has copied
//! another file over one whose process was killed.
//!
//! SQLite would replay such a log, and destroy the file. So the log is renamed before SQLite opens the file, and the file is
//! used as it is.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::connection::open_untouched;
use super::wal::file_mark::{FILE_HEADER_BYTES, FileMark, FileToken, UNKNOWN, boot};
use super::wal::frames::{FrameVisit, visit_frames, wal_path};
use super::wal::raw_file::RawFile;
use crate::clock::now_ms;

/// A log that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrayLog {
    /// Path of the log.
    pub path: PathBuf,
    /// Its salts.
    pub salts: [u32; 2],
}

/// Sets aside the log of a file that nobody has open, if it is another file's.
///
/// # Errors
///
/// If the log cannot be renamed. Then it is still there.
pub fn set_stray_log_aside(database: &Path) -> io::Result<Option<StrayLog>> {
    let path = wal_path(database);
    let set_aside = |log: Log| Ok(StrayLog { path: set_aside(database, &path)?, salts: log.salts });
    if_stray(database, boot(), set_aside).transpose()
}

/// Returns `true` if a file has a stray log and is not open anywhere. `boot` is that of the machine.
#[must_use]
pub fn is_stray(database: &Path, boot: FileToken) -> bool {
    if_stray(database, boot, |_| ()).is_some()
}

/// Calls `act` if the log is stray, while nobody else can open the file.
fn if_stray<T>(database: &Path, boot: FileToken, act: impl FnOnce(Log) -> T) -> Option<T> {
    if !wal_path(database).metadata().is_ok_and(|log| log.len() > 0) {
        return None;
    }
    if !database.exists() {
        return Log::read(database).map(act);
    }
    let connection = open_untouched(database).ok()?;
    let file = RawFile::database(&connection)?;
    // A process that has the file open uses the log.
    let _lock = file.lock()?;
    Log::read(database).filter(|log| log.is_stray(&file, boot)).map(act)
}

fn set_aside(database: &Path, log: &Path) -> io::Result<PathBuf> {
    let name = |attempt: u32| {
        let mut name = OsString::from(log);
        name.push(format!(".stray-{}", now_ms()));
        if attempt > 0 {
            name.push(format!("-{attempt}"));
        }
        PathBuf::from(name)
    };
    let aside = (0..=u32::MAX).map(name).find(|name| !name.exists()).unwrap_or_else(|| name(0));
    fs::rename(log, &aside)?;
    let folder = log.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // If the folder cannot be synced, the log may be back after a power loss, and is set aside again then.
    drop(File::open(folder).and_then(|folder| folder.sync_all()));
    // The index belongs to the log that is gone.
    let mut index = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
    index.push("-shm");
    drop(fs::remove_file(PathBuf::from(index)));
    Ok(aside)
}

/// Marks in a log that identify its database file.
#[derive(Debug, Default)]
struct Log {
    /// Marks that were committed, in their order.
    marks: Vec<FileMark>,
    /// Headers of the database file in it, committed or not.
    headers: Vec<[u8; FILE_HEADER_BYTES]>,
    /// Pages of marks that have something else later.
    reused: Vec<u32>,
    page_bytes: usize,
    salts: [u32; 2],
}

impl Log {
    /// Reads the log of a database; `None` if nothing is committed in it.
    fn read(database: &Path) -> Option<Self> {
        let mut log = Self::default();
        let (mut pending, mut has_commit) = (Vec::new(), false);
        let (page_bytes, salts) = visit_frames(database, |FrameVisit { page, is_commit, is_valid, bytes }| {
            if page == 1 {
                log.headers.extend(bytes.first_chunk::<FILE_HEADER_BYTES>());
            }
            if !is_valid {
                return;
            }
            match FileMark::find(page, bytes) {
                Some(mark) => pending.push(mark),
                None if log.marks.iter().chain(&pending).any(|mark| mark.page == page) => log.reused.push(page),
                None => {}
            }
            if is_commit {
                has_commit = true;
                log.marks.append(&mut pending);
            }
        })?;
        (log.page_bytes, log.salts) = (page_bytes, salts);
        has_commit.then_some(log)
    }

    /// Returns `true` if it is proved that the log does not belong to a file.
    fn is_stray(&self, file: &RawFile, boot: FileToken) -> bool {
        let length = file.length().unwrap_or(0);
        if length == 0 {
            return true;
        }
        // Without a mark, another library has begun the log, and nothing is known of its file.
        let (Some(first), Some(last)) = (self.marks.first(), self.marks.last()) else { return false };
        let Some(header) = file.read(FILE_HEADER_BYTES, 0) else { return length < FILE_HEADER_BYTES as u64 };
        if !self.is_continuous() {
            return false;
        }
        let known = self.headers.iter().chain(self.marks.iter().map(|mark| &mark.header));
        if !known.into_iter().any(|known| known[..] == header[..]) {
            return true;
        }
        if last.base == UNKNOWN || self.reused.contains(&last.page) {
            return false;
        }
        let offset = u64::from(last.page - 1) * self.page_bytes as u64;
        let found = file.read(self.page_bytes, offset).and_then(|page| FileMark::find(last.page, &page));
        let Some(found) = found else { return true };
        // After another boot the file may lack what was only in the machine's memory.
        let is_same_boot = last.boot != UNKNOWN && last.boot == boot;
        let may_be = if is_same_boot { std::slice::from_ref(last) } else { &self.marks[..] };
        let is_known = may_be.iter().any(|mark| [mark.base, mark.token].contains(&found.token));
        !is_known && (is_same_boot || first.base != UNKNOWN)
    }

    /// Returns `true` if each mark follows from the one before: somebody may have restored another file into the database
    /// through SQLite, and its mark with it.
    fn is_continuous(&self) -> bool {
        self.marks.windows(2).all(|pair| [UNKNOWN, pair[0].base, pair[0].token].contains(&pair[1].base))
    }
}
