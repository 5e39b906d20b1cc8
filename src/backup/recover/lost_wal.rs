//! Detection of a write-ahead log that was lost, truncated or replaced. SQLite does not notice: it reads whatever is
//! there.

use std::path::Path;

use rusqlite::Connection;

use crate::Error;
use crate::backup::capture::compare::Difference;
use crate::backup::capture::page_hashes::Page;
use crate::backup::fs::disk::written_ns;
use crate::backup::local::first_page::{CHANGES, read_first_page};
use crate::backup::local::inspection::open_for_inspection;
use crate::backup::local::state_file::{Loaded, Position};
use crate::engine::sqlite::open_detached;
use crate::engine::sqlite::wal::file_mark;
use crate::engine::sqlite::wal::frames::read_mark;

/// Largest number of restarts of a log between a capture and the end of the process. Each restart increments the
/// first salt (sqlite.org/fileformat.html, "WAL File Format"); the log of another file has a random one.
const RESTARTS_MAX: u32 = 1 << 22;

/// Largest lag of a file's modification time behind the clock: Linux uses the time of the last tick, of which there
/// are at least a hundred per second.
const FILE_TIME_MS: i64 = 20;

/// Compares the log with the one at the last use of the file. Returns the problem, as a part of a sentence; `None` if
/// nothing is missing. `last` is the last capture, if known.
#[must_use]
pub fn lost_wal(path: &Path, is_clean: bool, last: Option<&Loaded>) -> Option<String> {
    let then = last.and_then(|last| last.known.position.wal);
    let now = read_mark(path);
    if let (Some(then), Some(now)) = (then, now)
        && is_same_log(then.salts, now.salts)
    {
        let is_shorter = now.salts == then.salts && now.frames < then.frames;
        return is_shorter.then(|| "its write-ahead log is damaged".to_owned());
    }
    let lacks_the_log = |open: fn(&Path) -> Result<Connection, Error>| {
        // If the log was removed in the regular way, all of it was checkpointed first.
        let had_frames = !is_clean && then.is_some_and(|then| then.frames > 0);
        let last = last.filter(|_| had_frames)?;
        went_back(&open(path).ok()?, path, last).ok().filter(|went_back| *went_back)
    };
    match now {
        None => lacks_the_log(open_for_inspection).map(|_| "its write-ahead log is gone".to_owned()),
        // Inspects the file without the log, which is not its own.
        Some(now) => {
            let is_strange = now.frames > 0 && counts_back(path).unwrap_or(false);
            (is_strange || lacks_the_log(open_detached).is_some())
                .then(|| "its write-ahead log is another's".to_owned())
        }
    }
}

/// Returns true if the change counter in the log is lower than that in the file. A log of the same database has the
/// same counter or a higher one.
fn counts_back(path: &Path) -> Result<bool, Error> {
    let (alone, with_log) =
        (read_first_page(&open_detached(path)?)?, read_first_page(&open_for_inspection(path)?)?);
    Ok(alone.zip(with_log).is_some_and(|(alone, with_log)| with_log[CHANGES] < alone[CHANGES]))
}

/// Returns true if a log is the one of then, or a restart of it.
pub fn is_same_log(then: [u32; 2], now: [u32; 2]) -> bool {
    now == then || (1..=RESTARTS_MAX).contains(&now[0].wrapping_sub(then[0]))
}

/// Returns true if a file lacks the content of its log: it differs from the last capture although nobody has written
/// to it since, or a page has the version that a recorded capture replaced.
///
/// Any page may have an older version again because somebody has stored the same once more. That of the file's mark has not:
/// each is new. So where there is one, it alone tells.
fn went_back(connection: &Connection, path: &Path, last: &Loaded) -> Result<bool, Error> {
    let difference = Difference::between(connection, &last.known.table)?;
    if difference.is_none() {
        return Ok(false);
    }
    let is_older = |page: &Page| last.older.contains(page);
    let Some(marked) = file_mark::page_of(connection)?.filter(|page| last.known.table.get(*page).is_some()) else {
        return Ok(difference.pages.iter().any(is_older) || is_unwritten_since(path, &last.known.position));
    };
    Ok(match difference.pages.iter().find(|(number, _)| *number == marked) {
        Some(page) => is_older(page),
        // As it was captured, or as it was then without the log.
        None => last.known.position.written_ns.is_some_and(|then| written_ns(path) == Some(then)),
    })
}

/// Returns true if a file was not written since a capture: its modification time is the same, or earlier than the
/// capture, as for an old copy.
fn is_unwritten_since(path: &Path, last: &Position) -> bool {
    let Some(written_ns) = written_ns(path) else { return false };
    let is_earlier =
        i64::try_from(written_ns / 1_000_000).is_ok_and(|written_ms| written_ms + FILE_TIME_MS < last.time_ms);
    is_earlier || last.written_ns == Some(written_ns)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::backup::fs::paths::with_suffix;

    #[test]
    fn a_log_without_a_mark_that_counts_back_is_of_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["a.sqlite3", "b.sqlite3"].map(|name| folder.path().join(name));
        let database = Connection::open(&path).unwrap();
        for table in 0..20 {
            database.execute_batch(&format!("CREATE TABLE t{table} (x)")).unwrap();
        }
        database.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        drop(database);
        assert_eq!(lost_wal(&path, true, None), None, "its own log");
        let open = Connection::open(&other).unwrap();
        open.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        fs::copy(with_suffix(&other, "-wal"), with_suffix(&path, "-wal")).unwrap();
        assert_eq!(lost_wal(&path, true, None).as_deref(), Some("its write-ahead log is another's"));
    }
}
