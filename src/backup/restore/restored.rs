//! Result of any restore.

use std::path::PathBuf;

use crate::backup::capture::page_hashes::PageTable;
use crate::backup::catalog::files::FileName;
use crate::ltx::Txid;

/// Database that was made of backups.
#[derive(Debug, Clone)]
pub struct Restored {
    /// Last transaction of its state.
    pub txid: Txid,
    /// Time of the capture, in milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// Size of the database in bytes.
    pub bytes: u64,
    /// Number of backups that were read.
    pub files: usize,
    /// True if the state is the newest that the destination has ever had.
    pub is_newest: bool,
    /// Backups that were left out.
    pub skipped: Vec<Skipped>,
    /// Hashes of its pages.
    pub table: PageTable,
    /// Backup of the replaced state; only if an open store was restored.
    pub undo: Option<Txid>,
    /// Reason, as a part of a sentence; only if a file was restored before it was opened.
    pub reason: Option<String>,
    /// New path of the previous file, if it was set aside.
    pub set_aside: Option<PathBuf>,
}

impl Restored {
    /// Returns true if no backup was left out. If the newest state was requested, this is it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty()
    }
}

/// Backup that was left out of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// File name.
    pub name: FileName,
    /// Reason, as a part of a sentence.
    pub reason: String,
}
