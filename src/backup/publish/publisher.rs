//! Publisher of a database's changes, one transaction number after another.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::ltx_file::StagedFile;
use super::reconcile::{end_of, newest_file, reconcile};
use crate::backup::capture::page_diff::Capture;
use crate::backup::capture::page_hashes::{Page, PageTable};
use crate::backup::catalog::files::{BackupFile, FileName, Level, of_level};
use crate::backup::catalog::schedule::TimeOfDay;
use crate::backup::destination::Destination;
use crate::backup::local::conflict;
use crate::backup::local::state_file::{Known, Position, StateFile};
use crate::clock::now_ms;
use crate::ltx::{PageSize, Txid};
use crate::{BackupProblem, Error};

/// Publisher of a database's changes.
///
/// A capture that could not be published is kept and retried before the next capture.
pub struct Publisher {
    pub(super) folder: PathBuf,
    pub(super) destination: Arc<dyn Destination>,
    pub(super) capture: Box<dyn Capture>,
    pub(super) state: StateFile,
    /// Last capture, published or not; `None` if the next has to hold every page.
    pub(super) known: Option<Known>,
    /// Newest known transaction of the destination, and its page size.
    pub(super) newest: Option<(Txid, PageSize)>,
    /// Files to publish, in order.
    pub(super) queue: VecDeque<StagedFile>,
    /// Newest file at the destination, with its checksum.
    pub(super) last: Option<(BackupFile, Option<u64>)>,
    /// Last capture of the process before, with its page size, if it was not at the destination: its upload may still
    /// arrive.
    pub(super) late: Option<(Position, PageSize)>,
    /// Error of a conflict with another writer.
    pub(super) conflict: Option<Error>,
    /// Recorded pages of a file that proved to be an old copy. If the file has other ones, it is none.
    pub(super) old_copy: Option<PageTable>,
    /// Foreign names at the destination that were reported.
    pub(super) told_foreign: HashSet<String>,
    /// Problem that was not reported yet.
    pub(super) problem: Option<Error>,
    pub(super) snapshot_wanted: bool,
    /// When the destination has refused a snapshot that is not needed, and taken none since; in milliseconds since
    /// 1970 UTC.
    pub(super) refused_ms: Option<i64>,
    /// Newest full snapshot.
    pub(super) newest_snapshot: Option<Txid>,
    /// Backups that proved unusable.
    pub(super) unusable: HashSet<FileName>,
    /// True if there may be changes that are not staged.
    pub(super) is_dirty: bool,
    /// The clock, compared with the backups that there were.
    pub time_of_day: TimeOfDay,
}

/// Published capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// File of the transaction.
    pub file: BackupFile,
    /// True if it holds every page.
    pub is_full: bool,
}

