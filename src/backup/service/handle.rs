//! Handle of the backup thread of a file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::status::{Phase, Status};
use super::worker::Worker;
use crate::backup::catalog::files::BackupFile;
use crate::backup::catalog::plan::Target;
use crate::backup::events::{BackupEvent, Observers, ServiceOptions};
use crate::backup::local::state_dir::{Lock, StateDir};
use crate::backup::restore::restored::Restored;
use crate::backup::restore::{listing, to_file, verify};
use crate::clock::now_ms;
use crate::engine::sqlite::wal::restart_log::RestartLogs;
use crate::sql::Cancel;
use crate::threads::{self, lock};
use crate::{Error, Reply};

/// Request to the thread.
pub enum ServiceRequest {
    /// Back up now.
    Create(Reply<BackupFile>),
    /// Restore the store while it is open, unless it is cancelled before it is replaced.
    Restore(Target, Arc<Cancel>, Reply<Restored>),
    /// Back up because the process is ending.
    Finish(Instant, mpsc::Sender<()>),
    /// Look for commits, because there may be one.
    Look,
    /// Back up and end.
    Close(Instant, mpsc::Sender<()>),
}

/// Backup service of an open file.
///
/// # Close semantics
///
/// [`Service::close`] waits for a last backup, as long as the options allow, and then for the thread, unless a
/// destination that does not respond holds it up. A service that is dropped instead ends by itself.
pub struct Service {
    path: PathBuf,
    state_dir: StateDir,
    options: ServiceOptions,
    requests: Arc<mpsc::Sender<ServiceRequest>>,
    status: Arc<Mutex<Status>>,
    observers: Arc<Observers>,
}

impl Service {
    /// Starts the backup thread of an open file. `lock` is `None` while another process makes the backups.
    ///
    /// # Errors
    ///
    /// `ERR_INTERNAL` if no thread can be started.
    pub fn start(
        path: &Path,
        state_dir: StateDir,
        options: ServiceOptions,
        lock: Option<Lock>,
        observers: Arc<Observers>,
        restarts: RestartLogs,
    ) -> Result<Self, Error> {
        let (sender, received) = mpsc::channel();
        let requests = Arc::new(sender);
        let (shared_look, told) = (Arc::clone(&restarts.look), Arc::downgrade(&requests));
        let status = Arc::new(Mutex::new(Status::new(options.destination.describe())));
        let service = Self { path: path.to_owned(), state_dir, options, requests, status, observers };
        let worker = Worker::new(
            &service.path,
            service.state_dir.clone(),
            service.options.clone(),
            lock,
            Arc::clone(&service.status),
            Arc::clone(&service.observers),
            restarts,
        );
        let is_at_rest = Arc::clone(worker.is_at_rest());
        // The service that is dropped ends the thread, so this does not keep the channel.
        shared_look.listen(move || {
            let Some(requests) = told.upgrade() else { return false };
            !is_at_rest.swap(false, Ordering::AcqRel) || requests.send(ServiceRequest::Look).is_ok()
        });
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

    /// Observers of the file.
    #[must_use]
    pub fn observers(&self) -> &Arc<Observers> {
        &self.observers
    }

    /// Time limit of the last backup.
    #[must_use]
    pub fn shutdown_timeout(&self) -> Duration {
        self.options.shutdown_timeout
    }

    /// Current status.
    #[must_use]
    pub fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    /// Backs up now. The answer is the newest backup, once it is published.
    pub fn create(&self, reply: Reply<BackupFile>) {
        // If the thread has ended, the request is dropped here, which answers it.
        drop(self.requests.send(ServiceRequest::Create(reply)));
    }

    /// Restores the store itself. Connections that have it open see the restored state. Once it is being replaced, it
    /// cannot be cancelled any more.
    pub fn restore(&self, target: Target, cancel: Arc<Cancel>, reply: Reply<Restored>) {
        drop(self.requests.send(ServiceRequest::Restore(target, cancel, reply)));
    }

    /// Restores to another file, on a thread of its own.
    pub fn restore_to(&self, target: Target, output: &Path, overwrites: bool, reply: Reply<Restored>) {
        let (destination, observers) = (Arc::clone(&self.options.destination), Arc::clone(&self.observers));
        let output = output.to_owned();
        drop(threads::spawn("restore", move || {
            let mut progress = |progress| observers.tell(&BackupEvent::Progress(progress));
            reply.send(to_file::restore_to(
                &*destination,
                target,
                &output,
                overwrites,
                &Arc::default(),
                &mut progress,
            ));
        }));
    }

    /// Lists the backups, on a thread of its own.
    pub fn list(&self, reply: Reply<Vec<BackupFile>>) {
        let destination = Arc::clone(&self.options.destination);
        drop(threads::spawn("list", move || reply.send(listing::list(&*destination))));
    }

    /// Restores the newest state to a temporary file, on a thread of its own.
    pub fn verify(&self, reply: Reply<Restored>) {
        let (destination, observers) = (Arc::clone(&self.options.destination), Arc::clone(&self.observers));
        let folder = self.state_dir.folder().to_owned();
        drop(threads::spawn("verify", move || {
            let mut progress = |progress| observers.tell(&BackupEvent::Progress(progress));
            reply.send(verify::verify(&*destination, &folder, &Arc::default(), &mut progress));
        }));
    }

    /// Requests a last backup because the process is ending. Wait for it with [`LastBackup::wait`].
    #[must_use]
    pub fn finish(&self) -> LastBackup {
        self.observers.ending();
        let (ended, ends) = mpsc::channel();
        let deadline = Instant::now() + self.options.shutdown_timeout;
        drop(self.requests.send(ServiceRequest::Finish(deadline, ended)));
        LastBackup { ends, deadline }
    }

    /// Backs up and ends. Blocks, but no longer than the options allow.
    pub fn close(&self) {
        let (ended, ends) = mpsc::channel();
        let deadline = Instant::now() + self.options.shutdown_timeout;
        if self.requests.send(ServiceRequest::Close(deadline, ended)).is_ok() {
            // The thread has ended, or it is held up and ends with the process.
            let _ = ends.recv_timeout(self.options.shutdown_timeout);
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Last backup in progress.
pub struct LastBackup {
    ends: Receiver<()>,
    deadline: Instant,
}

impl LastBackup {
    /// Waits for its end, but no longer than the options allow.
    pub fn wait(self) {
        let _ = self.ends.recv_timeout(self.deadline.saturating_duration_since(Instant::now()));
    }
}

/// Serves requests and due work, until the service is closed or dropped.
fn run(mut worker: Worker, requests: &Receiver<ServiceRequest>) {
    loop {
        let pause = worker.run_due();
        match requests.recv_timeout(pause) {
            Ok(ServiceRequest::Create(reply)) => reply.send(worker.create()),
            Ok(ServiceRequest::Restore(target, cancel, reply)) => reply.send(worker.restore(target, &cancel)),
            Ok(ServiceRequest::Finish(deadline, ended)) => {
                worker.finish(deadline);
                // The receiver may be gone.
                let _ = ended.send(());
            }
            Ok(ServiceRequest::Close(deadline, ended)) => {
                worker.close(deadline);
                // Releases the locks before whoever waits opens the file again.
                drop(worker);
                // The receiver may be gone.
                let _ = ended.send(());
                return;
            }
            Ok(ServiceRequest::Look) => worker.look_soon(),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return worker.close(Instant::now()),
        }
    }
}
