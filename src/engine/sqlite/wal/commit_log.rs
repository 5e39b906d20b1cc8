//! Commit log used to validate caches: the latest commits, and the client of each. A client's own commits leave its
//! cache valid.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, Transaction};

use super::index_header::{WalIndex, WalIndexHeader, WalProgress};
use super::preallocate::WalFile;
use super::raw_file::RawFile;
use super::restart_log::{EndedLogs, RestartLogs};
use super::single_rows::SingleRows;
use crate::batch::ClientId;
use crate::kv::KeyRange;
use crate::limits::COMMIT_LOG_LENGTH;
use crate::threads::lock;

/// Validity of a client's cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheValidity {
    /// Valid: nobody else has written since.
    Current,
    /// Invalid: somebody else may have written.
    Changed,
    /// Unknown: the writer has a transaction under way.
    Unknown,
}

/// The latest commits of this process's writer.
#[derive(Debug, Default)]
pub struct CommitLog(Mutex<CommitLogState>);

#[derive(Debug, Default)]
struct CommitLogState {
    /// Oldest first.
    latest: VecDeque<Commit>,
    /// The last header that the writer has seen.
    seen: Option<WalIndexHeader>,
    /// Number of transactions, and restarts of the log, under way.
    under_way: u32,
    single_rows: SingleRows,
}

/// A commit of one client, or a restart of the log, that led from one header to the next, with nothing in between.
#[derive(Debug)]
struct Commit {
    from: WalIndexHeader,
    to: WalIndexHeader,
    /// `None` if nothing that clients read was changed.
    client: Option<ClientId>,
}

impl CommitLog {
    /// Notes that a transaction, or a restart of the log, begins.
    fn prepare(&self) {
        lock(&self.0).under_way += 1;
    }

    /// Announces a restart of the log by this process, which has ended when the result is dropped.
    pub fn prepare_restart(&self, wal_index: WalIndex) -> Restarting<'_> {
        self.prepare();
        Restarting { commit_log: self, wal_index, from: wal_index.header() }
    }

    /// Notes that the writer's transaction holds the lock, at this header.
    fn begin(&self, from: WalIndexHeader) {
        lock(&self.0).seen = Some(from);
    }

    /// Notes that a transaction or a restart has ended. `commit` is given if its headers and its client are certain.
    fn end(&self, commit: Option<Commit>) {
        let mut state = lock(&self.0);
        state.under_way -= 1;
        if let Some(commit) = commit {
            state.seen = Some(commit.to);
            state.single_rows.follow(commit.from, commit.to);
            if state.latest.len() == COMMIT_LOG_LENGTH {
                state.latest.pop_front();
            }
            state.latest.push_back(commit);
        }
    }

    /// Sets the header that a client `knows` to the one of `now`.
    ///
    /// The client's cache is valid at `now` if the answer is [`CacheValidity::Current`]. If it is
    /// [`CacheValidity::Changed`], the client must drop its cache, and what it reads from then on is valid. If it
    /// is [`CacheValidity::Unknown`], `knows` is left unchanged.
    pub fn catch_up(&self, client: ClientId, knows: &mut WalIndexHeader, now: WalIndexHeader) -> CacheValidity {
        if *knows == now {
            return CacheValidity::Current;
        }
        let state = lock(&self.0);
        let own = state.latest.iter().filter(|commit| commit.client.is_none_or(|other| other == client));
        let reached = own.fold(*knows, |at, commit| if commit.from == at { commit.to } else { at });
        if reached != now && state.under_way > 0 && state.seen != Some(now) {
            return CacheValidity::Unknown;
        }
        *knows = now;
        if reached == now { CacheValidity::Current } else { CacheValidity::Changed }
    }

    /// Returns `true` if each key of a range of the default scope is known to have one row, in a snapshot.
    pub fn has_single_rows(&self, snapshot: WalIndexHeader, range: &KeyRange) -> bool {
        lock(&self.0).single_rows.has(snapshot, range)
    }

    /// Notes that each key of a range of the default scope has one row, in a snapshot.
    pub fn add_single_rows(&self, snapshot: WalIndexHeader, range: &KeyRange) {
        let mut state = lock(&self.0);
        // The snapshot may be that of a few commits ago.
        let now = state.latest.iter().fold(snapshot, |at, commit| if commit.from == at { commit.to } else { at });
        state.single_rows.add(now, range);
    }
}

