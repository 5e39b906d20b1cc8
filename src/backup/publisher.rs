//! Captures changes and brings them to the destination, one transaction number after another.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::capture::{Capture, Image};
use super::conflict;
use super::destination::Destination;
use super::files::{BackupFile, FileName, Level, newest_txid, of_level};
use super::plan::{Target, plan};
use super::staged::{Staged, Unmerged, Writing, merge};
use super::state::{Known, Loaded, Position, Standing, StateFile, standing};
use super::table::{PageHash, PageTable};
use super::{compaction, retention, schedule};
use crate::ltx::{Decoder, Header, PageSize, Txid};
use crate::{BackupProblem, Error};

/// Brings a database's changes to a destination.
///
/// What was captured and could not be published is kept and tried again, before anything else is captured.
pub struct Publisher {
    folder: PathBuf,
    destination: Arc<dyn Destination>,
    capture: Box<dyn Capture>,
    state: StateFile,
    /// The last capture, whether it has been published or not; `None` if the next has to hold every page.
    known: Option<Known>,
    /// The destination's newest transaction, as far as this process knows, and the size of its pages.
    newest: Option<(Txid, PageSize)>,
    /// What is not at the destination yet, in its order.
    queue: VecDeque<Staged>,
    /// What was published last, or was the newest at the destination, with its checksum.
    last: Option<(BackupFile, Option<u64>)>,
    /// Somebody else writes to the destination.
    conflict: Option<Error>,
    /// What was found and has not been told.
    problem: Option<Error>,
    snapshot_wanted: bool,
    /// The newest full snapshot.
    newest_snapshot: Option<Txid>,
    /// Backups that cannot be used, as far as it was tried.
    unusable: HashSet<FileName>,
    /// Something may have changed that is not staged.
    is_dirty: bool,
}

/// What has become of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The transaction.
    pub file: BackupFile,
    /// Whether it holds every page.
    pub is_full: bool,
}

impl Publisher {
    /// Prepares to publish: compares what is known of the database with what the destination has.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`.
    pub fn new(folder: &Path, destination: Arc<dyn Destination>, capture: Box<dyn Capture>) -> Result<Self, Error> {
        let (state, loaded) = StateFile::open(folder);
        destination.sweep();
        let files = destination.list()?;
        let newest = newest_file(&*destination, &files);
        let (known, mut conflict) = match loaded.map(|loaded| reconcile(&*destination, &files, loaded)) {
            Some(Ok(known)) => (known, None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        if conflict::is_marked(folder, &*destination) {
            conflict = Some(conflict::error(&*destination, "backups that were not made here"));
        }
        let last = end_of(&files).map(|file| (*file, destination.checksum(file)));
        // Numbers go on although the destination has lost some: what was there may come back.
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
            conflict,
            problem: None,
            snapshot_wanted: false,
            newest_snapshot: of_level(&files, Level::SNAPSHOT).last().map(|file| file.name.max),
            unusable: HashSet::new(),
            is_dirty: true,
        };
        if let Some(known) = &publisher.known {
            publisher.state.rewrite(known)?;
            publisher.check_chain(&files);
        }
        Ok(publisher)
    }

    /// A problem that was found on the way, and is being dealt with.
    pub fn take_problem(&mut self) -> Option<Error> {
        self.problem.take()
    }

    /// The last transaction at the destination.
    #[must_use]
    pub fn newest(&self) -> Option<Txid> {
        self.newest.map(|(txid, _)| txid)
    }

    /// Whether there is anything to capture or to publish.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn has_work(&mut self) -> Result<bool, Error> {
        Ok(!self.queue.is_empty() || self.snapshot_wanted || self.is_dirty || self.capture.has_changed()?)
    }

    /// Asks for a full snapshot with the next capture.
    pub fn want_snapshot(&mut self) {
        self.snapshot_wanted = true;
    }

