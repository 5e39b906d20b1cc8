//! The thread that looks for commits while something is watched.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::dirty::Dirty;
use super::step::written_since;
use super::table_tree::TableTree;
use super::watched::Watched;
use crate::Error;
use crate::batch::ClientId;
use crate::clock::now_ms;
use crate::engine::sqlite::connection::open_watcher;
use crate::engine::sqlite::file::DatabaseFile;
use crate::engine::sqlite::wal::commit_log::data_version;
use crate::engine::sqlite::wal::frames::WalState;
use crate::engine::sqlite::wal::index_header::{WalIndex, WalIndexHeader};
use crate::engine::sqlite::wal::restart_log::RestartLogs;
use crate::engine::sqlite::wal::snapshot::snapshot_header_of_any_log;
use crate::limits::{WATCH_LOOK, WATCH_PAUSE};
use crate::reads::WatchReport;
use crate::threads::{self, lock};

/// Callback for the reports of a watch.
pub type Tell = Box<dyn FnMut(Result<WatchReport, Error>) + Send>;

/// Number of a watch: its client, and the client's own number of it.
pub type WatchNumber = (ClientId, u32);

enum Request {
    /// Watches what was learned in a snapshot of this header.
    Add(WatchNumber, Box<Watched>, Option<WalIndexHeader>, Tell),
    /// Asks for the next report, by a clock that is ahead of the system's by some milliseconds.
    Next(WatchNumber, i64),
    Remove(WatchNumber),
    /// Ends every watch of a client.
    RemoveAll(ClientId),
    /// This process has committed.
    Committed,
    /// The file was restored.
    Restored,
    End,
}

/// The means to tell the thread, which is there from the first watch on.
#[derive(Debug)]
pub struct Watcher {
    restarts: RestartLogs,
    state: Mutex<WatcherState>,
    /// Something is watched, and the thread is not told yet of a commit.
    wants_commits: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct WatcherState {
    /// Watches whose keys are being read. One that is ended meanwhile is not added.
    expected: HashSet<WatchNumber>,
    running: Option<(Sender<Request>, JoinHandle<()>)>,
    is_ended: bool,
}

impl Watcher {
    /// For a file whose log this process restarts from time to time. Its look for commits is for others, too.
    #[must_use]
    pub fn new(restarts: RestartLogs) -> Self {
        Self { restarts, state: Mutex::default(), wants_commits: Arc::default() }
    }

    /// Announces a watch whose keys are about to be read.
    pub fn expect(&self, number: WatchNumber) {
        let mut state = lock(&self.state);
        if !state.is_ended {
            state.expected.insert(number);
        }
    }

    /// Watches what was learned in a snapshot of a header. Returns `false` if the watch was ended since it was announced.
    ///
    /// # Errors
    ///
    /// `ERR_INTERNAL` if there is no thread to be had, and who was to be told.
    pub fn add(
        &self,
        file: &DatabaseFile,
        number: WatchNumber,
        watched: Watched,
        header: Option<WalIndexHeader>,
        tell: Tell,
    ) -> Result<bool, (Error, Tell)> {
        let mut state = lock(&self.state);
        let WatcherState { expected, running, .. } = &mut *state;
        if !expected.remove(&number) {
            return Ok(false);
        }
        if running.is_none() {
            let (requests, received) = mpsc::channel();
            let (file, wants_commits) = (file.clone(), Arc::clone(&self.wants_commits));
            let restarts = self.restarts.clone();
            match threads::spawn("watch", move || WatchThread::new(file, wants_commits, restarts).run(&received)) {
                Ok(thread) => *running = Some((requests, thread)),
                Err(error) => return Err((error, tell)),
            }
        }
        if let Some((requests, _)) = running {
            // A thread that is gone has told those who watched; the reply of this one is dropped.
            drop(requests.send(Request::Add(number, Box::new(watched), header, tell)));
        }
        Ok(true)
    }

    /// Asks for the next report of a watch, as soon as there is something to report. `ahead_ms` says by how much the clock
    /// of who asks is ahead of the system's.
    pub fn next(&self, number: WatchNumber, ahead_ms: i64) {
        self.tell(Request::Next(number, ahead_ms));
    }

    /// Ends a watch.
    pub fn remove(&self, number: WatchNumber) {
        lock(&self.state).expected.remove(&number);
        self.tell(Request::Remove(number));
    }

    /// Ends every watch of a client.
    pub fn remove_all(&self, client: ClientId) {
        lock(&self.state).expected.retain(|number| number.0 != client);
        self.tell(Request::RemoveAll(client));
    }

    /// The content of the file was replaced.
    pub fn restored(&self) {
        self.tell(Request::Restored);
    }

    /// This process has committed.
    pub fn committed(&self) {
        if self.wants_commits.load(Ordering::Relaxed) && self.wants_commits.swap(false, Ordering::AcqRel) {
            self.tell(Request::Committed);
        }
    }

