//! Merges and removes what is due at the destination.

use std::collections::HashSet;
use std::time::Duration;

use super::file_check::is_whole;
use super::merge::{MergeError, merge};
use super::publisher::Publisher;
use crate::backup::catalog::files::{BackupFile, FileName, newest_txid};
use crate::backup::catalog::{compaction, retention, schedule};
use crate::{BackupProblem, Error};

impl Publisher {
    /// Removes and merges what is due. Returns whether there was anything to do.
    ///
    /// Backups that cannot be used are left out from then on. If the others do not lead to the newest state, the next
    /// capture is a snapshot.
    ///
    /// # Errors
    ///
    /// The first that there was, after everything else was done: `ERR_BACKUP_DESTINATION`, or `ERR_BACKUP_DAMAGED`, once,
    /// if what is to be merged cannot be used.
    pub fn maintain(&mut self, now_ms: i64, retention: Duration) -> Result<bool, Error> {
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
    fn make_room(&self, now_ms: i64, retention: Duration) -> Result<bool, Error> {
        let mut files = self.destination.list()?;
        let is_ours = newest_txid(&files) <= self.queue.front().map(|staged| staged.name.max);
        Ok(is_ours && self.remove_expired(&mut files, now_ms, retention)?)
    }

    /// Removes what has expired. Returns whether there was anything.
    fn remove_expired(&self, files: &mut Vec<BackupFile>, now_ms: i64, retention: Duration) -> Result<bool, Error> {
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
        let mut made: HashSet<FileName> = HashSet::new();
        // Each level is merged of the one below, which the round before has merged.
        loop {
            let usable: Vec<BackupFile> =
                files.iter().filter(|file| !self.unusable.contains(&file.name)).copied().collect();
            let due = compaction::due(&usable, now_ms);
            // What was made and is not used all the same is left to another time.
            if due.iter().all(|compaction| made.contains(&compaction.name)) {
                return failure.map_or(Ok(has_worked), Err);
            }
            has_worked = true;
            for compaction in due {
                made.insert(compaction.name);
                match self.merge(&compaction) {
                    Ok(merged) => {
                        files.retain(|file| file.name != merged.name);
                        files.push(merged);
                    }
                    Err(MergeError::Unusable(names, error)) => {
                        self.unusable.extend(names);
                        failure.get_or_insert(error);
                        // What is due without them is to be seen.
                        break;
                    }
                    Err(MergeError::Failed(error)) => return Err(failure.unwrap_or(error)),
                }
            }
        }
    }

    fn merge(&mut self, compaction: &compaction::Compaction) -> Result<BackupFile, MergeError> {
        let staged = merge(&*self.destination, &self.folder, compaction)?;
        if self.unusable.contains(&staged.name) && !is_whole(&*self.destination, staged.name)? {
            // What has its name is damaged, and this is not.
            self.destination.remove(staged.name)?;
            self.unusable.remove(&staged.name);
        }
        // Another merge of the same files is as good.
        match staged.publish(&*self.destination) {
            Err(error) if error.backup_problem() != Some(BackupProblem::Conflict) => Err(error.into()),
            _ => Ok(staged.listed()),
        }
    }
}