    /// Captures what has changed, and publishes it, after what is still to be published. `None` if nothing has
    /// changed.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`, and then it can be tried again; `ERR_BACKUP_CONFLICT`, now and ever after;
    /// `ERR_BACKUP_STATE`; or with SQLite's code.
    pub fn run(&mut self, now_ms: i64) -> Result<Option<Published>, Error> {
        if let Some(error) = &self.conflict {
            return Err(error.clone());
        }
        self.publish()?;
        let captured = self.stage(now_ms)?;
        self.publish()?;
        if self.snapshot_wanted {
            // What was there when this began is not there any more.
            self.stage(now_ms)?;
            self.publish()?;
        }
        Ok(captured)
    }

    /// Brings what is staged to the destination.
    fn publish(&mut self) -> Result<(), Error> {
        if !self.queue.is_empty() {
            self.check_end()?;
        }
        while let Some(staged) = self.queue.front() {
            if let Err(error) = staged.publish(&*self.destination) {
                if staged.is_lost() {
                    // Captured anew, as a whole, under another number: it may have arrived.
                    let last = self.queue.back().map(|staged| staged.name.max);
                    let page_size = self.known.as_ref().map(|known| known.table.page_size);
                    self.newest = last.zip(page_size).or(self.newest);
                    self.queue.clear();
                    self.known = None;
                    self.is_dirty = true;
                } else if error.backup_problem() == Some(BackupProblem::Conflict) {
                    return Err(self.stop(error));
                }
                return Err(error);
            }
            self.last = Some((staged.listed(), Some(staged.checksum)));
            if let Some(known) = &self.known {
                self.newest = Some((staged.name.max, known.table.page_size));
            }
            if staged.name.level == Level::SNAPSHOT {
                self.newest_snapshot = Some(staged.name.max);
            }
            self.queue.pop_front();
        }
        Ok(())
    }

    /// Publishes nothing any more, now and when the file is opened again.
    fn stop(&mut self, error: Error) -> Error {
        conflict::mark(&self.folder, &*self.destination);
        self.conflict = Some(error.clone());
        error
    }

    /// Before anything is published: whether the destination still ends with what was published last. That names are
    /// taken does not tell enough, for names of captures become free when these are merged.
    fn check_end(&mut self) -> Result<(), Error> {
        let Some((last, checksum)) = self.last else { return Ok(()) };
        let there = self.destination.checksum(&last);
        if there.is_some() && there == checksum {
            return Ok(());
        }
        let files = self.destination.list()?;
        self.check_newest(&files)?;
        if there.is_some() && checksum.is_some() && is_whole(&*self.destination, last.name) {
            let what = format!("a backup {} that is not of this file", last.name);
            return Err(self.stop(conflict::error(&*self.destination, &what)));
        }
        self.check_chain(&files);
        Ok(())
    }

    /// Whether anybody else has gone on at the destination. Of what is to be published some may be there, although that was
    /// believed to have failed.
    fn check_newest(&mut self, files: &[BackupFile]) -> Result<(), Error> {
        let own = self.queue.back().map(|staged| staged.name.max).max(self.newest());
        match newest_txid(files).filter(|newest| Some(*newest) > own) {
            Some(newest) => {
                let what = format!("a backup {} that is not of this file", FileName::captured(newest));
                Err(self.stop(conflict::error(&*self.destination, &what)))
            }
            None => Ok(()),
        }
    }

    /// Whether backups lead to the last one.
    fn is_reached_by(&self, files: &[BackupFile]) -> bool {
        let reached = plan(files, Target::Newest).and_then(|plan| plan.txid());
        self.newest().is_none_or(|newest| reached >= Some(newest))
    }

    /// Whether backups still lead to the last one; otherwise a full snapshot has to follow.
    fn check_chain(&mut self, files: &[BackupFile]) {
        if !self.is_reached_by(files) {
            let message = format!(
                "backups that were made are missing from {}: everything is backed up anew",
                self.destination.describe()
            );
            self.problem = Some(Error::backup(BackupProblem::Damaged, message));
            self.snapshot_wanted = true;
            self.newest_snapshot = None;
        }
    }

