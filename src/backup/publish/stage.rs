//! Captures of changes into staged files.

use super::ltx_file::{LtxWriter, StagedFile};
use super::publisher::{Published, Publisher};
use crate::Error;
use crate::backup::capture::page_diff::Image;
use crate::backup::capture::page_hashes::{Page, PageTable};
use crate::backup::catalog::files::FileName;
use crate::backup::local::state_file::{Known, Position};
use crate::ltx::{Header, Txid};

impl Publisher {
    /// Stages the changes since the last capture.
    pub(super) fn stage(&mut self, now_ms: i64) -> Result<Option<Published>, Error> {
        self.is_dirty = true;
        self.state.make_folder()?;
        let staged = match self.capture.begin()? {
            Some(image) => {
                let staged = self.stage_image(image, now_ms).map(|staged| {
                    // Within the transaction: until it ends, nothing that is newer gets from the log into the file.
                    staged.map(|staged| (self.beneath(&staged.known), staged))
                });
                self.capture.end();
                staged?
            }
            None => None,
        };
        let published = staged.map(|(beneath, staged)| self.record(staged, &beneath)).transpose()?;
        self.capture.recorded();
        self.is_dirty = false;
        self.snapshot_wanted = false;
        Ok(published.flatten())
    }

    /// The pages that the file holds beneath its log in an older version than the new state, unless that was recorded.
    fn beneath(&self, recorded: &Recorded) -> Vec<Page> {
        match recorded {
            Recorded::Changes(known, _) if self.state.takes_more() && !self.is_another_log(known) => Vec::new(),
            Recorded::Changes(known, _) | Recorded::Everything(known) => self.capture.checkpointed(&known.table),
        }
    }

    /// Returns true if the log was restarted since the last capture. It was checkpointed before.
    fn is_another_log(&self, known: &Known) -> bool {
        let salts = |known: &Known| known.position.wal.map(|wal| wal.salts);
        self.known.as_ref().and_then(salts) != salts(known)
    }

    /// Records the new state, with the older pages `beneath` the log, and queues the files for publication.
    fn record(&mut self, staged: Stage, beneath: &[Page]) -> Result<Option<Published>, Error> {
        match &staged.known {
            Recorded::Changes(known, changes) if self.state.takes_more() => {
                self.state.append(known, changes, beneath)?;
            }
            Recorded::Changes(known, _) | Recorded::Everything(known) => self.state.rewrite(known, beneath)?,
        }
        let (Recorded::Changes(known, _) | Recorded::Everything(known)) = staged.known;
        self.known = Some(known);
        let published = staged.files.first().map(|file| Published { file: file.listed(), is_full: staged.is_full });
        self.queue.extend(staged.files);
        Ok(published)
    }

    fn stage_image(&mut self, image: Image, now_ms: i64) -> Result<Option<Stage>, Error> {
        let known = self.known.take_if(|known| known.table.page_size != image.page_size);
        // A new page size begins a new chain, and so does an unknown history.
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
        let header = header_of(&image, name, now_ms);
        let mut changes: Vec<Page> = Vec::new();
        let mut writing = None;
        let (destination, folder) = (&*self.destination, &self.folder);
        self.capture.changes(&known.table, &mut |number, page| {
            let writing: &mut LtxWriter = match &mut writing {
                Some(writing) => writing,
                None => writing.insert(LtxWriter::begin(destination, folder, name, header.clone())?),
            };
            changes.push((number, known.table.hash(page)));
            writing.page(number, page)
        })?;
        // A database that only shrank has no changed page.
        if writing.is_none() && known.table.hashes.len() > image.commit as usize {
            writing = Some(LtxWriter::begin(destination, folder, name, header)?);
        }
        let mut files = Vec::new();
        if let Some(writing) = writing {
            let staged = writing.finish()?;
            known.table.apply(image.commit, &changes);
            known.position = position_of(&image, txid, staged.checksum, now_ms);
            files.push(staged);
        }
        let mut is_full = false;
        if self.snapshot_wanted && self.newest_snapshot != Some(known.position.txid) {
            match self.write_image(image, FileName::snapshot(known.position.txid), now_ms, None) {
                Ok(snapshot) => {
                    is_full = true;
                    files.push(snapshot);
                }
                Err(error) if files.is_empty() => return Err(error),
                // There may be no room for it. The changes are backed up all the same, and maintenance asks for it again.
                Err(error) => self.problem = Some(error),
            }
        }
        if files.is_empty() {
            return Ok(None);
        }
        Ok(Some(Stage { is_full, files, known: Recorded::Changes(known, changes) }))
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
        // The first increment covers everything, as a snapshot does.
        if txid != Txid::FIRST || self.snapshot_wanted {
            let to = if writes_increment { None } else { Some(&mut table) };
            files.push(self.write_image(image, FileName::snapshot(txid), now_ms, to)?);
        }
        let checksum = if writes_increment { files.first().map_or(0, |file| file.checksum) } else { 0 };
        let destination = self.destination.describe().to_owned();
        let position = position_of(&image, txid, checksum, now_ms);
        Ok(Stage { is_full: true, files, known: Recorded::Everything(Known { destination, position, table }) })
    }

