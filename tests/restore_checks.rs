//! Backups of which every file is right by itself, and which lead to a database that is not.

use std::io::{Seek, SeekFrom, Write};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread;

use rootcellar::backup::catalog::files::FileName;
use rootcellar::backup::catalog::plan::Target;
use rootcellar::backup::destination::{Created, Destination, Folder};
use rootcellar::backup::restore::image::restore;
use rootcellar::backup::restore::restored::Restored;
use rootcellar::backup::{restore_to, verify};
use rootcellar::ltx::{DatabaseChecksum, Encoder, Header, PageSize, Txid, page_checksum};
use tempfile::TempDir;

const PAGE_BYTES: usize = 512;
const START_MS: i64 = 1_735_689_600_000;

/// A destination that holds the state of a database, with its checksum, as transaction 1.
struct Replica {
    home: TempDir,
    folder: Folder,
    state: Vec<u8>,
}

impl Replica {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.sqlite3");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "page_size", 512).unwrap();
        connection
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(300)), (zeroblob(400))")
            .unwrap();
        drop(connection);
        let state = std::fs::read(&path).unwrap();
        let folder = Folder::new(&home.path().join("backups"));
        let replica = Self { home, folder, state };
        replica.publish(1, 0, &replica.state.clone(), None);
        replica
    }

    fn checksum(state: &[u8]) -> u64 {
        let mut checksum = DatabaseChecksum::new();
        for (number, page) in (1..).zip(state.chunks(PAGE_BYTES)) {
            checksum.toggle(page_checksum(number, page));
        }
        checksum.get()
    }

    /// Publishes a file of every page, which says nothing of the state before or after it.
    fn publish_alone(&self, txid: u64, state: &[u8]) {
        let pages = u32::try_from(state.len() / PAGE_BYTES).unwrap();
        self.publish_pages(FileName::captured(Txid::new(txid).unwrap()), 1..=pages, state);
    }

    /// Publishes a file of some pages, which says nothing of the state before or after it.
    fn publish_pages(&self, name: FileName, pages: RangeInclusive<u32>, state: &[u8]) {
        let commit = u32::try_from(state.len() / PAGE_BYTES).unwrap();
        let header = Header::new(PageSize::new(512).unwrap(), commit, name.min, name.max, START_MS);
        let mut encoder = Encoder::new(Vec::new(), header).unwrap();
        for (number, page) in (1..).zip(state.chunks(PAGE_BYTES)).filter(|(number, _)| pages.contains(number)) {
            encoder.page(number, page).unwrap();
        }
        self.create(name, &encoder.finish().unwrap().0);
    }

    fn create(&self, name: FileName, content: &[u8]) {
        let staged = self.folder.staging().unwrap().unwrap().join("staged.tmp");
        std::fs::write(&staged, content).unwrap();
        assert_eq!(self.folder.create(name, &staged, START_MS).unwrap(), Created::New);
    }

    /// Publishes a file of every page but the first `without`, which says of the state after it what `says` is, or the
    /// truth.
    fn publish(&self, txid: u64, without: usize, state: &[u8], says: Option<u64>) {
        let txid = Txid::new(txid).unwrap();
        let commit = u32::try_from(state.len() / PAGE_BYTES).unwrap();
        let header = Header::new(PageSize::new(512).unwrap(), commit, txid, txid, START_MS);
        let before = if txid == Txid::FIRST { 0 } else { Self::checksum(&self.state) };
        let header = Header { pre_apply_checksum: Some(before), ..header };
        let mut encoder = Encoder::new(Vec::new(), header).unwrap();
        for (number, page) in (1..).zip(state.chunks(PAGE_BYTES)).skip(without) {
            encoder.page(number, page).unwrap();
        }
        let (content, _) = encoder.finish_with(says.unwrap_or_else(|| Self::checksum(state))).unwrap();
        self.create(FileName::captured(txid), &content);
    }

    fn restore(&self) -> (Restored, Vec<u8>) {
        let output = self.home.path().join("restored.sqlite3");
        let files = self.folder.list().unwrap();
        let restored = restore(&self.folder, &files, Target::Newest, &output, &mut |_| {}).unwrap();
        (restored, std::fs::read(&output).unwrap())
    }

    /// The second file is left out and named, and the state before it is restored.
    fn assert_second_is_left_out(&self) {
        let (restored, bytes) = self.restore();
        assert!(bytes == self.state);
        assert!(!restored.is_newest);
        let skipped: Vec<u64> = restored.skipped.iter().map(|skipped| skipped.name.max.get()).collect();
        assert_eq!(skipped, [2]);
    }
}

/// A state that differs in its last page's last byte, which is a value's.
fn next(state: &[u8]) -> Vec<u8> {
    let mut next = state.to_vec();
    *next.last_mut().unwrap() = 7;
    next
}