    /// Writes what has changed into files for the destination.
    fn stage(&mut self, now_ms: i64) -> Result<Option<Published>, Error> {
        self.is_dirty = true;
        self.state.make_folder()?;
        let staged = match self.capture.begin()? {
            Some(image) => {
                let staged = self.stage_image(image, now_ms);
                self.capture.end();
                staged?
            }
            None => None,
        };
        let published = staged.map(|staged| self.record(staged)).transpose()?;
        self.capture.recorded();
        self.is_dirty = false;
        self.snapshot_wanted = false;
        Ok(published.flatten())
    }

    /// Notes what is known from now on, and that it is to be published.
    fn record(&mut self, staged: Stage) -> Result<Option<Published>, Error> {
        match &staged.known {
            Recorded::Changes(known, changes) => self.state.append(known, changes)?,
            Recorded::Everything(known) => self.state.rewrite(known)?,
        }
        let (Recorded::Changes(known, _) | Recorded::Everything(known)) = staged.known;
        self.known = Some(known);
        let published = staged.files.first().map(|file| Published { file: file.listed(), is_full: staged.is_full });
        self.queue.extend(staged.files);
        Ok(published)
    }

    fn stage_image(&mut self, image: Image, now_ms: i64) -> Result<Option<Stage>, Error> {
        let known = self.known.take_if(|known| known.table.page_size != image.page_size);
        // A new page size begins a new chain, and so does a history that nobody knows.
        let page_size_changed = known.is_some();
        let same_chain = self.newest.is_none_or(|(_, page_size)| page_size == image.page_size);
        let last = self.newest.map(|(txid, _)| txid);
        if let Some(known) = self.known.clone() {
            return self.stage_changes(image, known, now_ms);
        }
        let txid = last.map_or(Txid::FIRST, Txid::next);
        let writes_increment = same_chain && !page_size_changed;
        self.stage_everything(image, txid, writes_increment, now_ms).map(Some)
    }

    fn stage_changes(&mut self, image: Image, mut known: Known, now_ms: i64) -> Result<Option<Stage>, Error> {
        let txid = known.position.txid.next();
        let name = FileName::captured(txid);
        let header = Header::new(image.page_size, image.commit, txid, txid, now_ms);
        let mut changes: Vec<(u32, PageHash)> = Vec::new();
        let mut writing = None;
        let (destination, folder) = (&*self.destination, &self.folder);
        self.capture.changes(&known.table, &mut |number, page| {
            let writing: &mut Writing = match &mut writing {
                Some(writing) => writing,
                None => writing.insert(Writing::begin(destination, folder, name, header.clone())?),
            };
            changes.push((number, known.table.hash(page)));
            writing.page(number, page)
        })?;
        // A database that only shrank has no page that changed.
        if writing.is_none() && known.table.hashes.len() > image.commit as usize {
            writing = Some(Writing::begin(destination, folder, name, header)?);
        }
        let mut files = Vec::new();
        if let Some(writing) = writing {
            let staged = writing.finish()?;
            known.table.apply(image.commit, &changes);
            known.position =
                Position { txid, checksum: staged.checksum, time_ms: now_ms, wal: image.wal.map(|wal| wal.mark) };
            files.push(staged);
        }
        let writes_snapshot = self.snapshot_wanted && self.newest_snapshot != Some(known.position.txid);
        if writes_snapshot {
            files.push(self.write_image(image, FileName::snapshot(known.position.txid), now_ms, None)?);
        }
        if files.is_empty() {
            return Ok(None);
        }
        Ok(Some(Stage { is_full: writes_snapshot, files, known: Recorded::Changes(known, changes) }))
    }

