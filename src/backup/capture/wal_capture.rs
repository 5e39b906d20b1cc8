//! Changed pages, found by the frames that the write-ahead log has gained.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compare::Visit;
use super::page_diff::{Capture, Image, PageDiff};
use super::page_hashes::{Page, PageTable};
use crate::Error;
use crate::engine::sqlite::wal::frames::{WalMark, WalState, Written, written_between, written_up_to};
use crate::engine::sqlite::wal::restart_log::RestartLog;

/// Compares only the pages that were written to the log since the last capture. If the log was restarted, or there is
/// none, other writes cannot be ruled out, and every page is compared.
///
/// Pages are read through SQLite, in one transaction; the log only says which.
#[derive(Debug)]
pub struct WalCapture {
    diff: PageDiff,
    database: PathBuf,
    /// The transaction that the table describes.
    recorded: Option<Image>,
    /// The last transaction that was begun.
    moment: Option<Image>,
    /// Log restarts of this process.
    restarts: Arc<RestartLog>,
}

impl WalCapture {
    /// Opens a connection of its own, for reading only.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn open(database: &Path) -> Result<Self, Error> {
        Self::open_beside(database, Arc::default())
    }

    /// [`WalCapture::open`] beside an engine that restarts the log.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn open_beside(database: &Path, restarts: Arc<RestartLog>) -> Result<Self, Error> {
        let diff = PageDiff::open(database)?;
        Ok(Self { diff, database: database.to_owned(), recorded: None, moment: None, restarts })
    }

    /// Returns the pages that may differ from the table, in ascending order; `None` if any page may.
    #[must_use]
    pub fn candidates(&self) -> Option<Vec<u32>> {
        let (recorded, moment) = (self.recorded?, self.moment?);
        let (from, to) = (recorded.wal?, moment.wal?);
        let is_the_same_log = from.mark.salts == to.mark.salts && from.mark.frames > 0;
        let frames = if is_the_same_log { to.mark.frames.checked_sub(from.mark.frames)? } else { to.mark.frames };
        if frames > moment.commit {
            // Reading these frames would take longer than reading every page.
            return None;
        }
        let written = if is_the_same_log {
            written_between(&self.database, &from, &to)?
        } else {
            self.written_since_restart(&from, &to)?
        };
        Some(candidates(recorded.commit, written, moment.commit))
    }

    /// Pages that were written from a position on in a log that was restarted since.
    fn written_since_restart(&self, from: &WalState, to: &WalState) -> Option<Written> {
        let mut written = Written { pages: BTreeSet::new(), least: u32::MAX };
        if from.mark.salts != to.mark.salts {
            let (before, salts) = self.restarts.since(from.mark)?;
            if salts != to.mark.salts {
                return None;
            }
            written.add(&before);
        }
        written.add(&written_up_to(&self.database, to)?);
        Some(written)
    }

    fn position(&self) -> Option<WalMark> {
        Some(self.moment?.wal?.mark)
    }
}

/// Returns the pages that may have changed, given the sizes in pages before and after. A page that was added, or
/// truncated and added again, holds arbitrary content if it was not written.
fn candidates(before: u32, Written { mut pages, least }: Written, now: u32) -> Vec<u32> {
    pages.extend(before.min(least) + 1..=now);
    pages.into_iter().filter(|page| *page <= now).collect()
}

impl Capture for WalCapture {
    fn has_changed(&mut self) -> Result<bool, Error> {
        self.diff.has_changed()
    }

    fn begin(&mut self) -> Result<Option<Image>, Error> {
        self.moment = None;
        self.moment = self.diff.begin()?;
        self.restarts.need_at_least(self.position());
        Ok(self.moment)
    }

    fn changes(&mut self, table: &PageTable, visit: &mut Visit) -> Result<(), Error> {
        match self.candidates() {
            Some(numbers) => self.diff.changes_among(numbers, table, visit),
            None => self.diff.changes(table, visit),
        }
    }

    fn pages(&mut self, visit: &mut Visit) -> Result<(), Error> {
        self.diff.pages(visit)
    }

