//! Work of the backup thread.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::background_check::BackgroundCheck;
use super::elsewhere::{Served, Server};
use super::status::{Phase, Status};
use crate::backup::capture::wal_capture::WalCapture;
use crate::backup::catalog::files::BackupFile;
use crate::backup::catalog::plan::Target;
use crate::backup::catalog::schedule::{capture_pause, retry_pause};
use crate::backup::events::{BackupEvent, Hook, Observers, ServiceOptions};
use crate::backup::fs::paths::with_suffix;
use crate::backup::local::state_dir::{Lock, StateDir};
use crate::backup::publish::publisher::{Published, Publisher};
use crate::backup::restore::in_place::Replacement;
use crate::backup::restore::restored::Restored;
use crate::clock::now_ms;
use crate::engine::sqlite::open_own_writer;
use crate::engine::sqlite::wal::restart_log::RestartLogs;
use crate::limits::{
    ELSEWHERE_INTERVAL, ELSEWHERE_LOCKED_WAIT, IDLE_MAINTENANCE_INTERVAL, LOCKED_BACKUP_WAIT, LOOK_BESIDE_WATCH,
    MAINTENANCE_INTERVAL, QUICK_CHECK_BYTES_MAX, SHUTDOWN_PAUSE,
};
use crate::ltx::Txid;
use crate::sql::Cancel;
use crate::threads::lock;
use crate::{BackupProblem, Error, faults};

/// Attempts to restore an open store.
const REPLACE_ATTEMPTS: u32 = 6;

/// State of the backup thread.
pub struct Worker {
    path: PathBuf,
    state_dir: StateDir,
    options: ServiceOptions,
    /// Right to make the backups.
    right: Option<Lock>,
    publisher: Option<Publisher>,
    status: Arc<Mutex<Status>>,
    observers: Arc<Observers>,
    restarts: RestartLogs,
    failures: u32,
    /// Duration of the last capture, without hooks.
    capture_took: Duration,
    next_capture: Instant,
    /// When a commit is captured of which the thread is told before that.
    earliest_capture: Instant,
    /// True while the thread waits to be told of a commit.
    is_at_rest: Arc<AtomicBool>,
    next_maintenance: Instant,
    is_checked: bool,
    /// Check of a large file.
    check: Option<BackgroundCheck>,
}

impl Worker {
    /// Creates the initial state.
    pub fn new(
        path: &Path,
        state_dir: StateDir,
        options: ServiceOptions,
        right: Option<Lock>,
        status: Arc<Mutex<Status>>,
        observers: Arc<Observers>,
        restarts: RestartLogs,
    ) -> Self {
        // Small files, and files that were not closed properly, were checked before they were opened.
        let is_checked = path.metadata().is_ok_and(|file| file.len() <= QUICK_CHECK_BYTES_MAX);
        Self {
            path: path.to_owned(),
            state_dir,
            options,
            right,
            publisher: None,
            status,
            observers,
            restarts,
            failures: 0,
            capture_took: Duration::ZERO,
            next_capture: Instant::now(),
            earliest_capture: Instant::now(),
            is_at_rest: Arc::default(),
            next_maintenance: Instant::now() + MAINTENANCE_INTERVAL,
            is_checked,
            check: None,
        }
    }

    /// Performs due work. Returns the time until the next.
    pub fn run_due(&mut self) -> Duration {
        if Instant::now() >= self.next_capture {
            let began = Instant::now();
            self.capture_took = Duration::ZERO;
            let is_told = self.restarts.look.is_taken();
            // Before the look: what is committed after it is then not missed.
            self.is_at_rest.store(is_told, Ordering::Release);
            let result = self.capture();
            let pause = self.pause_after(&result);
            self.earliest_capture = began + pause;
            let is_idle = matches!(result, Ok(None));
            self.next_capture = began + if is_told && is_idle { pause.max(LOOK_BESIDE_WATCH) } else { pause };
            // An error was reported, and the work will be retried.
            let _ = self.note(result);
        }
        if self.publisher.is_some() && Instant::now() >= self.next_maintenance {
            self.maintain();
        }
        self.next_capture.min(self.next_maintenance).saturating_duration_since(Instant::now())
    }

    /// True while the thread waits to be told of a commit; whoever tells it sets it to false.
    pub fn is_at_rest(&self) -> &Arc<AtomicBool> {
        &self.is_at_rest
    }

    /// Makes a capture due that waits for the thread to be told of a commit.
    pub fn look_soon(&mut self) {
        self.next_capture = self.next_capture.min(self.earliest_capture);
    }