/// Records the writer's transactions in a [`CommitLog`].
#[derive(Debug)]
pub struct Recorder {
    commit_log: Arc<CommitLog>,
    wal_index: Option<WalIndex>,
    wal_file: Option<RefCell<WalFile>>,
    restarts: RestartLogs,
    log: Option<RawFile>,
}

impl Recorder {
    /// A recorder for the writing connection, which must stay open while the recorder is used.
    pub fn new(connection: &Connection, commit_log: Arc<CommitLog>, restarts: RestartLogs) -> Self {
        let wal_index = WalIndex::of(connection);
        let wal_file = wal_index.and_then(|_| WalFile::of(connection)).map(RefCell::new);
        let log = wal_index.and_then(|_| RawFile::log(connection));
        Self { commit_log, wal_index, wal_file, restarts, log }
    }

    /// A recorder for a connection that only reads: there is nothing to record.
    pub fn idle(commit_log: Arc<CommitLog>) -> Self {
        Self { commit_log, wal_index: None, wal_file: None, restarts: RestartLogs::default(), log: None }
    }

    /// Announces a transaction. It ends when the result is dropped.
    pub fn prepare(&self) -> Recording<'_> {
        self.commit_log.prepare();
        Recording { recorder: self, begun: None, ending: None, commit: None }
    }
}

/// Author of the changes of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// Those of one client.
    Client(ClientId),
    /// Nobody's: nothing that clients read.
    Nobody,
    /// Those of several, or such as no client knows of.
    Several,
}

/// The record of a transaction under way.
pub struct Recording<'a> {
    recorder: &'a Recorder,
    /// The header when it took the lock, and the connection's `data_version` then.
    begun: Option<(WalIndexHeader, i64)>,
    /// The log, if the transaction may restart it.
    ending: Option<EndedLogs>,
    commit: Option<Commit>,
}

impl Recording<'_> {
    /// Notes that the transaction holds the lock. `data_version` is the connection's.
    pub fn begin(&mut self, data_version: i64) {
        if let Some(wal_index) = self.recorder.wal_index {
            let from = wal_index.header();
            self.recorder.commit_log.begin(from);
            if let Some(wal_file) = &self.recorder.wal_file {
                wal_file.borrow_mut().make_room(from);
            }
            self.begun = Some((from, data_version));
            let WalProgress { frames, copied, .. } = wal_index.progress();
            if let Some(log) = &self.recorder.log
                && copied >= frames
            {
                self.ending = Some(self.recorder.restarts.read(log, from));
            }
        }
    }

    /// Commits the transaction, whose connection syncs every commit. What that writes to the log is gathered.
    ///
    /// # Errors
    ///
    /// SQLite's, of the commit.
    pub fn commit(&self, transaction: Transaction) -> rusqlite::Result<()> {
        let mut wal_file = self.recorder.wal_file.as_ref().map(RefCell::borrow_mut);
        let _gathering = wal_file.as_mut().and_then(|file| file.gather());
        transaction.commit()
    }

    /// Notes that the transaction is committed, and by whom.
    ///
    /// The lock is free by now, so others may have committed since. `data_version` tells: it stays the same while
    /// only this connection writes (sqlite.org/pragma.html).
    pub fn committed(&mut self, connection: &Connection, author: Author) {
        if let (Some(wal_index), Some((from, before))) = (self.recorder.wal_index, self.begun) {
            let to = wal_index.header();
            if data_version(connection) == Ok(before) {
                if let Some(log) = self.ending.take() {
                    self.recorder.restarts.ended(log, to.salts());
                }
                self.commit = match author {
                    Author::Client(client) => Some(Commit { from, to, client: Some(client) }),
                    Author::Nobody => Some(Commit { from, to, client: None }),
                    Author::Several => None,
                };
            }
        }
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        self.recorder.commit_log.end(self.commit.take());
    }
}

/// A restart of the log under way.
pub struct Restarting<'a> {
    commit_log: &'a CommitLog,
    wal_index: WalIndex,
    from: WalIndexHeader,
}

impl Restarting<'_> {
    /// The header before.
    #[must_use]
    pub fn from(&self) -> WalIndexHeader {
        self.from
    }

    /// Ends it. Returns the salts of the new log, if nothing else has happened since.
    #[must_use]
    pub fn end(self) -> Option<[u32; 2]> {
        let to = self.wal_index.header();
        to.is_restart_of(self.from).then(|| to.salts())
    }
}

