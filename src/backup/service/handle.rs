//! The thread that makes the backups of one file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::status::{Phase, Status};
use super::worker::Worker;
use crate::backup::catalog::files::BackupFile;
use crate::backup::catalog::plan::Target;
use crate::backup::events::{BackupEvent, Observers, ServiceOptions};
use crate::backup::local::state_dir::{Lock, StateDir};
use crate::backup::restore::restored::Restored;
use crate::backup::restore::{listing, to_file, verify};
use crate::clock::now_ms;
use crate::threads::{self, lock};
use crate::{Error, Reply};

/// What the thread is asked.
pub enum ServiceRequest {
    /// To back up what there is, now.
    Create(Reply<BackupFile>),
    /// To restore the store itself, while it is open.
    Restore(Target, Reply<Restored>),
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
    state_dir: StateDir,
    options: ServiceOptions,
    requests: mpsc::Sender<ServiceRequest>,
    status: Arc<Mutex<Status>>,
    observers: Arc<Observers>,
    /// Called when it has ended, and told whether anything may be waited for.
    on_end: fn(bool),
}

impl Service {
    /// Begins to make backups of a file that is open. Without the lock, when another process has ended that has it.
    ///
    /// # Errors
    ///
    /// `ERR_INTERNAL` if there is no thread to be had.
    pub fn start(
        path: &Path,
        state_dir: StateDir,
        options: ServiceOptions,
        lock: Option<Lock>,
        observers: Arc<Observers>,
        on_end: fn(bool),
    ) -> Result<Self, Error> {
        let (requests, received) = mpsc::channel();
        let status = Arc::new(Mutex::new(Status::new(options.destination.describe())));
        let service = Self { path: path.to_owned(), state_dir, options, requests, status, observers, on_end };
        let worker = Worker::new(
            &service.path,
            service.state_dir.clone(),
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
                observers.tell(&BackupEvent::Failure(error));
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
        drop(self.requests.send(ServiceRequest::Create(reply)));
    }

    /// Restores the store itself. Whoever has it open goes on with what was restored.
    pub fn restore(&self, target: Target, reply: Reply<Restored>) {
        drop(self.requests.send(ServiceRequest::Restore(target, reply)));
    }

    /// Restores to another file, on a thread of its own.
    pub fn restore_to(&self, target: Target, output: &Path, overwrites: bool, reply: Reply<Restored>) {
        let (destination, observers) = (Arc::clone(&self.options.destination), Arc::clone(&self.observers));
        let output = output.to_owned();
        drop(threads::spawn("restore", move || {
            let mut progress = |progress| observers.tell(&BackupEvent::Progress(progress));
            reply.send(to_file::restore_to(&*destination, target, &output, overwrites, &mut progress));
        }));
    }

    /// Lists the backups, on a thread of its own.
    pub fn list(&self, reply: Reply<Vec<BackupFile>>) {
        let destination = Arc::clone(&self.options.destination);
        drop(threads::spawn("list", move || reply.send(listing::list(&*destination))));
    }

    /// Restores the newest state to a file that is removed again, on a thread of its own.
    pub fn verify(&self, reply: Reply<Restored>) {
        let (destination, observers) = (Arc::clone(&self.options.destination), Arc::clone(&self.observers));
        let folder = self.state_dir.folder().to_owned();
        drop(threads::spawn("verify", move || {
            let mut progress = |progress| observers.tell(&BackupEvent::Progress(progress));
            reply.send(verify::verify(&*destination, &folder, &mut progress));
        }));
    }

    /// Begins to back up what there is, because the process is ending; what [`LastBackup::wait`] returns from is done, or
    /// took longer than the options allow.
    #[must_use]
    pub fn finish(&self) -> LastBackup {
        self.observers.ending();
        let (ended, ends) = mpsc::channel();
        let deadline = Instant::now() + self.options.shutdown_timeout;
        drop(self.requests.send(ServiceRequest::Finish(deadline, ended)));
        LastBackup { ends, deadline }
    }

    /// Backs up what there is and ends. Blocks, for no longer than the options allow.
    pub fn close(&self) {
        let _closing = Closing::begin();
        let (ended, ends) = mpsc::channel();
        let deadline = Instant::now() + self.options.shutdown_timeout;
        if self.requests.send(ServiceRequest::Close(deadline, ended)).is_ok() {
            // Either the thread has ended, or it is held up and ends with the process.
            let _ = ends.recv_timeout(self.options.shutdown_timeout);
        }
        (self.on_end)(true);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that was not closed may be dropped where nothing can be waited for.
        (self.on_end)(false);
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
fn run(mut worker: Worker, requests: &Receiver<ServiceRequest>) {
    loop {
        let pause = worker.run_due();
        match requests.recv_timeout(pause) {
            Ok(ServiceRequest::Create(reply)) => reply.send(worker.create()),
            Ok(ServiceRequest::Restore(target, reply)) => reply.send(worker.restore(target)),
            Ok(ServiceRequest::Finish(deadline, ended)) => {
                worker.finish(deadline);
                // Nobody may wait any more.
                let _ = ended.send(());
            }
            Ok(ServiceRequest::Close(deadline, ended)) => {
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
