//! Where a database stands against its destination, and whether that still has what was published.

use super::super::conflict;
use super::super::destination::Destination;
use super::super::files::{BackupFile, FileName, newest_txid};
use super::super::plan::{Target, plan};
use super::super::staged::is_whole;
use super::super::state::{Known, Loaded, Position, Standing, standing};
use super::Publisher;
use crate::ltx::{Decoder, PageSize, Txid};
use crate::{BackupProblem, Error};

impl Publisher {
    /// Publishes nothing any more, now and when the file is opened again.
    pub(super) fn stop(&mut self, error: Error) -> Error {
        conflict::mark(&self.folder, &*self.destination);
        self.conflict = Some(error.clone());
        error
    }

    /// Before anything is published: whether the destination still ends with what was published last. That names are
    /// taken does not tell enough, for names of captures become free when these are merged.
    pub(super) fn check_end(&mut self) -> Result<(), Error> {
        let Some((last, checksum)) = self.last else { return Ok(()) };
        let there = self.destination.checksum(&last);
        if there.is_some() && there == checksum {
            return Ok(());
        }
        let files = self.destination.list()?;
        self.check_newest(&files)?;
        if there.is_some() && checksum.is_some() && is_whole(&*self.destination, last.name)? {
            return Err(self.stop(conflict::anothers(&*self.destination, last.name)));
        }
        self.check_chain(&files);
        Ok(())
    }

    /// Whether anybody else has gone on at the destination. Of what is to be published some may be there, although that was
    /// believed to have failed.
    pub(super) fn check_newest(&mut self, files: &[BackupFile]) -> Result<(), Error> {
        let own = self.queue.back().map(|staged| staged.name.max).max(self.newest());
        match newest_txid(files).filter(|newest| Some(*newest) > own) {
            Some(newest) => Err(self.stop(conflict::anothers(&*self.destination, FileName::captured(newest)))),
            None => Ok(()),
        }
    }

    /// Whether backups lead to the last one.
    pub(super) fn is_reached_by(&self, files: &[BackupFile]) -> bool {
        let reached = plan(files, Target::Newest).and_then(|plan| plan.txid());
        self.newest().is_none_or(|newest| reached >= Some(newest))
    }

    /// Whether the last backup is at the destination as it was made; otherwise a full snapshot has to follow.
    pub(super) fn check_last(&mut self) {
        let (Some(Known { position, .. }), Some((last, Some(checksum)))) = (&self.known, self.last) else { return };
        let is_the_capture = last.name == FileName::captured(position.txid);
        if is_the_capture && ![0, checksum].contains(&position.checksum) {
            let message = format!("the backup {} is damaged: everything is backed up anew", last.name);
            self.problem = Some(Error::backup(BackupProblem::Damaged, message));
            self.snapshot_wanted = true;
        }
    }

    /// Whether backups still lead to the last one; otherwise a full snapshot has to follow.
    pub(super) fn check_chain(&mut self, files: &[BackupFile]) {
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
}

/// The newest transaction of a destination, and the size of its pages. A file whose header cannot be read says nothing
/// of its pages; the next capture is a snapshot then, for the state of others is not known either.
pub fn newest_file(destination: &dyn Destination, files: &[BackupFile]) -> Option<(Txid, PageSize)> {
    let newest = newest_txid(files)?;
    let smallest = PageSize::new(512).ok()?;
    let page_size = files.iter().filter(|file| file.name.max == newest).find_map(|file| {
        Decoder::new(destination.open(file.name).ok()?).ok().map(|decoder| decoder.header().page_size)
    });
    Some((newest, page_size.unwrap_or(smallest)))
}

/// A file that the destination ends with, of the lowest level.
pub fn end_of(files: &[BackupFile]) -> Option<&BackupFile> {
    let newest = newest_txid(files);
    files.iter().filter(|file| Some(file.name.max) == newest).min_by_key(|file| file.name.level)
}

/// What is known of the state that the destination ends with; `None` if nothing is.
///
/// # Errors
///
/// `ERR_BACKUP_CONFLICT` if the destination has newer backups, which this database never was.
pub fn reconcile(
    destination: &dyn Destination,
    files: &[BackupFile],
    loaded: Loaded,
) -> Result<Option<Known>, Error> {
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
    // One that is damaged, or cannot be read now, is not another's.
    let checksum = checksum
        .filter(|checksum| *checksum == position.checksum || is_whole(destination, name).unwrap_or_default());
    standing(Some(position), newest_txid(files), checksum)
}