    fn checkpointed(&self, table: &PageTable) -> Vec<Page> {
        self.diff.checkpointed(table)
    }

    fn end(&mut self) {
        self.diff.end();
    }

    fn recorded(&mut self) {
        self.recorded = self.moment;
        self.restarts.need(self.position());
    }
}

impl Drop for WalCapture {
    fn drop(&mut self) {
        self.restarts.need(None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use fastrand::Rng;
    use rusqlite::Connection;

    use crate::batch::{Batch, Command};
    use crate::engine::sqlite::Engine;
    use crate::kv::{Address, Entry};

    use super::*;
    use crate::engine::sqlite::wal::frames::wal_path;

    /// A database with its writer and its capture.
    struct Watched {
        folder: tempfile::TempDir,
        writer: Connection,
        capture: WalCapture,
        table: PageTable,
    }

    impl Watched {
        fn new(settings: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.sqlite3");
            let writer = Connection::open(&path).unwrap();
            // Transactions of some size spill into the log before they end.
            writer.execute_batch(&format!("{settings}; PRAGMA journal_mode = WAL; PRAGMA cache_size = 5")).unwrap();
            writer.execute_batch("CREATE TABLE t (k INTEGER PRIMARY KEY, v)").unwrap();
            let mut capture = WalCapture::open(&path).unwrap();
            let page_size = capture.begin().unwrap().unwrap().page_size;
            capture.end();
            Self { folder, writer, capture, table: PageTable::new(page_size) }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("a.sqlite3")
        }

        fn execute(&self, sql: &str) {
            self.writer.execute_batch(sql).unwrap();
        }

        /// Captures the changes and returns their page numbers, and whether the log named them. A comparison of all
        /// pages must find the same ones.
        fn changes(&mut self) -> (Vec<u32>, bool) {
            let image = self.capture.begin().unwrap().unwrap();
            let by_log = self.capture.candidates().is_some();
            let changes = visited(&mut self.capture, &self.table);
            assert_eq!(changes, visited(&mut self.capture.diff, &self.table), "by the log: {by_log}");
            self.capture.end();
            self.table.apply(image.commit, &changes);
            self.capture.recorded();
            (changes.into_iter().map(|(number, _)| number).collect(), by_log)
        }
    }

    fn visited(capture: &mut dyn Capture, table: &PageTable) -> Vec<Page> {
        let mut changes = Vec::new();
        let mut visit = |number, page: &[u8]| {
            changes.push((number, table.hash(page)));
            Ok(())
        };
        capture.changes(table, &mut visit).unwrap();
        changes
    }

    #[test]
    fn the_log_tells_the_same_pages_as_a_comparison_of_all() {
        let settings =
            ["", "PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA auto_vacuum = FULL; PRAGMA page_size = 512"];
        for (seed, settings) in (1..).zip(settings) {
            let mut watched = Watched::new(settings);
            let other = Connection::open(watched.path()).unwrap();
            let mut rng = Rng::with_seed(seed);
            let mut by_log = 0;
            for _ in 0..400 {
                for _ in 0..rng.u32(0..3) {
                    let (key, bytes) = (rng.u32(0..300), rng.u32(0..5000));
                    let sql = match rng.u8(0..40) {
                        0 => "DELETE FROM t WHERE k > 100; VACUUM".to_owned(),
                        1 => format!(
                            "PRAGMA wal_checkpoint({})",
                            rng.choice(["TRUNCATE", "RESTART", "FULL"]).unwrap()
                        ),
                        2..5 => "PRAGMA wal_checkpoint(PASSIVE)".to_owned(),
                        5..8 => "DELETE FROM t WHERE k % 3 = 0; PRAGMA incremental_vacuum".to_owned(),
                        8..12 => format!("BEGIN; INSERT INTO t (v) SELECT randomblob({bytes}) FROM t; ROLLBACK"),
                        12..14 => {
                            "BEGIN; DELETE FROM t WHERE k > 9; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT"
                                .into()
                        }
                        14..17 => format!(
                            "BEGIN; CREATE TABLE u (x); INSERT INTO u VALUES (zeroblob({bytes} * 9)); DROP TABLE u; COMMIT"
                        ),
                        _ => format!("REPLACE INTO t VALUES ({key}, randomblob({bytes}))"),
                    };
                    let connection = if rng.bool() { &watched.writer } else { &other };
                    connection.execute_batch(&sql).unwrap();
                }
                by_log += u32::from(watched.changes().1);
            }
            assert!(by_log > 250, "seed {seed}: {by_log} of 400 by the log");
        }
    }

    /// Tells other threads to stop when it is dropped, also by a panic.
    struct StopOnDrop<'a>(&'a AtomicBool);

    impl Drop for StopOnDrop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn so_it_does_while_others_write_and_begin_the_log_anew() {
        let mut watched = Watched::new("PRAGMA page_size = 512");
        let path = watched.path();
        let (mut captures, mut by_log) = (0, 0);
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for seed in 0..2 {
                let (path, is_done) = (&path, &is_done);
                scope.spawn(move || {
                    let connection = Connection::open(path).unwrap();
                    connection.busy_timeout(Duration::from_secs(5)).unwrap();
                    let mut rng = Rng::with_seed(seed);
                    while !is_done.load(Ordering::Relaxed) {
                        let mode = rng.choice(["PASSIVE", "RESTART", "TRUNCATE"]).unwrap();
                        let sql = match rng.u8(0..60) {
                            0 => format!("PRAGMA wal_checkpoint({mode})"),
                            1..4 => "DELETE FROM t WHERE k % 5 = 0".to_owned(),
                            _ => format!(
                                "REPLACE INTO t VALUES ({}, randomblob({}))",
                                rng.u16(0..200),
                                rng.u16(0..900)
                            ),
                        };
                        // A reader can make a checkpoint fail.
                        drop(connection.execute_batch(&sql));
                    }
                });
            }
            let _stop = StopOnDrop(&is_done);
            let began = Instant::now();
            let is_enough = |captures, by_log| captures > 50 && by_log > 5;
            // A busy machine takes longer.
            while began.elapsed() < Duration::from_millis(1500)
                || (!is_enough(captures, by_log) && began.elapsed() < Duration::from_secs(60))
            {
                captures += 1;
                by_log += u32::from(watched.changes().1);
            }
        });
        assert!(captures > 50 && by_log > 5, "{by_log} of {captures} by the log");
        watched.changes();
        assert_eq!(watched.changes(), (vec![], true));
    }

    #[test]
    fn where_the_log_was_begun_anew_or_is_none_every_page_is_compared() {
        let mut watched = Watched::new("");
        assert!(!watched.changes().1, "the first");
        watched.execute("INSERT INTO t VALUES (1, 1)");
        assert_eq!(watched.changes(), (vec![2], true));
        assert_eq!(watched.changes(), (vec![], true));

        watched
            .execute("INSERT INTO t VALUES (2, 2); PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES (3, 3)");
        assert_eq!(watched.changes(), (vec![2], false));
        watched.execute("INSERT INTO t VALUES (4, 4)");
        assert_eq!(watched.changes(), (vec![2], true));

        watched.capture = WalCapture::open(&watched.path()).unwrap();
        watched.execute("INSERT INTO t VALUES (5, 5)");
        assert_eq!(watched.changes(), (vec![2], false));
    }

    #[test]
    fn pages_that_were_added_may_have_changed_whether_they_were_written_or_not() {
        let candidates = |before, pages: &[u32], least, now| {
            candidates(before, Written { pages: pages.iter().copied().collect(), least }, now)
        };
        assert_eq!(candidates(5, &[3, 2], 5, 5), [2, 3]);
        assert_eq!(candidates(5, &[2], 8, 8), [2, 6, 7, 8]);
        assert_eq!(candidates(5, &[2, 5], 3, 3), [2]);
        assert_eq!(candidates(5, &[2], 3, 5), [2, 4, 5]);
    }

    #[test]
    fn a_moment_that_was_not_recorded_is_captured_again() {
        let mut watched = Watched::new("");
        watched.changes();
        watched.execute("INSERT INTO t VALUES (1, 1)");
        watched.capture.begin().unwrap();
        assert_eq!(visited(&mut watched.capture, &watched.table).len(), 1);
        watched.capture.end();
        assert_eq!(watched.changes(), (vec![2], true));
    }

    #[test]
    fn frames_that_do_not_lead_from_one_state_to_the_other_prove_nothing() {
        let mut watched = Watched::new("");
        watched.changes();
        watched.execute("INSERT INTO t VALUES (1, 1)");
        let log = std::fs::read(wal_path(&watched.path())).unwrap();
        watched.capture.begin().unwrap();
        assert!(watched.capture.candidates().is_some());
        // The scan opens the log by name, so another file can stand in for it while SQLite has its own open. Windows lets
        // nobody remove an open file: there the log itself is changed, and is in the end what it was.
        #[cfg(unix)]
        {
            std::fs::remove_file(wal_path(&watched.path())).unwrap();
            assert!(watched.capture.candidates().is_none());
        }
        let frame_bytes = 24 + watched.table.page_size.get() as usize;
        let frame = log.len() - frame_bytes;
        for place in [frame, frame + 4, frame + 8, frame + 12, frame + 16, frame + 20, frame + 24, log.len() - 1] {
            let mut damaged = log.clone();
            damaged[place] ^= 1;
            std::fs::write(wal_path(&watched.path()), &damaged).unwrap();
            assert!(watched.capture.candidates().is_none(), "byte {place}");
        }
        std::fs::write(wal_path(&watched.path()), &log[..log.len() - 1]).unwrap();
        assert!(watched.capture.candidates().is_none());
        std::fs::write(wal_path(&watched.path()), &log).unwrap();
        assert!(watched.capture.candidates().is_some());
        watched.capture.end();
    }

    #[test]
    fn a_log_that_the_engine_begins_anew_tells_the_same_pages_as_a_comparison_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let engine = Engine::open(&path).unwrap();
        let mut capture = WalCapture::open_beside(&path, Arc::clone(&engine.restarts().captures)).unwrap();
        let foreign = Connection::open(&path).unwrap();
        let mut rng = Rng::with_seed(7);
        let mut table: Option<PageTable> = None;
        let (mut by_log, mut restarts, mut salts) = (0, 0, None);
        for round in 0..300 {
            let value = "x".repeat(rng.usize(1..9000));
            for _ in 0..rng.u32(0..4) {
                let key = format!("k{}", rng.u8(0..60));
                let command = match rng.u8(0..8) {
                    0 => Command::Delete(Address::new(&key)),
                    _ => Command::Set(Entry::new(Address::new(&key), &format!("\"{value}\""))),
                };
                assert_eq!(engine.execute(Batch::new(vec![command], 0)).committed, 1);
            }
            if rng.u8(0..40) == 0 {
                foreign
                    .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); DELETE FROM __rootapp_kv WHERE rowid % 7 = 0")
                    .unwrap();
            }
            // Most of the time the log is emptied meanwhile.
            if rng.u8(0..3) > 0 {
                engine.control().settle(Instant::now() + Duration::from_secs(10));
            }
            let image = capture.begin().unwrap().unwrap();
            let table = table.get_or_insert_with(|| PageTable::new(image.page_size));
            by_log += u32::from(capture.candidates().is_some());
            let changes = visited(&mut capture, table);
            assert_eq!(changes, visited(&mut capture.diff, table), "round {round}");
            capture.end();
            table.apply(image.commit, &changes);
            if rng.u8(0..5) > 0 {
                capture.recorded();
            }
            let now = image.wal.map(|wal| wal.mark.salts);
            restarts += u32::from(std::mem::replace(&mut salts, now) != now);
        }
        assert!(restarts > 100, "{restarts} restarts");
        assert!(by_log > 250, "{by_log} of 300 by the log");
        drop(capture);
        engine.close();
    }
}