impl Publisher {
    /// Compares the recorded state with the destination, and prepares to publish.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`.
    pub fn new(folder: &Path, destination: Arc<dyn Destination>, capture: Box<dyn Capture>) -> Result<Self, Error> {
        let (state, loaded) = StateFile::open(folder);
        destination.sweep();
        let files = destination.list()?;
        let newest = newest_file(&*destination, &files);
        let recorded = loaded.as_ref().map(|loaded| loaded.known.table.clone());
        let captured = loaded.as_ref().map(|loaded| (loaded.known.position, loaded.known.table.page_size));
        // As it was recorded: what lies in the file by now may be newer than the last capture.
        let older: Vec<Page> = loaded.iter().flat_map(|loaded| loaded.older.iter().copied()).collect();
        let (known, mut conflict) = match loaded.map(|loaded| reconcile(&*destination, &files, loaded)) {
            Some(Ok(known)) => (known, None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let late = captured.filter(|(position, _)| known.as_ref().is_none_or(|known| known.position != *position));
        let mut old_copy = recorded.filter(|_| conflict.is_some());
        if conflict::is_marked(folder, &*destination) {
            old_copy = None;
            conflict = Some(conflict::error(&*destination, "backups that were not made here"));
        }
        let last = end_of(&files).map(|file| (*file, destination.checksum(file)));
        // Numbering continues even if the destination has lost files, which may come back.
        let here = known.as_ref().map(|known| (known.position.txid, known.table.page_size));
        let newest = here.filter(|(here, _)| newest.is_none_or(|(newest, _)| newest < *here)).or(newest);
        let mut publisher = Self {
            folder: folder.to_owned(),
            destination,
            capture,
            state,
            known,
            newest,
            queue: VecDeque::new(),
            last,
            late,
            conflict,
            old_copy,
            told_foreign: HashSet::new(),
            problem: None,
            snapshot_wanted: false,
            refused_ms: None,
            newest_snapshot: of_level(&files, Level::SNAPSHOT).last().map(|file| file.name.max),
            unusable: HashSet::new(),
            is_dirty: true,
            time_of_day: TimeOfDay::new(Instant::now(), now_ms(), &files),
        };
        if publisher.known.is_none() && publisher.conflict.is_none() {
            publisher.check_identity(&files)?;
        }
        if let Some(known) = &publisher.known {
            publisher.state.rewrite(known, &older)?;
            publisher.check_last();
            publisher.check_chain(&files);
        }
        publisher.note_foreign();
        Ok(publisher)
    }

    /// Returns a problem that was found and is being dealt with, once.
    pub fn take_problem(&mut self) -> Option<Error> {
        self.problem.take()
    }

    /// Last transaction at the destination.
    #[must_use]
    pub fn newest(&self) -> Option<Txid> {
        self.newest.map(|(txid, _)| txid)
    }

    /// Returns true if there is anything to capture or to publish, or a conflict that keeps it from being published.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn has_work(&mut self) -> Result<bool, Error> {
        let is_due = self.conflict.is_some() || !self.queue.is_empty() || self.snapshot_wanted || self.is_dirty;
        Ok(is_due || self.capture.has_changed()?)
    }

    /// Requests a full snapshot with the next capture.
    pub fn want_snapshot(&mut self) {
        self.snapshot_wanted = true;
    }

    /// Captures and publishes the changes, after files that are still staged. `None` if nothing has changed.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`, which can be retried; `ERR_BACKUP_CONFLICT`, which is final; `ERR_BACKUP_STATE`; or
    /// with SQLite's code.
    pub fn run(&mut self, now_ms: i64) -> Result<Option<Published>, Error> {
        if let Some(error) = self.conflict.clone() {
            self.remember_conflict()?;
            return Err(error);
        }
        self.publish(now_ms)?;
        let captured = self.stage(now_ms)?;
        self.publish(now_ms)?;
        if self.is_dirty {
            // A capture of the process before has taken the number.
            return self.run(now_ms);
        }
        if self.snapshot_wanted {
            // Files of the chain have disappeared meanwhile.
            self.stage(now_ms)?;
            self.publish(now_ms)?;
        }
        Ok(captured)
    }

    /// Publishes the staged files.
    fn publish(&mut self, now_ms: i64) -> Result<(), Error> {
        if !self.queue.is_empty() {
            self.check_end()?;
        }
        while let Some(staged) = self.queue.front() {
            if let Err(error) = staged.publish(&*self.destination) {
                if staged.is_lost() {
                    // The lost file may have arrived.
                    let last = self.queue.back().map(|staged| staged.name.max);
                    let page_size = self.known.as_ref().map(|known| known.table.page_size);
                    self.begin_after(last.zip(page_size));
                } else if error.backup_problem() == Some(BackupProblem::Conflict) {
                    if self.late.is_some() && self.take_late(&self.destination.list()?) {
                        break;
                    }
                    return Err(self.stop(error));
                } else if self.is_dispensable(staged.name) {
                    // There may be no room for it. What changes is backed up all the same.
                    self.problem = Some(error);
                    self.refused_ms = Some(now_ms);
                    self.queue.pop_front();
                    continue;
                }
                return Err(error);
            }
            self.last = Some((staged.listed(), Some(staged.checksum)));
            if let Some(known) = &self.known {
                self.newest = Some((staged.name.max, known.table.page_size));
            }
            if staged.name.level == Level::SNAPSHOT {
                self.newest_snapshot = Some(staged.name.max);
                self.refused_ms = None;
            }
            self.queue.pop_front();
        }
        Ok(())
    }

    /// Captures everything again, under the number after this one.
    pub(super) fn begin_after(&mut self, last: Option<(Txid, PageSize)>) {
        self.newest = last.or(self.newest);
        self.queue.clear();
        self.known = None;
        self.is_dirty = true;
    }
}