#[test]
fn a_state_that_is_what_the_last_backup_says_is_restored() {
    let replica = Replica::new();
    let state = next(&replica.state);
    replica.publish(2, 1, &state, None);
    let (restored, bytes) = replica.restore();
    assert!(bytes == state && restored.is_newest);
}

#[test]
fn a_state_that_is_not_what_the_last_backup_says_is_left_out() {
    let replica = Replica::new();
    let state = next(&replica.state);
    replica.publish(2, 1, &state, Some(Replica::checksum(&state) ^ 1));
    replica.assert_second_is_left_out();
}

#[test]
fn a_snapshot_of_a_damaged_database_costs_nothing_of_what_came_after_it() {
    let replica = Replica::new();
    let pages = u32::try_from(replica.state.len() / PAGE_BYTES).unwrap();
    let with_last_byte = |byte: u64| {
        let mut state = replica.state.clone();
        *state.last_mut().unwrap() = u8::try_from(byte).unwrap();
        state
    };
    let last = 20;
    for txid in 2..=last {
        replica.publish_pages(FileName::captured(Txid::new(txid).unwrap()), pages..=pages, &with_last_byte(txid));
    }
    let mut rotten = with_last_byte(5);
    rotten[PAGE_BYTES] = 0x0a;
    let snapshot = FileName::snapshot(Txid::new(5).unwrap());
    replica.publish_pages(snapshot, 1..=pages, &rotten);

    let (restored, bytes) = replica.restore();
    assert!(bytes == with_last_byte(last) && restored.is_newest);
    let skipped: Vec<FileName> = restored.skipped.iter().map(|skipped| skipped.name).collect();
    assert_eq!(skipped, [snapshot]);
}

#[test]
fn a_state_that_sqlite_finds_damaged_is_left_out() {
    let replica = Replica::new();
    let mut state = replica.state.clone();
    // The kind of page 2, a leaf of a table until now.
    state[PAGE_BYTES] = 0x0a;
    replica.publish(2, 1, &state, None);
    replica.assert_second_is_left_out();
}

/// A state with a value of `bytes` bytes, all of them the same.
fn state_with(home: &TempDir, byte: u8, bytes: usize) -> Vec<u8> {
    let path = home.path().join(format!("{byte}.sqlite3"));
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "page_size", 512).unwrap();
    connection.execute_batch("CREATE TABLE t (x)").unwrap();
    connection.execute("INSERT INTO t VALUES (?)", [vec![byte; bytes]]).unwrap();
    drop(connection);
    std::fs::read(path).unwrap()
}

#[test]
fn a_file_that_does_not_hold_what_was_written_to_it_is_no_restore() {
    let replica = Replica::new();
    let state = state_with(&replica.home, 7, 2_000_000);
    // A change that SQLite does not notice, and there is no checksum that would.
    replica.publish_alone(2, &state);
    let output = replica.home.path().join("restored.sqlite3");
    let mut is_written_to = false;
    let mut flip = |_| {
        if !is_written_to && output.metadata().is_ok_and(|file| file.len() > 1_000_000) {
            is_written_to = true;
            let mut file = std::fs::File::options().write(true).open(&output).unwrap();
            file.seek(SeekFrom::Start(500_000)).unwrap();
            file.write_all(b"x").unwrap();
        }
    };
    let files = replica.folder.list().unwrap();
    let error = restore(&replica.folder, &files, Target::Newest, &output, &mut flip).unwrap_err();
    assert_eq!(error.code(), "ERR_BACKUP_STATE");
    assert!(is_written_to);
}

#[test]
fn those_who_restore_to_one_file_at_once_do_not_mix_and_neither_do_those_who_verify() {
    let replica = Replica::new();
    let states = [1, 2, 3].map(|byte| state_with(&replica.home, byte, 200_000));
    for (txid, state) in (2..).zip(&states) {
        replica.publish_alone(txid, state);
    }
    let output = replica.home.path().join("restored.sqlite3");
    for _ in 0..5 {
        thread::scope(|scope| {
            for txid in [2, 3, 4] {
                let (folder, output) = (&replica.folder, &output);
                let target = Target::Txid(Txid::new(txid).unwrap());
                scope
                    .spawn(move || restore_to(folder, target, output, true, &Arc::default(), &mut |_| {}).unwrap());
            }
            for _ in 0..2 {
                scope.spawn(|| verify(&replica.folder, replica.home.path(), &Arc::default(), &mut |_| {}).unwrap());
            }
        });
        let restored = std::fs::read(&output).unwrap();
        assert!(states.contains(&restored));
        std::fs::remove_file(&output).unwrap();
    }
    let names = std::fs::read_dir(replica.home.path()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(names.filter(|path| path.extension().is_some_and(|extension| extension == "tmp")).count(), 0);
}
