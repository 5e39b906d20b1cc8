//! Looks at a database file before it is opened for use.

use std::path::Path;

use super::lost_wal::lost_wal;
use crate::Error;
use crate::backup::capture::compare::Difference;
use crate::backup::capture::wal_scan::wal_path;
use crate::backup::local::first_page::FirstPage;
use crate::backup::local::inspection::open_for_inspection;
use crate::backup::local::state_file::Loaded;
use crate::backup::restore::integrity::{Depth, Verdict, check_database};
use crate::limits::QUICK_CHECK_BYTES_MAX;

/// What was found where a database should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileCondition {
    /// Nothing.
    Nothing,
    /// A file without a byte: a database that was never written to, or what is left of one.
    Empty,
    /// A database, as far as can be told, or something that only opening it can judge.
    Sound,
    /// A database in which an index has not what its table has.
    Inconsistent,
    /// Something that is no sound database; why, as a part of a sentence.
    Damaged(String),
    /// A database that has lost what it had at its last backup; why, as a part of a sentence.
    Older(String),
}

/// What is known of a file from when it was last in use.
#[derive(Debug, Clone, Copy)]
pub struct LastUse<'a> {
    /// It was closed as it should be.
    pub is_clean: bool,
    /// Its last capture.
    pub capture: Option<&'a Loaded>,
    /// Its first page when it was closed.
    pub first_page: Option<FirstPage>,
}

/// Looks at a file. A large one that was closed as it should be is not read as a whole; of a small one it is also checked
/// whether its indexes fit its tables, unless it is as it was captured.
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
    if let Some(lost) = lost_wal(path, last.is_clean, last.capture) {
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
        // A journal beside it has told SQLite to take every page away.
        Ok(Verdict::Sound) if path.metadata().is_ok_and(|metadata| metadata.len() == 0) => FileCondition::Empty,
        Ok(Verdict::Sound) | Err(_) => FileCondition::Sound,
    }
}

/// Has SQLite check every page of a file. The answer is a part of a sentence.
///
/// # Errors
///
/// With SQLite's code, if the file could not be looked at.
pub fn find_damage(path: &Path) -> Result<Option<String>, Error> {
    Ok(match look_at(path, Depth::Pages, None)? {
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

/// Whether a file without a log is what the last backup is of.
fn is_as_captured(path: &Path, last: &Loaded) -> bool {
    if wal_path(path).exists() {
        return false;
    }
    let difference =
        open_for_inspection(path).and_then(|connection| Difference::between(&connection, &last.known.table));
    difference.is_ok_and(|difference| difference.is_none())
}
