//! The result of a restore, of whatever kind.

use std::path::PathBuf;

use crate::backup::capture::page_hashes::PageTable;
use crate::backup::catalog::files::FileName;
use crate::ltx::Txid;

/// A database that was made of backups.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The last transaction of its state.
    pub txid: Txid,
    /// When that was captured, in milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// The size of the database in bytes.
    pub bytes: u64,
    /// The number of backups that it was made of.
    pub files: usize,
    /// Whether the state is the newest that the destination has ever seen.
    pub is_newest: bool,
    /// Backups that were left out.
    pub skipped: Vec<Skipped>,
    /// The hashes of its pages.
    pub table: PageTable,
    /// The backup of the state before; only where an open store was restored.
    pub undo: Option<Txid>,
    /// The reason, as a part of a sentence; only where a file was restored before it was opened.
    pub reason: Option<String>,
    /// The path of the file that was there before, if it was set aside.
    pub set_aside: Option<PathBuf>,
}

impl Restored {
    /// Whether no backup was left out. The newest state was restored then, if it was asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty()
    }
}

/// A backup that was left out of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its name.
    pub name: FileName,
    /// The reason, as a part of a sentence.
    pub reason: String,
}
