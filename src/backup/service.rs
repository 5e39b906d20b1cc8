//! The thread that makes the backups of one file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::destination::Destination;
use super::files::BackupFile;
use super::open::release_signals;
use super::opening::Outcome;
use super::place::{Lock, Place};
use super::plan::Target;
use super::requests::{self, RestoredStore, Verified};
use super::status::{Phase, Status};
use super::worker::Worker;
use crate::clock::now_ms;
use crate::ltx::Txid;
use crate::threads::{self, lock};
use crate::{Error, Reply};

/// How backups are made.
#[derive(Clone)]
pub struct Options {
    /// Where they go.
    pub destination: Arc<dyn Destination>,
    /// How long a change waits for its backup at most.
    pub interval: Duration,
    /// How long they are kept.
    pub retention: Duration,
    /// How long the last one may take when the file is closed.
    pub shutdown_timeout: Duration,
}

/// What has happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A change is safe.
    Backup(BackupFile),
    /// Something failed. Backups go on.
    Failure(Error),
    /// A restore has come further.
    Progress(super::progress::Progress),
    /// A file was restored before it was opened.
    Opened(Outcome),
    /// The store was restored while it was open.
    Restored(RestoredStore),
}

/// A moment at which functions of the user are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Before a capture.
    BeforeBackup,
    /// When a capture is safe.
    AfterBackup,
    /// Before the store is restored.
    BeforeRestore,
    /// When the store was restored.
    AfterRestore,
}

impl Hook {
    /// The option that it is given by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeBackup => "beforeBackup",
            Self::AfterBackup => "afterBackup",
            Self::BeforeRestore => "beforeRestore",
            Self::AfterRestore => "afterRestore",
        }
    }
}

/// Who is told what happens. Called on threads of this package.
pub trait Observer: Send + Sync {
    /// Something has happened.
    fn happened(&self, event: &Event);

    /// Calls a function of the user, if there is one, and waits until it has ended, within bounds. The error says why
    /// it was of no use.
    ///
    /// # Errors
    ///
    /// If it threw, or has not ended.
    fn hook(&self, hook: Hook) -> Result<(), Error>;

    /// The process is ending: functions of the user are not called any more, and none is waited for.
    fn ending(&self) {}
}

/// Those who want to be told.
#[derive(Default)]
pub struct Observers(Mutex<Vec<Weak<dyn Observer>>>);

impl Observers {
    /// Tells one more.
    pub fn add(&self, observer: &Arc<dyn Observer>) {
        let mut observers = lock(&self.0);
        observers.retain(|other| other.strong_count() > 0);
        observers.push(Arc::downgrade(observer));
    }

    fn alive(&self) -> Vec<Arc<dyn Observer>> {
        lock(&self.0).iter().filter_map(Weak::upgrade).collect()
    }

    /// Tells everybody.
    pub fn tell(&self, event: &Event) {
        for observer in self.alive() {
            observer.happened(event);
        }
    }

    /// Says that the process is ending.
    fn ending(&self) {
        for observer in self.alive() {
            observer.ending();
        }
    }

    /// Calls everybody's functions. What fails is told and returned, and no reason not to go on.
    pub fn hook(&self, hook: Hook) -> Option<Error> {
        let mut failure = None;
        for observer in self.alive() {
            if let Err(error) = observer.hook(hook) {
                self.tell(&Event::Failure(error.clone()));
                failure = Some(error);
            }
        }
        failure
    }
}

/// What the thread is asked.
pub enum Request {
    /// To back up what there is, now.
    Create(Reply<BackupFile>),
    /// To restore the store itself, while it is open.
    Restore(Target, Reply<RestoredStore>),
    /// To back up what there is, because the process is ending.
    Finish(Instant, mpsc::Sender<()>),
    /// To back up what there is, and end.
    Close(Instant, mpsc::Sender<()>),
}

/// The backups of an open file.
///
/// # Close semantics
///
/// [`Service::close`] waits for a last backup, as long as its options allow, and then for the thread, if it is not held
/// up by a destination that does not answer. A service that is dropped instead ends by itself.
pub struct Service {
    path: PathBuf,
    place: Place,
    options: Options,
    requests: mpsc::Sender<Request>,
    status: Arc<Mutex<Status>>,
    observers: Arc<Observers>,
}

impl Service {
    /// Begins to make backups of a file that is open. Without the lock, when another process has ended that has it.
    ///
    /// # Errors
    ///
    /// `ERR_INTERNAL` if there is no thread to be had.
    pub fn start(
        path: &Path,
        place: Place,
        options: Options,
        lock: Option<Lock>,
        observers: Arc<Observers>,
    ) -> Result<Self, Error> {
        let (requests, received) = mpsc::channel();
        let status = Arc::new(Mutex::new(Status::new(options.destination.describe())));
        let service = Self { path: path.to_owned(), place, options, requests, status, observers };
        let worker = Worker::new(
            &service.path,
            service.place.clone(),
            service.options.clone(),
            lock,
            Arc::clone(&service.status),
            Arc::clone(&service.observers),
        );
        let (status, observers) = (Arc::clone(&service.status), Arc::clone(&service.observers));
        threads::spawn("backup", move || {
            let ended = catch_unwind(AssertUnwindSafe(|| run(worker, &received)));
            if ended.is_err() {
                let error =
                    Error::internal("the backup thread has panicked: there are no more backups of this file");
                let mut status = threads::lock(&status);
                status.phase = Phase::Failing;
                status.failed(&error, now_ms());
                drop(status);
                observers.tell(&Event::Failure(error));
            }
        })?;
        Ok(service)
    }

