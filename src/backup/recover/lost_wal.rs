//! Whether a write-ahead log has lost what was backed up. SQLite would not notice: it reads what is there.

use std::path::Path;

use rusqlite::Connection;

use crate::Error;
use crate::backup::capture::compare::Difference;
use crate::backup::capture::wal_scan::{WalMark, read_mark};
use crate::backup::fs::disk::written_ns;
use crate::backup::local::first_page::{CHANGES, read_first_page};
use crate::backup::local::inspection::open_for_inspection;
use crate::backup::local::state_file::{Loaded, Position};
use crate::engine::sqlite::open_detached;

/// How often a log is begun anew at most between a capture and the end of the process. Each time, the first of its salts
/// grows by one (sqlite.org/fileformat.html, "WAL File Format"); that of a log of another file is any number.
const RESTARTS_MAX: u32 = 1 << 16;

/// How far a file's time may lie behind the clock: Linux takes that of its last tick, of which there are a hundred in a second
/// or more.
const FILE_TIME_MS: i64 = 20;

/// What has become of the log that was there when the file was last in use, as a part of a sentence; `None` if nothing is
/// missing. `last` is the last capture, if one is known.
#[must_use]
pub fn lost_wal(path: &Path, is_clean: bool, last: Option<&Loaded>) -> Option<String> {
    let then = last.and_then(|last| last.known.position.wal);
    let now = read_mark(path);
    if let (Some(then), Some(now)) = (then, now)
        && (now.salts == then.salts || continues(then, now))
    {
        let is_shorter = now.salts == then.salts && now.frames < then.frames;
        return is_shorter.then(|| "its write-ahead log is damaged".to_owned());
    }
    let lacks_the_log = |open: fn(&Path) -> Result<Connection, Error>| {
        // Whoever ended the log of the last capture has brought all of it into the file.
        let had_frames = !is_clean && then.is_some_and(|then| then.frames > 0);
        let last = last.filter(|_| had_frames)?;
        went_back(&open(path).ok()?, path, last).ok().filter(|went_back| *went_back)
    };
    match now {
        None => lacks_the_log(open_for_inspection).map(|_| "its write-ahead log is gone".to_owned()),
        // The file alone: what the other log holds says nothing.
        Some(now) => {
            let is_strange = now.frames > 0 && counts_back(path).unwrap_or(false);
            (is_strange || lacks_the_log(open_detached).is_some())
                .then(|| "its write-ahead log is another's".to_owned())
        }
    }
}

/// Whether the first page in a log counts fewer changes than that in the file. One that was made of the other counts as many
/// or more.
fn counts_back(path: &Path) -> Result<bool, Error> {
    let (alone, with_log) =
        (read_first_page(&open_detached(path)?)?, read_first_page(&open_for_inspection(path)?)?);
    Ok(alone.zip(with_log).is_some_and(|(alone, with_log)| with_log[CHANGES] < alone[CHANGES]))
}

fn continues(then: WalMark, now: WalMark) -> bool {
    (1..=RESTARTS_MAX).contains(&now.salts[0].wrapping_sub(then.salts[0]))
}

/// Whether a file lacks what was in its log: if it differs from the last capture although nobody has written to it since,
/// or if a page is as it was before that capture changed it.
fn went_back(connection: &Connection, path: &Path, last: &Loaded) -> Result<bool, Error> {
    let difference = Difference::between(connection, &last.known.table)?;
    let is_older = difference.pages.iter().any(|page| last.older.contains(page))
        || is_unwritten_since(path, &last.known.position);
    Ok(!difference.is_none() && is_older)
}

/// Whether nobody has written to a file since a capture: its time is what it was then, or earlier than the capture, as that
/// of an old copy is.
fn is_unwritten_since(path: &Path, last: &Position) -> bool {
    let Some(written_ns) = written_ns(path) else { return false };
    let is_earlier =
        i64::try_from(written_ns / 1_000_000).is_ok_and(|written_ms| written_ms + FILE_TIME_MS < last.time_ms);
    is_earlier || last.written_ns == Some(written_ns)
}