    /// Ends every watch, and waits for the thread.
    pub fn end(&self) {
        let running = {
            let mut state = lock(&self.state);
            state.is_ended = true;
            state.expected.clear();
            state.running.take()
        };
        if let Some((requests, thread)) = running {
            drop(requests.send(Request::End));
            // One that panicked has nobody to report to.
            drop(thread.join());
        }
    }

    fn tell(&self, request: Request) {
        if let Some((requests, _)) = &lock(&self.state).running {
            drop(requests.send(request));
        }
    }
}

/// One watch.
struct Watch {
    number: WatchNumber,
    watched: Box<Watched>,
    tell: Tell,
    /// The watcher waits for a report.
    is_asked: bool,
    ahead_ms: i64,
    is_restored: bool,
}

impl Watch {
    /// Returns `true` if there may be something to report.
    fn is_due(&self, system_ms: i64) -> bool {
        self.is_asked && (self.is_restored || self.watched.is_due(self.now_ms(system_ms)))
    }

    /// The clock of who watches.
    fn now_ms(&self, system_ms: i64) -> i64 {
        system_ms.saturating_add(self.ahead_ms)
    }
}

struct WatchThread {
    file: DatabaseFile,
    wants_commits: Arc<AtomicBool>,
    restarts: RestartLogs,
    watches: Vec<Watch>,
    /// Present while something is watched.
    follower: Option<Follower>,
    /// No look is taken before.
    next_look: Instant,
    /// Looks since it was last checked that the file is in its place.
    idle_looks: u32,
}

/// Looks at a file that does not change, after which it is checked that it is in its place.
const IDLE_LOOKS_MAX: u32 = 8;

impl WatchThread {
    fn new(file: DatabaseFile, wants_commits: Arc<AtomicBool>, restarts: RestartLogs) -> Self {
        Self {
            file,
            wants_commits,
            restarts,
            watches: Vec::new(),
            follower: None,
            next_look: Instant::now(),
            idle_looks: 0,
        }
    }