    fn stage_everything(
        &mut self,
        image: Image,
        txid: Txid,
        writes_increment: bool,
        now_ms: i64,
    ) -> Result<Stage, Error> {
        let mut table = PageTable::new(image.page_size);
        let mut files = Vec::new();
        if writes_increment {
            files.push(self.write_image(image, FileName::captured(txid), now_ms, Some(&mut table))?);
        }
        // The first increment is a snapshot by its number.
        if txid != Txid::FIRST || self.snapshot_wanted {
            let to = if writes_increment { None } else { Some(&mut table) };
            files.push(self.write_image(image, FileName::snapshot(txid), now_ms, to)?);
        }
        let checksum = if writes_increment { files.first().map_or(0, |file| file.checksum) } else { 0 };
        let destination = self.destination.describe().to_owned();
        let position = Position { txid, checksum, time_ms: now_ms, wal: image.wal.map(|wal| wal.mark) };
        Ok(Stage { is_full: true, files, known: Recorded::Everything(Known { destination, position, table }) })
    }

    fn write_image(
        &mut self,
        image: Image,
        name: FileName,
        now_ms: i64,
        mut table: Option<&mut PageTable>,
    ) -> Result<Staged, Error> {
        let header = Header::new(image.page_size, image.commit, name.min, name.max, now_ms);
        let mut writing = Writing::begin(&*self.destination, &self.folder, name, header)?;
        if let Some(table) = &mut table {
            table.hashes.resize(image.commit as usize, 0);
        }
        self.capture.pages(&mut |number, page| {
            if let Some(table) = &mut table {
                let hash = table.hash(page);
                table.hashes[number as usize - 1] = hash;
            }
            writing.page(number, page)
        })?;
        writing.finish()
    }

    /// Removes and merges what is due. Returns whether there was anything to do.
    ///
    /// Backups that cannot be used are left out from then on. If the others do not lead to the newest state, the next
    /// capture is a snapshot.
    ///
    /// # Errors
    ///
    /// The first that there was, after everything else was done: `ERR_BACKUP_DESTINATION`, or `ERR_BACKUP_DAMAGED`, once,
    /// if what is to be merged cannot be used.
    pub fn maintain(&mut self, now_ms: i64, retention: std::time::Duration) -> Result<bool, Error> {
        if self.conflict.is_some() {
            return Ok(false);
        }
        if !self.queue.is_empty() {
            // What fails is told by the attempts to publish.
            drop(self.make_room(now_ms, retention));
            return Ok(true);
        }
        let mut files = self.destination.list()?;
        self.check_newest(&files)?;
        self.check_chain(&files);
        // First, for merging takes room.
        let removed = self.remove_expired(&mut files, now_ms, retention);
        let merged = self.merge_due(&mut files, now_ms);
        files.retain(|file| !self.unusable.contains(&file.name));
        if !self.is_reached_by(&files) || schedule::snapshot_is_due(&files, now_ms) {
            self.snapshot_wanted = true;
        }
        // What is damaged is told once, what cannot be removed again and again.
        let (merged, removed) = (merged?, removed?);
        Ok(merged || removed)
    }

    /// Removes what has expired from a destination that may lack room for what is to be published, unless somebody else
    /// has gone on there.
    fn make_room(&self, now_ms: i64, retention: std::time::Duration) -> Result<bool, Error> {
        let mut files = self.destination.list()?;
        let is_ours = newest_txid(&files) <= self.queue.front().map(|staged| staged.name.max);
        Ok(is_ours && self.remove_expired(&mut files, now_ms, retention)?)
    }

    /// Removes what has expired. Returns whether there was anything.
    fn remove_expired(
        &self,
        files: &mut Vec<BackupFile>,
        now_ms: i64,
        retention: std::time::Duration,
    ) -> Result<bool, Error> {
        let expired = retention::expired(files, now_ms, retention);
        for file in &expired {
            self.destination.remove(file.name)?;
            files.retain(|other| other.name != file.name);
        }
        Ok(!expired.is_empty())
    }

