//! Maintenance of the destination: merges and removals that are due.

use std::collections::HashSet;
use std::time::Duration;

use super::file_check::is_whole;
use super::merge::{MergeError, merge};
use super::publisher::Publisher;
use crate::backup::catalog::files::{BackupFile, FileName, newest_txid};
use crate::backup::catalog::{compaction, retention, schedule};
use crate::{BackupProblem, Error};

/// Pause before a snapshot is made again that the destination has refused: each reads the whole database.
const REFUSED_PAUSE: Duration = Duration::from_secs(60 * 60);

impl Publisher {
    /// Removes and merges what is due. Returns whether anything was.
    ///
    /// Unusable backups are ignored from then on. If the others do not lead to the newest state, the next capture is
    /// a snapshot.
    ///
    /// # Errors
    ///
    /// The first error, after everything else was done: `ERR_BACKUP_DESTINATION`, or `ERR_BACKUP_DAMAGED`, once, if
    /// an input of a merge is unusable.
    pub fn maintain(&mut self, now_ms: i64, ahead: Duration, retention: Duration) -> Result<bool, Error> {
        if self.conflict.is_some() {
            return Ok(false);
        }
        if !self.queue.is_empty() {
            // Failures show when publishing is tried again.
            drop(self.make_room(now_ms, ahead, retention));
            return Ok(true);
        }
        let mut files = self.destination.list()?;
        self.check_newest(&files)?;
        self.check_chain(&files);
        self.note_foreign();
        // Before merging, which takes room.
        let removed = self.remove_expired(&mut files, now_ms, ahead, retention);
        let merged = self.merge_due(&mut files, now_ms);
        files.retain(|file| !self.unusable.contains(&file.name));
        let was_refused = self
            .refused_ms
            .is_some_and(|refused_ms| u128::from(now_ms.abs_diff(refused_ms)) < REFUSED_PAUSE.as_millis());
        if !self.is_reached_by(&files) || (!was_refused && schedule::snapshot_is_due(&files, now_ms)) {
            self.snapshot_wanted = true;
        }
        // Damage is reported once, a failed removal every time.
        let (merged, removed) = (merged?, removed?);
        Ok(merged || removed)
    }

    /// Removes expired backups from a destination that may lack room for staged files, unless another writer has
    /// added to it.
    fn make_room(&self, now_ms: i64, ahead: Duration, retention: Duration) -> Result<bool, Error> {
        let mut files = self.destination.list()?;
        let is_ours = newest_txid(&files) <= self.queue.front().map(|staged| staged.name.max);
        Ok(is_ours && self.remove_expired(&mut files, now_ms, ahead, retention)?)
    }

    /// Removes expired backups. Returns whether there were any.
    fn remove_expired(
        &self,
        files: &mut Vec<BackupFile>,
        now_ms: i64,
        ahead: Duration,
        retention: Duration,
    ) -> Result<bool, Error> {
        let is_unusable = |file: &BackupFile| self.unusable.contains(&file.name);
        let expired = retention::expired(files, is_unusable, now_ms, ahead, retention);
        for file in &expired {
            self.destination.remove(file.name)?;
            files.retain(|other| other.name != file.name);
        }
        Ok(!expired.is_empty())
    }

    /// Performs the merges that are due. Returns whether there were any.
    fn merge_due(&mut self, files: &mut Vec<BackupFile>, now_ms: i64) -> Result<bool, Error> {
        let mut has_worked = false;
        let mut failure = None;
        let mut made: HashSet<FileName> = HashSet::new();
        // Each round merges the results of the round before into the next level.
        loop {
            let usable: Vec<BackupFile> =
                files.iter().filter(|file| !self.unusable.contains(&file.name)).copied().collect();
            let due = compaction::due(&usable, now_ms);
            // A merge that was made and is still due is left to another time.
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
                        // The schedule has to be computed again without the unusable files.
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
            // The existing file of this name is damaged, the new one is not.
            self.destination.remove(staged.name)?;
            self.unusable.remove(&staged.name);
        }
        // Another merge of the same files is equivalent.
        match staged.publish(&*self.destination) {
            Err(error) if error.backup_problem() != Some(BackupProblem::Conflict) => Err(error.into()),
            _ => Ok(staged.listed()),
        }
    }
}
