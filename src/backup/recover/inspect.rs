//! Inspection of a database file before it is opened.

use std::path::Path;
use std::sync::Arc;

use super::lost_wal::lost_wal;
use crate::Error;
use crate::backup::capture::compare::Difference;
use crate::backup::local::first_page::FirstPage;
use crate::backup::local::inspection::open_for_inspection;
use crate::backup::local::state_file::Loaded;
use crate::backup::restore::image::end_when_cancelled;
use crate::backup::restore::integrity::{Depth, Verdict, check_database};
use crate::engine::sqlite::wal::frames::wal_path;
use crate::limits::QUICK_CHECK_BYTES_MAX;
use crate::sql::Cancel;

/// Condition of a database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileCondition {
    /// There is no file.
    Nothing,
    /// The file has no byte: it was never written to, or is the remains of a database.
    Empty,
    /// A database without a known problem, or a file that only opening it can judge.
    Sound,
    /// A database in which an index does not match its table.
    Inconsistent,
    /// A damaged database or none; the problem, as a part of a sentence.
    Damaged(String),
    /// A database that lacks content of its last backup; the problem, as a part of a sentence.
    Older(String),
}

/// Recorded facts about a file from its last use.
#[derive(Debug, Clone, Copy)]
pub struct LastUse<'a> {
    /// The file was closed properly.
    pub is_clean: bool,
    /// Another file has taken its place since, and is to be used as it is.
    pub is_replaced: bool,
    /// Last capture.
    pub capture: Option<&'a Loaded>,
    /// Fingerprint of the first page at the last close.
    pub first_page: Option<FirstPage>,
}

/// Inspects a file. A large one that was closed properly is not read as a whole. In a small one, indexes are compared
/// with their tables, unless it equals its last capture.
#[must_use]
pub fn inspect_file(path: &Path, last: &LastUse) -> FileCondition {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return FileCondition::Nothing,
        Err(_) => return FileCondition::Sound,
    };
    if !metadata.is_file() {
        return FileCondition::Sound;
    }
    if metadata.len() == 0 {
        return FileCondition::Empty;
    }
    if !last.is_replaced
        && let Some(lost) = lost_wal(path, last.is_clean, last.capture)
    {
        return FileCondition::Older(lost);
    }
    let is_small = metadata.len() <= QUICK_CHECK_BYTES_MAX;
    let depth = match (last.is_clean, is_small) {
        (true, false) => Depth::Schema,
        (false, false) => Depth::Pages,
        (true, true) if last.capture.is_some_and(|capture| is_as_captured(path, capture)) => Depth::Pages,
        (_, true) => Depth::Rows,
    };
    match look_at(path, depth, last.first_page.filter(|_| last.is_clean)) {
        Ok(Verdict::Damaged(problem)) => FileCondition::Damaged(problem),
        Ok(Verdict::Inconsistent) => FileCondition::Inconsistent,
        // A hot journal has made SQLite truncate the file.
        Ok(Verdict::Sound) if path.metadata().is_ok_and(|metadata| metadata.len() == 0) => FileCondition::Empty,
        Ok(Verdict::Sound) | Err(_) => FileCondition::Sound,
    }
}

/// Runs SQLite's check of every page. Returns the problem, as a part of a sentence.
///
/// # Errors
///
/// With SQLite's code, if the file could not be read, or the check was cancelled.
pub fn find_damage(path: &Path, cancel: &Arc<Cancel>) -> Result<Option<String>, Error> {
    let mut connection = open_for_inspection(path)?;
    end_when_cancelled(&mut connection, cancel)?;
    Ok(match check_database(&connection, Depth::Pages)? {
        Verdict::Damaged(problem) => Some(problem),
        Verdict::Inconsistent | Verdict::Sound => None,
    })
}

fn look_at(path: &Path, depth: Depth, first_page: Option<FirstPage>) -> Result<Verdict, Error> {
    let connection = open_for_inspection(path)?;
    let verdict = check_database(&connection, depth)?;
    if verdict == Verdict::Sound && first_page.is_some() {
        let now = FirstPage::read(&connection)?;
        if first_page.zip(now).is_some_and(|(then, now)| then.contradicts(&now)) {
            return Ok(Verdict::Damaged("its first page has changed, and nobody has written to it".to_owned()));
        }
    }
    Ok(verdict)
}

/// Returns true if a file has no log and equals the last capture.
fn is_as_captured(path: &Path, last: &Loaded) -> bool {
    if wal_path(path).exists() {
        return false;
    }
    let difference =
        open_for_inspection(path).and_then(|connection| Difference::between(&connection, &last.known.table));
    difference.is_ok_and(|difference| difference.is_none())
}
