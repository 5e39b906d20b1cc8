//! Pages that were written between two states of a file.

use std::collections::BTreeSet;
use std::path::Path;

use crate::engine::sqlite::wal::frames::{WalState, written_between, written_by_commits};
use crate::engine::sqlite::wal::index_header::WalIndexHeader;
use crate::engine::sqlite::wal::restart_log::RestartLog;
use crate::limits::WATCH_FRAMES_MAX;

/// Pages that were written between two headers of the WAL-index; `None` if they are not known, or too many.
///
/// A log may have been restarted in between. If this process has done so, it has kept the pages. Otherwise, headers count
/// commits, so those in the new log tell whether there were others in the old one that nobody has seen.
pub fn written_since(
    database: &Path,
    from: WalIndexHeader,
    to: WalIndexHeader,
    restarts: &RestartLog,
) -> Option<BTreeSet<u32>> {
    if from == to || to.is_restart_of(from) {
        return Some(BTreeSet::new());
    }
    let is_same_log = from.salts() == to.salts();
    let first = if is_same_log { from.frames() } else { 0 };
    if to.frames().checked_sub(first)? > WATCH_FRAMES_MAX {
        return None;
    }
    let (before, now) = (WalState::new(from), WalState::new(to));
    if is_same_log && first > 0 {
        return written_between(database, &before, &now).map(|written| written.pages);
    }
    let (written, commits) = written_by_commits(database, &now)?;
    if is_same_log {
        return Some(written.pages);
    }
    if let Some((mut kept, salts)) = restarts.since(before.mark)
        && salts == to.salts()
    {
        kept.add(&written);
        return Some(kept.pages);
    }
    let is_next_log = to.salts()[0] == from.salts()[0].wrapping_add(1);
    let is_complete = is_next_log && from.commits().wrapping_add(commits) == to.commits();
    is_complete.then_some(written.pages)
}