    fn run(&mut self, requests: &Receiver<Request>) {
        let mut look_at = Instant::now() + WATCH_LOOK;
        loop {
            let request = if self.watches.is_empty() {
                requests.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                requests.recv_timeout(look_at.saturating_duration_since(Instant::now()))
            };
            match request {
                Ok(Request::End) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(request) => {
                    if self.takes(request) {
                        look_at = look_at.min(self.next_look.max(Instant::now()));
                    }
                    if look_at > Instant::now() {
                        continue;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.wants_commits.store(!self.watches.is_empty(), Ordering::Release);
            let began = Instant::now();
            let has_worked = self.look();
            let now = Instant::now();
            self.next_look = now + if has_worked { WATCH_PAUSE.max(2 * (now - began)) } else { Duration::ZERO };
            look_at = self.next_look.max(now + WATCH_LOOK);
            if self.next_look > now + WATCH_LOOK {
                // Who backs up must not wait for a watch that rests from much reading.
                self.restarts.look.give_up();
            }
        }
    }

    /// Takes a request. Returns `true` if there may be something to report now.
    fn takes(&mut self, request: Request) -> bool {
        match request {
            Request::Add(number, mut watched, header, tell) => {
                // A failure is tried again at the next look.
                let dirty = self.follow().unwrap_or(Dirty::All);
                self.watches.iter_mut().for_each(|watch| watch.watched.add(&dirty));
                if self.follower.as_ref().is_none_or(|follower| !follower.is_at(header)) {
                    // Commits between the two are not known.
                    watched.add(&Dirty::All);
                }
                let (is_asked, ahead_ms, is_restored) = (false, 0, false);
                self.watches.push(Watch { number, watched, tell, is_asked, ahead_ms, is_restored });
                self.wants_commits.store(true, Ordering::Release);
                false
            }
            Request::Next(number, ahead_ms) => {
                if let Some(watch) = self.watches.iter_mut().find(|watch| watch.number == number) {
                    (watch.is_asked, watch.ahead_ms) = (true, ahead_ms);
                }
                true
            }
            Request::Remove(number) => self.retain(|watch| watch.number != number),
            Request::RemoveAll(client) => self.retain(|watch| watch.number.0 != client),
            Request::Restored => {
                self.watches.iter_mut().for_each(|watch| watch.is_restored = true);
                true
            }
            Request::Committed => true,
            Request::End => unreachable!("served by the loop itself"),
        }
    }

    fn retain(&mut self, stays: impl FnMut(&Watch) -> bool) -> bool {
        self.watches.retain(stays);
        if self.watches.is_empty() {
            self.follower = None;
            self.wants_commits.store(false, Ordering::Release);
        }
        false
    }

    /// Looks for commits, and reports what has changed. Returns `true` if anything was read.
    fn look(&mut self) -> bool {
        match self.look_once() {
            Ok(has_worked) => has_worked,
            // A lock is not kept for long.
            Err(error) if error.is_busy() => false,
            Err(error) => {
                self.follower = None;
                for mut watch in self.watches.drain(..) {
                    (watch.tell)(Err(error.clone()));
                }
                true
            }
        }
    }

    /// Goes on to the last commit.
    fn follow(&mut self) -> Result<Dirty, Error> {
        let follower = match &mut self.follower {
            Some(follower) => follower,
            none => none.insert(Follower::open(&self.file, &self.restarts)?),
        };
        follower.begin()?;
        let dirty = follower.step(self.file.path());
        follower.end();
        dirty
    }

    fn look_once(&mut self) -> Result<bool, Error> {
        if self.watches.is_empty() {
            return Ok(false);
        }
        let follower = match &mut self.follower {
            Some(follower) => follower,
            none => none.insert(Follower::open(&self.file, &self.restarts)?),
        };
        let system_ms = now_ms();
        let has_moved = follower.has_moved()?;
        // A file that is gone is no longer written, so it need not be missed at once.
        self.idle_looks = if has_moved { 0 } else { self.idle_looks + 1 };
        if has_moved || self.idle_looks >= IDLE_LOOKS_MAX {
            self.idle_looks = 0;
            self.file.check()?;
        }
        if !has_moved && !self.watches.iter().any(|watch| watch.is_due(system_ms)) {
            return Ok(false);
        }
        follower.begin()?;
        let dirty = follower.step(self.file.path());
        let dirty = match dirty {
            Ok(dirty) => dirty,
            Err(error) => {
                follower.end();
                return Err(error);
            }
        };
        self.watches.iter_mut().for_each(|watch| watch.watched.add(&dirty));
        let mut failed = Vec::new();
        for watch in self.watches.iter_mut().filter(|watch| watch.is_due(system_ms)) {
            let now_ms = watch.now_ms(system_ms);
            let report = if watch.is_restored {
                watch.watched.begin(&follower.connection, now_ms).map(|()| Some(WatchReport::Resync))
            } else {
                watch.watched.changes(&follower.connection, now_ms)
            };
            match report {
                Ok(None) => {}
                Ok(Some(report)) => {
                    (watch.is_asked, watch.is_restored) = (false, false);
                    (watch.tell)(Ok(report));
                }
                // It was interrupted halfway: all is read at the next look.
                Err(error) if error.is_busy() => watch.watched.add(&Dirty::All),
                Err(error) => {
                    (watch.tell)(Err(error));
                    failed.push(watch.number);
                }
            }
        }
        follower.end();
        self.watches.retain(|watch| !failed.contains(&watch.number));
        Ok(true)
    }
}

/// A connection that follows the commits to a file.
struct Follower {
    connection: Connection,
    wal_index: Option<WalIndex>,
    /// Header of the last transaction.
    at: Option<WalIndexHeader>,
    data_version: Option<i64>,
    tree: Option<TableTree>,
    restarts: RestartLogs,
}

impl Follower {
    fn open(file: &DatabaseFile, restarts: &RestartLogs) -> Result<Self, Error> {
        let connection = open_watcher(file)?;
        let wal_index = WalIndex::of_log(&connection);
        Ok(Self { connection, wal_index, at: None, data_version: None, tree: None, restarts: restarts.clone() })
    }

    /// True if everything up to a header was followed, and nothing beyond it.
    fn is_at(&self, header: Option<WalIndexHeader>) -> bool {
        header.is_some() && self.at == header
    }

    /// True if somebody has committed since the last transaction.
    fn has_moved(&self) -> Result<bool, Error> {
        match (self.wal_index, self.at) {
            (Some(wal_index), Some(at)) => Ok(wal_index.header() != at),
            _ => Ok(self.data_version != Some(data_version(&self.connection)?)),
        }
    }

    fn begin(&self) -> Result<(), Error> {
        self.connection.execute_batch("BEGIN")?;
        let taken = self.connection.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()));
        if taken.is_err() {
            self.end();
        }
        Ok(taken?)
    }

    fn end(&self) {
        // It has only read, so a failure loses nothing.
        drop(self.connection.execute_batch("ROLLBACK"));
    }

    /// Goes on to the transaction that has begun. Returns what may have changed since the last.
    fn step(&mut self, database: &Path) -> Result<Dirty, Error> {
        let (from, now) = (self.at, snapshot_header_of_any_log(&self.connection));
        let version = data_version(&self.connection)?;
        self.data_version = Some(version);
        self.at = now;
        if from.is_some() && from == now {
            return Ok(Dirty::NOTHING);
        }
        // Without a log others look for themselves.
        if now.is_some() {
            self.restarts.look.take();
        } else {
            self.restarts.look.give_up();
        }
        self.restarts.look.tell();
        let written =
            from.zip(now).and_then(|(from, now)| written_since(database, from, now, &self.restarts.watches));
        let (tree, dirty) = match (self.tree.take(), now) {
            (Some(tree), Some(_)) => tree.after(&self.connection, written.as_ref())?,
            (None, Some(_)) => (TableTree::read(&self.connection)?, Dirty::All),
            (_, None) => (None, Dirty::All),
        };
        self.tree = tree;
        self.restarts.watches.need(now.map(|now| WalState::new(now).mark));
        Ok(dirty)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.restarts.look.give_up();
        self.restarts.watches.need(None);
    }
}