    fn pause_after(&self, result: &Result<Option<Published>, Error>) -> Duration {
        match result {
            Ok(_) => capture_pause(self.options.interval, self.capture_took),
            Err(error) if error.backup_problem() == Some(BackupProblem::ElsewhereActive) => ELSEWHERE_INTERVAL,
            // Others hold a lock, which never takes long.
            Err(error) if error.is_busy() => self.options.interval / 4,
            Err(_) => retry_pause(self.options.interval, self.failures),
        }
    }

    /// Returns the publisher, and creates it if necessary.
    fn publisher(&mut self) -> Result<&mut Publisher, Error> {
        if self.right.is_none() {
            self.right = self.state_dir.lock_for_backups()?;
            if self.right.is_none() {
                let message = format!("another process makes the backups of {}", self.path.display());
                return Err(Error::backup(BackupProblem::ElsewhereActive, message));
            }
        }
        if self.publisher.is_none() {
            let capture = Box::new(WalCapture::open_beside(&self.path, Arc::clone(&self.restarts.captures))?);
            let destination = Arc::clone(&self.options.destination);
            let publisher = Publisher::new(self.state_dir.folder(), destination, capture)?;
            self.state_dir.mark_in_use()?;
            lock(&self.status).position = publisher.newest();
            self.publisher = Some(publisher);
        }
        self.publisher.as_mut().ok_or_else(|| Error::internal("a publisher that was just prepared"))
    }

    /// Backs up the changes. If the destination is a folder, which costs nothing to look at, and has lost what was
    /// there, everything.
    fn capture(&mut self) -> Result<Option<Published>, Error> {
        let is_local = self.options.destination.root().is_some();
        self.capture_to(is_local)
    }

    /// Backs up the changes, or everything if the destination was looked at and has lost what was there.
    fn capture_to(&mut self, looks: bool) -> Result<Option<Published>, Error> {
        let publisher = self.publisher()?;
        let looked = if looks { publisher.check_presence() } else { Ok(()) };
        if !publisher.has_work()? {
            return looked.map(|()| None);
        }
        // Changes wait, whether or not the destination can be looked at.
        lock(&self.status).behind_since_ms.get_or_insert_with(now_ms);
        looked?;
        self.hook(Hook::BeforeBackup);
        let began = Instant::now();
        let outcome = self.publisher()?.run(now_ms());
        self.capture_took = began.elapsed();
        self.tell_problem();
        let capture = outcome?;
        if let Some(capture) = &capture {
            self.tell(capture);
        }
        Ok(capture)
    }

    /// Reports a published capture.
    fn tell(&mut self, published: &Published) {
        // The new files will have to be merged soon.
        self.next_maintenance = self.next_maintenance.min(Instant::now() + MAINTENANCE_INTERVAL);
        lock(&self.status).backed_up(&published.file);
        self.observers.tell(&BackupEvent::Backup(published.file));
        self.hook(Hook::AfterBackup);
    }

    /// Reports a problem of the publisher.
    fn tell_problem(&mut self) {
        if let Some(error) = self.publisher.as_mut().and_then(Publisher::take_problem) {
            lock(&self.status).failed(&error, now_ms());
            self.observers.tell(&BackupEvent::Failure(error));
        }
    }

    /// Runs the hooks.
    fn hook(&self, hook: Hook) {
        if let Some(error) = self.observers.hook(hook) {
            lock(&self.status).failed(&error, now_ms());
        }
    }