impl Drop for Restarting<'_> {
    fn drop(&mut self) {
        let (from, to) = (self.from, self.wal_index.header());
        self.commit_log.end(to.is_restart_of(from).then_some(Commit { from, to, client: None }));
    }
}

/// `PRAGMA data_version`, which changes when another connection has written (sqlite.org/pragma.html).
///
/// # Errors
///
/// If SQLite cannot read the file.
pub fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: ClientId = ClientId(1);
    const OTHER: ClientId = ClientId(2);

    fn header(number: u32) -> WalIndexHeader {
        WalIndexHeader::from_words([number; WalIndexHeader::WORDS])
    }

    fn commit(commit_log: &CommitLog, from: u32, to: u32, client: ClientId) {
        commit_log.prepare();
        commit_log.begin(header(from));
        let client = Some(client);
        commit_log.end(Some(Commit { from: header(from), to: header(to), client }));
    }

    #[test]
    fn a_client_follows_its_own_commits() {
        let commit_log = CommitLog::default();
        commit(&commit_log, 1, 2, ME);
        commit(&commit_log, 2, 3, ME);
        let mut knows = header(1);
        assert_eq!(commit_log.catch_up(ME, &mut knows, header(3)), CacheValidity::Current);
        assert_eq!(knows, header(3));
    }

    #[test]
    fn the_commit_of_another_client_in_between_is_a_change() {
        let commit_log = CommitLog::default();
        commit(&commit_log, 1, 2, ME);
        commit(&commit_log, 2, 3, OTHER);
        commit(&commit_log, 3, 4, ME);
        let mut knows = header(1);
        assert_eq!(commit_log.catch_up(ME, &mut knows, header(4)), CacheValidity::Changed);
        assert_eq!(knows, header(4));
    }

    #[test]
    fn the_commit_of_another_process_in_between_is_a_change() {
        let commit_log = CommitLog::default();
        commit(&commit_log, 1, 2, ME);
        commit(&commit_log, 5, 6, ME);
        assert_eq!(commit_log.catch_up(ME, &mut header(1), header(6)), CacheValidity::Changed);
        assert_eq!(commit_log.catch_up(ME, &mut header(1), header(9)), CacheValidity::Changed);
    }

    #[test]
    fn a_state_that_appears_during_a_transaction_is_unknown_until_that_has_ended() {
        let commit_log = CommitLog::default();
        commit_log.prepare();
        commit_log.begin(header(1));
        let mut knows = header(1);
        assert_eq!(commit_log.catch_up(ME, &mut knows, header(2)), CacheValidity::Unknown);
        assert_eq!(knows, header(1));
        commit_log.end(Some(Commit { from: header(1), to: header(2), client: Some(ME) }));
        assert_eq!(commit_log.catch_up(ME, &mut knows, header(2)), CacheValidity::Current);
    }

    #[test]
    fn a_change_that_the_writer_has_found_is_one_even_while_it_writes() {
        let commit_log = CommitLog::default();
        commit_log.prepare();
        commit_log.begin(header(7));
        assert_eq!(commit_log.catch_up(ME, &mut header(1), header(7)), CacheValidity::Changed);
    }

    #[test]
    fn a_commit_that_cannot_be_told_from_others_is_a_change() {
        let commit_log = CommitLog::default();
        commit_log.prepare();
        commit_log.begin(header(1));
        commit_log.end(None);
        assert_eq!(commit_log.catch_up(ME, &mut header(1), header(2)), CacheValidity::Changed);
    }

    #[test]
    fn only_a_commit_with_nothing_of_others_around_it_is_recorded_as_one_clients() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        let other = Connection::open(&path).unwrap();
        let commit_log = Arc::new(CommitLog::default());
        let recorder = Recorder::new(&writer, Arc::clone(&commit_log), RestartLogs::default());
        let view = WalIndex::of(&other).unwrap();
        let mut knows = view.header();
        for foreign in [false, true, false] {
            let mut recording = recorder.prepare();
            writer.execute_batch("BEGIN IMMEDIATE").unwrap();
            recording.begin(data_version(&writer).unwrap());
            writer.execute_batch("INSERT INTO t VALUES (1); COMMIT").unwrap();
            if foreign {
                other.execute_batch("INSERT INTO t VALUES (2)").unwrap();
            }
            recording.committed(&writer, Author::Client(ME));
            drop(recording);
            let expected = if foreign { CacheValidity::Changed } else { CacheValidity::Current };
            assert_eq!(commit_log.catch_up(ME, &mut knows, view.header()), expected);
        }
    }
}
