//! Backups of which every file is right by itself, and which lead to a database that is not.

use rootcellar::backup::destination::{Created, Destination, Folder};
use rootcellar::backup::files::FileName;
use rootcellar::backup::plan::Target;
use rootcellar::backup::restore::{Restored, restore};
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
        let staged = self.folder.staging().unwrap().unwrap().join("staged.tmp");
        std::fs::write(&staged, content).unwrap();
        assert_eq!(self.folder.create(FileName::captured(txid), &staged, START_MS).unwrap(), Created::New);
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
fn a_state_that_sqlite_finds_damaged_is_left_out() {
    let replica = Replica::new();
    let mut state = replica.state.clone();
    // The kind of page 2, a leaf of a table until now.
    state[PAGE_BYTES] = 0x0a;
    replica.publish(2, 1, &state, None);
    replica.assert_second_is_left_out();
}