    /// Updates the status by the result of an attempt.
    fn note<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        let mut status = lock(&self.status);
        let Err(error) = &result else {
            self.failures = 0;
            status.phase = Phase::Active;
            status.behind_since_ms = None;
            return result;
        };
        self.failures = self.failures.saturating_add(1);
        match error.backup_problem() {
            Some(BackupProblem::ElsewhereActive) => {
                status.phase = Phase::Elsewhere;
                return result;
            }
            Some(BackupProblem::Conflict) => status.phase = Phase::Conflict,
            _ => status.phase = Phase::Failing,
        }
        let is_news =
            status.last_error.as_ref().is_none_or(|(last, _)| last.code() != error.code()) || self.failures == 1;
        status.failed(error, now_ms());
        drop(status);
        if is_news {
            self.observers.tell(&BackupEvent::Failure(error.clone()));
        }
        result
    }

    /// Runs maintenance, and begins to check a large file, once.
    fn maintain(&mut self) {
        let Some(publisher) = &mut self.publisher else { return };
        let today_ms = now_ms();
        let ahead = publisher.time_of_day.ahead(Instant::now(), today_ms);
        let worked = publisher.maintain(today_ms, ahead, self.options.retention);
        self.tell_problem();
        let has_worked = *worked.as_ref().unwrap_or(&true);
        let pause = if has_worked { MAINTENANCE_INTERVAL } else { IDLE_MAINTENANCE_INTERVAL };
        self.next_maintenance = Instant::now() + pause;
        if let Err(error) = worked {
            lock(&self.status).failed(&error, now_ms());
            self.observers.tell(&BackupEvent::Failure(error));
        }
        if !std::mem::replace(&mut self.is_checked, true) {
            let (status, observers) = (Arc::clone(&self.status), Arc::clone(&self.observers));
            self.check = BackgroundCheck::start(&self.path, status, observers).ok();
        }
    }

    /// Backs up now, or waits until the process that makes the backups has done so.
    pub fn create(&mut self) -> Result<BackupFile, Error> {
        match self.create_here() {
            Err(error) if error.backup_problem() == Some(BackupProblem::ElsewhereActive) => self.create_elsewhere(),
            created => created,
        }
    }

    fn create_elsewhere(&mut self) -> Result<BackupFile, Error> {
        let (path, state_dir) = (self.path.clone(), self.state_dir.clone());
        let destination = Arc::clone(&self.options.destination);
        let cancel = Cancel::default();
        let server = Server::find(&path, &state_dir, &*destination, &cancel)?;
        match server.await_backup_since(now_ms())? {
            Served::All(txid) => self.backup_of(Some(txid)),
            Served::Late => Err(Error::internal("a backup that was waited for")),
            Served::Ended(right) => {
                self.right = Some(right);
                self.create_here()
            }
        }
    }

    fn create_here(&mut self) -> Result<BackupFile, Error> {
        let result = self.capture_to(true);
        let published = self.note(result)?;
        self.next_capture = Instant::now() + self.options.interval;
        if let Some(published) = published {
            return Ok(published.file);
        }
        let newest = self.publisher()?.newest();
        self.backup_of(newest)
    }

    /// The backup of the newest transaction that was captured.
    fn backup_of(&self, newest: Option<Txid>) -> Result<BackupFile, Error> {
        let mut files = self.options.destination.list()?;
        files.retain(|file| Some(file.name.max) == newest);
        files.sort_by_key(|file| file.name.level);
        let none = || {
            if newest.is_none() {
                Error::backup(BackupProblem::NotFound, "the database is empty, and there is no backup")
            } else {
                let place = self.options.destination.describe();
                let message = format!("the backups that were made are not in {place} any more");
                Error::backup(BackupProblem::NotFound, message)
            }
        };
        let mut file = files.first().copied().ok_or_else(none)?;
        // A listing may show the time of the upload. A damaged file is detected when it is needed.
        if let Ok(time_ms) = self.options.destination.captured_ms(file.name) {
            file.time_ms = time_ms;
        }
        Ok(file)
    }

    /// Restores the store itself. The replaced state, to the last commit of any writer, becomes a backup: of this process,
    /// or of the one that makes the backups.
    pub fn restore(&mut self, target: Target, cancel: &Arc<Cancel>) -> Result<Restored, Error> {
        cancel.check()?;
        if self.check.take().is_some_and(|check| !check.is_finished()) {
            // Without a log, what reads the file keeps it from being replaced. It is checked again later.
            self.is_checked = false;
        }
        self.hook(Hook::BeforeRestore);
        // The present state is a possible target.
        let elsewhere = match self.create_here() {
            Err(error) if error.backup_problem() == Some(BackupProblem::ElsewhereActive) => {
                self.restore_elsewhere(target, cancel)?
            }
            created => created.map(|_| None)?,
        };
        let restored = match elsewhere {
            Some(restored) => restored,
            None => self.restore_here(target, cancel)?,
        };
        self.observers.tell(&BackupEvent::Restored(restored.clone()));
        self.hook(Hook::AfterRestore);
        Ok(restored)
    }

    fn restore_here(&mut self, target: Target, cancel: &Arc<Cancel>) -> Result<Restored, Error> {
        let replacement = self.prepare(target, &self.state_dir.folder().join("restored"), cancel)?;
        cancel.check()?;
        self.replace(&replacement)?;
        let undo = self.publisher()?.newest();
        self.make_tables();
        drop(self.create_here());
        Ok(Restored { undo, ..replacement.restored })
    }

    /// Restores a store whose backups another process makes. It has to back up the last of the present state while this
    /// one keeps everybody from writing. `None` if the right to make the backups has come to this process meanwhile.
    fn restore_elsewhere(&mut self, target: Target, cancel: &Arc<Cancel>) -> Result<Option<Restored>, Error> {
        let (path, state_dir) = (self.path.clone(), self.state_dir.clone());
        let destination = Arc::clone(&self.options.destination);
        let server = Server::find(&path, &state_dir, &*destination, cancel)?;
        // Whoever opens the file where nobody makes its backups removes what lies in the folder of the state.
        let temporary = with_suffix(&path, ".restoring");
        let mut replacement = None;
        for _ in 0..REPLACE_ATTEMPTS {
            if let Served::Ended(right) = server.await_backup_since(now_ms())? {
                return self.take_over(right);
            }
            let Some(replacement) = &replacement else {
                replacement = Some(self.prepare(target, &temporary, cancel)?);
                faults::crash_at("restore elsewhere: prepared");
                // Preparing took long, so that there is more to back up now.
                continue;
            };
            let mut outcome = Served::Late;
            replacement.replace(|| {
                faults::crash_at("restore elsewhere: locked");
                outcome = server.await_all(ELSEWHERE_LOCKED_WAIT)?;
                faults::crash_at("restore elsewhere: published");
                Ok(matches!(outcome, Served::All(_)))
            })?;
            match outcome {
                Served::All(txid) => {
                    faults::crash_at("restore elsewhere: replaced");
                    self.make_tables();
                    return Ok(Some(Restored { undo: Some(txid), ..replacement.restored.clone() }));
                }
                Served::Late => {}
                Served::Ended(right) => return self.take_over(right),
            }
        }
        let waited = ELSEWHERE_LOCKED_WAIT.as_secs();
        let late =
            format!("has not backed up the last of what the file holds within {waited} s; nothing was restored");
        Err(server.error(&late))
    }

    /// Makes the backups from now on, because the process that made them has ended, and backs up what it has left.
    fn take_over(&mut self, right: Lock) -> Result<Option<Restored>, Error> {
        self.right = Some(right);
        self.create_here()?;
        Ok(None)
    }

    /// Restores a state to a temporary file that begins with a path.
    fn prepare(&self, target: Target, temporary: &Path, cancel: &Arc<Cancel>) -> Result<Replacement, Error> {
        let mut progress = |progress| self.observers.tell(&BackupEvent::Progress(progress));
        Replacement::prepare(&*self.options.destination, target, &self.path, temporary, cancel, &mut progress)
    }

    /// Makes the tables that a restored state lacks. The restore is done, whatever follows: a failure is reported.
    fn make_tables(&self) {
        if let Err(error) = open_own_writer(&self.path).map(drop) {
            self.observers.tell(&BackupEvent::Failure(error));
        }
    }

    /// Replaces the content of the store once all of it is backed up.
    ///
    /// Others can write until the store is locked, so the last changes are captured under the lock. They are
    /// published before they are replaced, because a kill or a failing destination would lose them otherwise. There
    /// is little to publish after the backup just before; but if the destination is slow, others must not wait for
    /// long. Then the lock is released and taken again, when even less is left.
    fn replace(&mut self, replacement: &Replacement) -> Result<(), Error> {
        for _ in 0..REPLACE_ATTEMPTS {
            let result = self.capture();
            self.note(result)?;
            let publisher = self.publisher()?;
            let mut captured = Ok(None);
            let outcome = &mut captured;
            let replaced = thread::scope(|scope| {
                replacement.replace(|| {
                    if !publisher.has_work()? {
                        return Ok(true);
                    }
                    let (ended, ends) = mpsc::channel();
                    scope.spawn(move || {
                        *outcome = publisher.run(now_ms());
                        // The receiver may be gone.
                        let _ = ended.send(outcome.is_ok());
                    });
                    Ok(ends.recv_timeout(LOCKED_BACKUP_WAIT).unwrap_or(false))
                })
            });
            self.tell_problem();
            if let Some(published) = self.note(captured)? {
                self.tell(&published);
            }
            if replaced? {
                return Ok(());
            }
        }
        let message = "the store could not be restored: others write to it faster than that can be backed up";
        Err(Error::backup(BackupProblem::State, message))
    }

    /// Backs up, retries until `deadline`, and releases the file.
    pub fn close(&mut self, deadline: Instant) {
        self.check = None;
        let is_finished = self.finish(deadline);
        self.publisher = None;
        // The in-use marker stays if the last backup failed, so that the next opening makes it. A marker that cannot
        // be removed only makes the next opening inspect more closely.
        if is_finished {
            drop(self.state_dir.mark_closed());
        }
    }

    /// Backs up, and retries until `deadline`. Returns whether that succeeded.
    pub fn finish(&mut self, deadline: Instant) -> bool {
        loop {
            let result = self.capture();
            let Err(error) = self.note(result) else { return true };
            let is_final =
                matches!(error.backup_problem(), Some(BackupProblem::Conflict | BackupProblem::ElsewhereActive));
            if is_final || Instant::now() + SHUTDOWN_PAUSE >= deadline {
                return false;
            }
            thread::sleep(SHUTDOWN_PAUSE);
        }
    }
}