    /// Merges what is due. Returns whether there was anything.
    fn merge_due(&mut self, files: &mut Vec<BackupFile>, now_ms: i64) -> Result<bool, Error> {
        let mut has_worked = false;
        let mut failure = None;
        // Each level is merged of the one below, which the round before has merged.
        loop {
            let usable: Vec<BackupFile> =
                files.iter().filter(|file| !self.unusable.contains(&file.name)).copied().collect();
            let due = compaction::due(&usable, now_ms);
            if due.is_empty() {
                return failure.map_or(Ok(has_worked), Err);
            }
            has_worked = true;
            for compaction in due {
                match self.merge(&compaction) {
                    Ok(merged) => files.push(merged),
                    Err(Unmerged::Unusable(names, error)) => {
                        self.unusable.extend(names);
                        failure.get_or_insert(error);
                        // What is due without them is to be seen.
                        break;
                    }
                    Err(Unmerged::Failed(error)) => return Err(failure.unwrap_or(error)),
                }
            }
        }
    }

    fn merge(&self, compaction: &compaction::Compaction) -> Result<BackupFile, Unmerged> {
        let staged = merge(&*self.destination, &self.folder, compaction)?;
        // Another merge of the same files is as good.
        match staged.publish(&*self.destination) {
            Err(error) if error.backup_problem() != Some(BackupProblem::Conflict) => Err(error.into()),
            _ => Ok(staged.listed()),
        }
    }

    /// The destination.
    #[must_use]
    pub fn destination(&self) -> &Arc<dyn Destination> {
        &self.destination
    }
}

/// What was staged of a moment.
struct Stage {
    files: Vec<Staged>,
    is_full: bool,
    known: Recorded,
}

/// How to record what is known from now on.
enum Recorded {
    Changes(Known, Vec<(u32, PageHash)>),
    Everything(Known),
}

/// The newest transaction of a destination, and the size of its pages. A file whose header cannot be read says nothing
/// of its pages; the next capture is a snapshot then, for the state of others is not known either.
fn newest_file(destination: &dyn Destination, files: &[BackupFile]) -> Option<(Txid, PageSize)> {
    let newest = newest_txid(files)?;
    let smallest = PageSize::new(512).ok()?;
    let page_size = files.iter().filter(|file| file.name.max == newest).find_map(|file| {
        Decoder::new(destination.open(file.name).ok()?).ok().map(|decoder| decoder.header().page_size)
    });
    Some((newest, page_size.unwrap_or(smallest)))
}

/// A file that the destination ends with, of the lowest level.
fn end_of(files: &[BackupFile]) -> Option<&BackupFile> {
    let newest = newest_txid(files);
    files.iter().filter(|file| Some(file.name.max) == newest).min_by_key(|file| file.name.level)
}

/// Whether a backup passes its checks.
fn is_whole(destination: &dyn Destination, name: FileName) -> bool {
    destination.open(name).is_ok_and(|input| Decoder::new(input).is_ok_and(|decoder| decoder.verify().is_ok()))
}

/// What is known of the state that the destination ends with; `None` if nothing is.
///
/// # Errors
///
/// `ERR_BACKUP_CONFLICT` if the destination has newer backups, which this database never was.
fn reconcile(destination: &dyn Destination, files: &[BackupFile], loaded: Loaded) -> Result<Option<Known>, Error> {
    let Loaded { known, before_last, .. } = loaded;
    if known.destination != destination.describe() {
        return Ok(None);
    }
    match standing_at(destination, files, &known.position) {
        Standing::InStep | Standing::Ahead => Ok(Some(known)),
        Standing::Unpublished => Ok(before_last),
        Standing::Unknown => Ok(None),
        Standing::Behind => {
            Err(conflict::error(destination, "newer backups, which this file was never restored from"))
        }
    }
}

/// Where a database stands against a destination.
pub fn standing_at(destination: &dyn Destination, files: &[BackupFile], position: &Position) -> Standing {
    let name = FileName::captured(position.txid);
    let there = files.iter().find(|file| file.name == name);
    let checksum = there.and_then(|file| destination.checksum(file));
    standing(Some(position), newest_txid(files), checksum)
}
