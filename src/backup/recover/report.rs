//! Report on a file and its backups, for processes that make no backups themselves.

use std::path::Path;

use crate::backup::capture::compare::Difference;
use crate::backup::catalog::files::BackupFile;
use crate::backup::destination::Destination;
use crate::backup::local::conflict;
use crate::backup::local::first_page::FirstPage;
use crate::backup::local::inspection::open_for_inspection;
use crate::backup::local::state_dir::StateDir;
use crate::backup::local::state_file::{Known, Loaded, Position, StateFile};
use crate::backup::publish::reconcile::{ChainPosition, chain_position};
use crate::backup::restore::listing::restorable_at;
use crate::backup::restore::output::is_in_use;
use crate::engine::sqlite::{WalIndex, holds_keys};
use crate::{BackupProblem, Error};

/// Report on a file and its backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// States that can be restored, newest first.
    pub backups: Vec<BackupFile>,
    /// True if some process makes backups of the file now.
    pub is_served: bool,
    /// Changes that the newest backup lacks.
    pub lag: Lag,
    /// Bytes that lie in the write-ahead log, and in the file not yet; where nobody has it open, all that lie in the log.
    pub log_bytes: u64,
}

/// Changes that the newest backup of a file lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lag {
    /// No changes.
    None,
    /// Pages that have changed since the last capture.
    Pages {
        /// Number of pages.
        pages: u64,
        /// Size in bytes.
        bytes: u64,
        /// Time of the capture, in milliseconds since 1970 UTC.
        since_ms: i64,
    },
    /// No changes, but the backup has content that the file lacks: the file is an old copy.
    OldCopy,
    /// Unknown; the reason, as a part of a sentence.
    Unknown(String),
}

/// Largest number of listings, which are repeated while new backups arrive.
const LISTINGS_MAX: u32 = 5;

/// Reports on a file and its backups without changing either. Reads the whole file, through SQLite.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION`.
pub fn report(path: &Path, destination: &dyn Destination) -> Result<Report, Error> {
    let state_dir = StateDir::found_beside(path);
    // Captures are recorded before they are published. A state that is the same before and after the listing
    // therefore corresponds to it.
    let mut loaded = load(state_dir.as_ref());
    let mut listed = destination.list()?;
    for _ in 1..LISTINGS_MAX {
        let again = load(state_dir.as_ref());
        if position(again.as_ref()) == position(loaded.as_ref()) {
            break;
        }
        (loaded, listed) = (again, destination.list()?);
    }
    let is_served = state_dir.as_ref().is_some_and(StateDir::is_served);
    let log_bytes = log_bytes(path);
    let lag = lag(path, destination, &listed, loaded);
    Ok(Report { backups: restorable_at(destination, &listed), is_served, lag, log_bytes })
}

/// Bytes that lie in the log of a file, and in the file not yet.
#[must_use]
pub fn log_bytes(path: &Path) -> u64 {
    if !path.exists() {
        return 0;
    }
    let connection = open_for_inspection(path).ok();
    let wal_index = connection.as_ref().and_then(WalIndex::of_log);
    wal_index.map_or(0, WalIndex::bytes_behind)
}

/// Returns true if a file has the table of the key-value store. The file is not changed.
///
/// # Errors
///
/// With SQLite's code.
pub fn is_store(path: &Path) -> Result<bool, Error> {
    holds_keys(&open_for_inspection(path)?)
}

/// Returns true if some process makes backups of a file now.
#[must_use]
pub fn is_served(path: &Path) -> bool {
    StateDir::found_beside(path).as_ref().is_some_and(StateDir::is_served)
}

/// Returns true if opening a file as a store would replace it although somebody has it open: it is an old copy, and
/// nobody makes its backups.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION`.
pub fn would_replace_open_file(path: &Path, destination: &dyn Destination) -> Result<bool, Error> {
    let Some(state_dir) = StateDir::found_beside(path).filter(|state_dir| path.exists() && !state_dir.is_served())
    else {
        return Ok(false);
    };
    let Some(Loaded { known, .. }) = load(Some(&state_dir)) else { return Ok(false) };
    let is_old_copy = known.destination == destination.describe()
        && chain_position(destination, &destination.list()?, &known.position) == ChainPosition::Behind;
    Ok(is_old_copy && is_in_use(path))
}

/// Removes what is recorded of a file that was replaced by a backup: the next one holds every page, and no conflict is left.
///
/// # Errors
///
/// `ERR_BACKUP_STATE`.
pub fn forget(path: &Path) -> Result<(), Error> {
    let Some(state_dir) = StateDir::found_beside(path) else { return Ok(()) };
    conflict::unmark(state_dir.folder());
    let _ = FirstPage::take(state_dir.folder());
    state_dir.mark_closed()?;
    StateFile::open(state_dir.folder()).0.forget()
}

fn load(state_dir: Option<&StateDir>) -> Option<Loaded> {
    StateFile::open(state_dir?.folder()).1
}

fn position(loaded: Option<&Loaded>) -> Option<Position> {
    loaded.map(|loaded| loaded.known.position)
}

fn lag(path: &Path, destination: &dyn Destination, files: &[BackupFile], loaded: Option<Loaded>) -> Lag {
    let unknown = |why: &str| Lag::Unknown(why.to_owned());
    if !path.exists() {
        return unknown("there is no file");
    }
    let Some(Loaded { known, before_last, .. }) = loaded else { return unknown("nothing is known of its pages") };
    if known.destination != destination.describe() {
        return unknown("its last backup went to another destination");
    }
    let known = match chain_position(destination, files, &known.position) {
        ChainPosition::InStep => Some(known),
        ChainPosition::Unpublished => before_last,
        ChainPosition::Behind => return Lag::OldCopy,
        ChainPosition::Ahead | ChainPosition::Unknown => None,
    };
    let Some(known) = known else { return unknown("the destination does not have its last backup") };
    compare(path, &known).unwrap_or_else(|error| Lag::Unknown(error.to_string()))
}

/// Counts the pages that differ from the recorded state.
fn compare(path: &Path, known: &Known) -> Result<Lag, Error> {
    let difference = Difference::between(&open_for_inspection(path)?, &known.table)?;
    if difference.commit == 0 && !known.table.hashes.is_empty() {
        return Err(Error::backup(BackupProblem::Damaged, "the file is empty"));
    }
    let page_bytes = u64::from(known.table.page_size.get());
    let pages = difference.pages.len() as u64;
    Ok(match pages {
        0 => Lag::None,
        _ => Lag::Pages { pages, bytes: pages * page_bytes, since_ms: known.position.time_ms },
    })
}
