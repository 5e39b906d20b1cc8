//! Whether a write-ahead log has lost what was backed up. SQLite would not notice: it reads what is there.

use std::collections::HashSet;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::state::Loaded;
use super::table::PageHash;
use super::wal::{WalMark, read_mark};
use crate::Error;
use crate::engine::sqlite::{open_detached, open_own_reader};
use crate::limits::BUSY_TIMEOUT;

/// How often a log is begun anew at most between a capture and the end of the process. Each time, the first of its salts
/// grows by one (sqlite.org/fileformat.html, "WAL File Format"); that of a log of another file is any number.
const RESTARTS_MAX: u32 = 1 << 16;

/// What has become of the log that was there at the last capture, as a part of a sentence; `None` if nothing is missing.
#[must_use]
pub fn lost_log(path: &Path, is_clean: bool, last: &Loaded) -> Option<String> {
    let then = last.known.position.wal?;
    let now = read_mark(path);
    if now.is_some_and(|now| now.salts == then.salts) {
        return (now?.frames < then.frames).then(|| "its write-ahead log is damaged".to_owned());
    }
    if is_clean || then.frames == 0 || now.is_some_and(|now| continues(then, now)) {
        return None;
    }
    // Whoever ended that log has brought all of it into the file.
    let (connection, what) = match now {
        None => (open_own_reader(path, BUSY_TIMEOUT).ok()?, "its write-ahead log is gone"),
        // The file alone: what the other log holds says nothing.
        Some(_) => (open_detached(path).ok()?, "its write-ahead log is another's"),
    };
    went_back(&connection, path, last).is_ok_and(|went_back| went_back).then(|| what.to_owned())
}

fn continues(then: WalMark, now: WalMark) -> bool {
    (1..=RESTARTS_MAX).contains(&now.salts[0].wrapping_sub(then.salts[0]))
}

/// Whether a file lacks what was in its log: if it differs from the last capture although nobody has written to it since,
/// or if a page is as it was before that capture changed it.
fn went_back(connection: &Connection, path: &Path, last: &Loaded) -> Result<bool, Error> {
    // The file and its log stay as they are.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let table = &last.known.table;
    let lock_page = table.page_size.lock_page();
    let mut statement = connection.prepare("SELECT pgno, data FROM sqlite_dbpage('main')")?;
    let mut rows = statement.query([])?;
    let (mut pages, mut differing) = (0, HashSet::<(u32, PageHash)>::new());
    while let Some(row) = rows.next()? {
        let number: u32 = row.get(0)?;
        let hash = table.hash(row.get_ref(1)?.as_blob().map_err(|error| Error::internal(&error.to_string()))?);
        pages += 1;
        if number != lock_page && table.get(number) != Some(hash) {
            differing.insert((number, hash));
        }
    }
    let differs = !differing.is_empty() || pages != table.hashes.len();
    let is_older = !differing.is_disjoint(&last.older) || is_unwritten_since(path, last.known.position.time_ms);
    Ok(differs && is_older)
}

fn is_unwritten_since(path: &Path, time_ms: i64) -> bool {
    let Ok(time) = path.metadata().and_then(|metadata| metadata.modified()) else { return false };
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).is_ok_and(|written_ms| written_ms < time_ms)
}
