//! Checks that a destination still has what was published, and that nobody else has added to it.

use super::file_check::is_whole;
use super::publisher::Publisher;
use super::reconcile::{end_of, identity_of};
use crate::backup::catalog::files::{BackupFile, FileName, Level, newest_txid};
use crate::backup::catalog::plan::{Target, plan};
use crate::backup::local::conflict;
use crate::backup::local::state_file::Known;
use crate::{BackupProblem, Error};

impl Publisher {
    /// Stops publication for good, also after the file is reopened.
    pub(super) fn stop(&mut self, error: Error) -> Error {
        conflict::mark(&self.folder, &*self.destination);
        self.conflict = Some(error.clone());
        error
    }

    /// Finds a conflict if the destination's backups are of another database, where nothing else tells what they are of.
    /// Every opening finds it again, until they are gone.
    pub(super) fn check_identity(&mut self, files: &[BackupFile]) -> Result<(), Error> {
        let Some(theirs) = identity_of(&*self.destination, files) else { return Ok(()) };
        let Some(image) = self.capture.begin()? else { return Ok(()) };
        self.capture.end();
        if image.identity.is_some_and(|own| own != theirs) {
            self.conflict = Some(conflict::error(&*self.destination, "backups of another database"));
        }
        Ok(())
    }

    /// Marks the conflict of a file that was opened as an old copy and has changed since: its changes are nowhere
    /// else, so it must not be replaced at the next opening.
    pub(super) fn remember_conflict(&mut self) -> Result<(), Error> {
        let Some(table) = &self.old_copy else { return Ok(()) };
        if !self.is_dirty && !self.capture.has_changed()? {
            return Ok(());
        }
        let Some(image) = self.capture.begin()? else { return Ok(()) };
        let mut is_changed = image.page_size != table.page_size || image.commit as usize != table.hashes.len();
        let compared = if is_changed {
            Ok(())
        } else {
            self.capture.changes(table, &mut |_, _| {
                is_changed = true;
                Ok(())
            })
        };
        self.capture.end();
        compared?;
        self.is_dirty = false;
        if is_changed {
            conflict::mark(&self.folder, &*self.destination);
            self.old_copy = None;
        }
        Ok(())
    }

    /// Checks that the destination still has the last backup, although there may be nothing new; requests a full
    /// snapshot otherwise.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`, which can be retried; `ERR_BACKUP_CONFLICT`, which is final.
    pub fn check_presence(&mut self) -> Result<(), Error> {
        if self.conflict.is_none() && self.queue.is_empty() && !self.snapshot_wanted {
            self.check_end()?;
        }
        Ok(())
    }

    /// Reports names at the destination that are passed over, once.
    pub(super) fn note_foreign(&mut self) {
        if self.problem.is_some() {
            return;
        }
        let mut foreign = self.destination.foreign();
        foreign.retain(|name| !self.told_foreign.contains(name));
        let Some(first) = foreign.first() else { return };
        let others = match foreign.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let message = format!(
            "{} holds what has the name of a backup and is none, {first:.80}{others}: it is passed over, and backups \
             go on",
            self.destination.describe()
        );
        self.problem = Some(Error::backup(BackupProblem::Damaged, message));
        self.told_foreign.extend(foreign);
    }

    /// Checks that the destination still ends with the last published file. A name collision alone would not reveal a
    /// conflict, because names of captures become free when they are merged.
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
        // A checksum that cannot be read is no evidence: the destination may not have answered.
        let is_other = |file: &BackupFile| file.bytes != last.bytes || (there.is_some() && checksum.is_some());
        if files.iter().any(|file| file.name == last.name && is_other(file)) {
            self.last_is_damaged(last.name);
        }
        if !self.snapshot_wanted {
            // The file was merged.
            self.last = end_of(&files).map(|file| (*file, self.destination.checksum(file)));
        }
        Ok(())
    }

    /// Checks that nobody else has added newer files. Staged files may be there, too, if an upload succeeded that was
    /// reported as failed.
    pub(super) fn check_newest(&mut self, files: &[BackupFile]) -> Result<(), Error> {
        let own = self.queue.back().map(|staged| staged.name.max).max(self.newest());
        match newest_txid(files).filter(|newest| Some(*newest) > own) {
            Some(_) if self.take_late(files) => self.check_newest(files),
            Some(newest) => Err(self.stop(conflict::anothers(&*self.destination, FileName::captured(newest)))),
            None => Ok(()),
        }
    }

    /// Returns true if the last capture of the process before has arrived by now, although it had not when this one
    /// began. Its checksum, which covers its time as well, tells it from a file that another writer has made.
    pub(super) fn take_late(&mut self, files: &[BackupFile]) -> bool {
        let Some((position, page_size)) = self.late else { return false };
        let name = FileName::captured(position.txid);
        let there = files.iter().find(|file| file.name == name).and_then(|file| self.destination.checksum(file));
        if position.checksum == 0 || there != Some(position.checksum) {
            return false;
        }
        self.late = None;
        // Killed before the next capture, this file would be taken for an old copy. Without a state it is kept as it is.
        drop(self.state.forget());
        self.begin_after(Some((position.txid, page_size)));
        true
    }

    /// Returns true if the files lead to the last published transaction.
    pub(super) fn is_reached_by(&self, files: &[BackupFile]) -> bool {
        let reached = plan(files, Target::Newest).and_then(|plan| plan.txid());
        self.newest().is_none_or(|newest| reached >= Some(newest))
    }

    /// Returns true if a file is a snapshot, and the destination has what leads as far without it.
    pub(super) fn is_dispensable(&self, name: FileName) -> bool {
        let leads_as_far = |mut files: Vec<BackupFile>| {
            files.retain(|file| !self.unusable.contains(&file.name));
            newest_txid(&files) == Some(name.max) && self.is_reached_by(&files)
        };
        name.level == Level::SNAPSHOT && self.destination.list().is_ok_and(leads_as_far)
    }

    /// Checks that the last backup is unchanged at the destination; requests a full snapshot otherwise.
    pub(super) fn check_last(&mut self) {
        let (Some(Known { position, .. }), Some((last, Some(checksum)))) = (&self.known, self.last) else { return };
        let is_the_capture = last.name == FileName::captured(position.txid);
        if is_the_capture && ![0, checksum].contains(&position.checksum) {
            self.last_is_damaged(last.name);
        }
    }

    fn last_is_damaged(&mut self, name: FileName) {
        let message = format!("the backup {name} is damaged: everything is backed up anew");
        self.problem = Some(Error::backup(BackupProblem::Damaged, message));
        self.unusable.insert(name);
        self.snapshot_wanted = true;
    }

    /// Checks that the files still lead to the last backup; requests a full snapshot otherwise.
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