    /// Who is told what happens.
    #[must_use]
    pub fn observers(&self) -> &Observers {
        &self.observers
    }

    /// How backups stand.
    #[must_use]
    pub fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    /// Backs up what there is. Answers when it is safe, with the newest backup.
    pub fn create(&self, reply: Reply<BackupFile>) {
        // If the thread is gone, the request is dropped here, and answers.
        drop(self.requests.send(Request::Create(reply)));
    }

    /// Restores the store itself. Whoever has it open goes on with what was restored.
    pub fn restore(&self, target: Target, reply: Reply<RestoredStore>) {
        drop(self.requests.send(Request::Restore(target, reply)));
    }

    /// Restores to another file, on a thread of its own.
    pub fn restore_to(&self, target: Target, output: &Path, overwrites: bool, reply: Reply<RestoredStore>) {
        let (destination, observers) = (Arc::clone(&self.options.destination), Arc::clone(&self.observers));
        let output = output.to_owned();
        drop(threads::spawn("restore", move || {
            let mut progress = |progress| observers.tell(&Event::Progress(progress));
            reply.send(requests::restore_to(&*destination, target, &output, overwrites, &mut progress));
        }));
    }

    /// Lists the backups, on a thread of its own.
    pub fn list(&self, reply: Reply<Vec<BackupFile>>) {
        let destination = Arc::clone(&self.options.destination);
        drop(threads::spawn("list", move || reply.send(requests::list(&*destination))));
    }

    /// Restores the newest state to a file that is removed again, on a thread of its own.
    pub fn verify(&self, reply: Reply<Verified>) {
        let (destination, observers) = (Arc::clone(&self.options.destination), Arc::clone(&self.observers));
        let folder = self.place.folder().to_owned();
        drop(threads::spawn("verify", move || {
            let mut progress = |progress| observers.tell(&Event::Progress(progress));
            reply.send(requests::verify(&*destination, &folder, &mut progress));
        }));
    }

    /// Begins to back up what there is, because the process is ending; what [`LastBackup::wait`] returns from is done, or
    /// took longer than the options allow.
    #[must_use]
    pub fn finish(&self) -> LastBackup {
        self.observers.ending();
        let (ended, ends) = mpsc::channel();
        let deadline = Instant::now() + self.options.shutdown_timeout;
        drop(self.requests.send(Request::Finish(deadline, ended)));
        LastBackup { ends, deadline }
    }

    /// Backs up what there is and ends. Blocks, for no longer than the options allow.
    pub fn close(&self) {
        let _closing = Closing::begin();
        let (ended, ends) = mpsc::channel();
        let deadline = Instant::now() + self.options.shutdown_timeout;
        if self.requests.send(Request::Close(deadline, ended)).is_ok() {
            // Either the thread has ended, or it is held up and ends with the process.
            let _ = ends.recv_timeout(self.options.shutdown_timeout);
        }
        release_signals(true);
    }

    /// The newest transaction that is safe.
    #[must_use]
    pub fn position(&self) -> Option<Txid> {
        lock(&self.status).position
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that was not closed may be dropped where nothing can be waited for.
        release_signals(false);
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A last backup under way.
pub struct LastBackup {
    ends: Receiver<()>,
    deadline: Instant,
}

impl LastBackup {
    /// Waits until it has ended, for no longer than the options allow.
    pub fn wait(self) {
        let _ = self.ends.recv_timeout(self.deadline.saturating_duration_since(Instant::now()));
    }
}

/// How many services are being closed.
static CLOSING: AtomicUsize = AtomicUsize::new(0);

/// A service that is being closed.
struct Closing;

impl Closing {
    fn begin() -> Self {
        CLOSING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        CLOSING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether any service is being closed.
pub fn is_any_closing() -> bool {
    CLOSING.load(Ordering::SeqCst) > 0
}

/// Serves requests and what is due, until it is closed or nobody is there any more.
fn run(mut worker: Worker, requests: &Receiver<Request>) {
    loop {
        let pause = worker.run_due();
        match requests.recv_timeout(pause) {
            Ok(Request::Create(reply)) => reply.send(worker.create()),
            Ok(Request::Restore(target, reply)) => reply.send(worker.restore(target)),
            Ok(Request::Finish(deadline, ended)) => {
                worker.finish(deadline);
                // Nobody may wait any more.
                let _ = ended.send(());
            }
            Ok(Request::Close(deadline, ended)) => {
                worker.close(deadline);
                // With its locks: whoever waits may open the file again at once.
                drop(worker);
                // Nobody may wait any more.
                let _ = ended.send(());
                return;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return worker.close(Instant::now()),
        }
    }
}
