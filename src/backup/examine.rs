//! Looks at a database file before it is opened for use.

use std::path::Path;
use std::time::UNIX_EPOCH;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::capture::{Capture, PageDiff};
use super::state::Loaded;
use super::wal::{read_mark, wal_path};
use crate::Error;
use crate::engine::sqlite::open_own_reader;
use crate::limits::{BUSY_TIMEOUT, QUICK_CHECK_BYTES_MAX};

/// What was found where a database should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A database, as far as can be told, or something that only opening it can judge.
    Sound,
    /// Something that is no sound database; why, as a part of a sentence.
    Damaged(String),
    /// A database that has lost what it had at its last backup; why, as a part of a sentence.
    Older(String),
}

/// Looks at a file. `is_clean` says that it was closed as it should be; then a large one is not read as a whole.
#[must_use]
pub fn examine(path: &Path, is_clean: bool, last: Option<&Loaded>) -> Found {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Found::Nothing,
        Err(_) => return Found::Sound,
    };
    if !metadata.is_file() {
        return Found::Sound;
    }
    if metadata.len() == 0 {
        return Found::Damaged("it is empty".to_owned());
    }
    if let Some(lost) = last.and_then(|last| lost_frames(path, last)) {
        return Found::Older(lost);
    }
    let reads_everything = !is_clean || metadata.len() <= QUICK_CHECK_BYTES_MAX;
    match check(path, reads_everything) {
        Ok(None) => {}
        Ok(Some(problem)) => return Found::Damaged(problem),
        Err(error) if is_damage(&error) => return Found::Damaged(error.to_string()),
        Err(_) => return Found::Sound,
    }
    let without_log = last.filter(|last| !is_clean && has_lost_its_log(path, last));
    match without_log.map(|last| went_back(path, last)) {
        Some(Ok(true)) => Found::Older("its write-ahead log is gone".to_owned()),
        _ => Found::Sound,
    }
}

/// Has SQLite check a file: all of it, or only what opening it reads. The answer is a part of a sentence.
///
/// # Errors
///
/// With SQLite's code.
pub fn check(path: &Path, reads_everything: bool) -> Result<Option<String>, Error> {
    let connection = open_untouched(path)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    if reads_everything {
        let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Ok(Some("SQLite finds it damaged".to_owned()));
        }
    }
    Ok(None)
}

/// A connection that leaves the file and its log as they are when it is closed.
fn open_untouched(path: &Path) -> Result<Connection, Error> {
    let connection = open_own_reader(path, BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

fn is_damage(error: &Error) -> bool {
    error.code().starts_with("SQLITE_CORRUPT") || error.code().starts_with("SQLITE_NOTADB")
}

/// Whether the log that was there at the last backup has fewer committed frames now. SQLite would not notice.
fn lost_frames(path: &Path, last: &Loaded) -> Option<String> {
    let then = last.known.position.wal?;
    let now = read_mark(path)?;
    (now.salts == then.salts && now.frames < then.frames).then(|| "its write-ahead log is damaged".to_owned())
}

/// Whether the log that was there at the last backup is gone, and no later one is there.
fn has_lost_its_log(path: &Path, last: &Loaded) -> bool {
    let then = last.known.position.wal;
    then.is_some_and(|then| then.frames > 0) && (read_mark(path).is_none() || !wal_path(path).exists())
}

/// Whether a file whose log is gone lacks what was in it: if it differs from the last backup although nobody has written
/// to it since, or if a page is as it was before that backup changed it. A log that was brought into the file before it
/// went leaves neither.
fn went_back(path: &Path, last: &Loaded) -> Result<bool, Error> {
    let mut capture = PageDiff::open(path)?;
    let (mut differs, mut has_older_pages) = (false, false);
    if let Some(image) = capture.begin()? {
        let table = &last.known.table;
        differs = image.commit as usize != table.hashes.len();
        let visited = capture.changes(table, &mut |number, page| {
            differs = true;
            has_older_pages |= last.older.contains(&(number, table.hash(page)));
            Ok(())
        });
        capture.end();
        visited?;
    }
    Ok(differs && (has_older_pages || is_unwritten_since(path, last.known.position.time_ms)))
}

fn is_unwritten_since(path: &Path, time_ms: i64) -> bool {
    let Ok(time) = path.metadata().and_then(|metadata| metadata.modified()) else { return false };
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).is_ok_and(|written_ms| written_ms < time_ms)
}