    fn write_image(
        &mut self,
        image: Image,
        name: FileName,
        now_ms: i64,
        mut table: Option<&mut PageTable>,
    ) -> Result<StagedFile, Error> {
        let header = header_of(&image, name, now_ms);
        let mut writing = LtxWriter::begin(&*self.destination, &self.folder, name, header)?;
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
}

fn header_of(image: &Image, name: FileName, now_ms: i64) -> Header {
    let node_id = image.identity.unwrap_or(0);
    Header { node_id, ..Header::new(image.page_size, image.commit, name.min, name.max, now_ms) }
}

fn position_of(image: &Image, txid: Txid, checksum: u64, time_ms: i64) -> Position {
    Position { txid, checksum, time_ms, wal: image.wal.map(|wal| wal.mark), written_ns: image.written_ns }
}

/// Result of staging one transaction.
struct Stage {
    files: Vec<StagedFile>,
    is_full: bool,
    known: Recorded,
}

/// State to record, and the kind of record.
enum Recorded {
    Changes(Known, Vec<Page>),
    Everything(Known),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rusqlite::Connection;

    use super::*;
    use crate::backup::capture::compare::{Visit, visit_changed};
    use crate::backup::capture::page_diff::{Capture, PageDiff};
    use crate::backup::destination::Folder;
    use crate::backup::local::state_file::{Loaded, StateFile};
    use crate::engine::sqlite::open_detached;

    /// Capture behind which somebody commits, and copies all of the log into the file.
    struct Overtaken {
        capture: PageDiff,
        writer: Connection,
    }

    impl Capture for Overtaken {
        fn has_changed(&mut self) -> Result<bool, Error> {
            self.capture.has_changed()
        }

        fn begin(&mut self) -> Result<Option<Image>, Error> {
            self.capture.begin()
        }

        fn changes(&mut self, table: &PageTable, visit: &mut Visit) -> Result<(), Error> {
            self.capture.changes(table, visit)
        }

        fn pages(&mut self, visit: &mut Visit) -> Result<(), Error> {
            self.capture.pages(visit)
        }

        fn checkpointed(&self, table: &PageTable) -> Vec<Page> {
            self.capture.checkpointed(table)
        }

        fn end(&mut self) {
            self.capture.end();
            self.writer.execute_batch("INSERT INTO t VALUES (random()); PRAGMA wal_checkpoint(PASSIVE)").unwrap();
        }

        fn recorded(&mut self) {
            self.capture.recorded();
        }
    }

    #[test]
    fn what_was_committed_behind_a_capture_is_not_recorded_as_older() {
        let folder = tempfile::tempdir().unwrap();
        let [path, state] = ["a.sqlite3", "state"].map(|name| folder.path().join(name));
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        let capture = Overtaken { capture: PageDiff::open(&path).unwrap(), writer };
        let destination = Arc::new(Folder::new(&folder.path().join("backup")));
        let mut publisher = Publisher::new(&state, destination, Box::new(capture)).unwrap();
        for now_ms in 0..3 {
            publisher.run(now_ms).unwrap().unwrap();
            let (_, loaded) = StateFile::open(&state);
            let Loaded { known, older, .. } = loaded.unwrap();
            let mut found = 0;
            visit_changed(&open_detached(&path).unwrap(), &known.table, &mut |number, page| {
                found += 1;
                assert!(!older.contains(&(number, known.table.hash(page))), "page {number} at {now_ms}");
                Ok(())
            })
            .unwrap();
            assert_ne!(found, 0);
        }
    }
}
