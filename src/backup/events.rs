//! Options, events and observers of the backup thread.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use super::catalog::files::BackupFile;
use super::destination::Destination;
use super::restore::progress::RestoreProgress;
use super::restore::restored::Restored;
use crate::Error;
use crate::threads::lock;

/// Options of the backup thread.
#[derive(Clone)]
pub struct ServiceOptions {
    /// Destination of the backups.
    pub destination: Arc<dyn Destination>,
    /// Longest time that a change waits for its backup.
    pub interval: Duration,
    /// Time for which backups are kept.
    pub retention: Duration,
    /// Longest time that the last backup may take when the file is closed.
    pub shutdown_timeout: Duration,
}

/// Event of the backup thread.
#[derive(Debug, Clone)]
pub enum BackupEvent {
    /// A backup was published.
    Backup(BackupFile),
    /// Something failed. Backups continue.
    Failure(Error),
    /// A restore has made progress.
    Progress(RestoreProgress),
    /// A restore has finished: before the file was opened if it has a reason, and otherwise while it was open.
    Restored(Restored),
}

/// Point at which hooks of the user run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Before a capture.
    BeforeBackup,
    /// After a capture was published.
    AfterBackup,
    /// Before the store is restored.
    BeforeRestore,
    /// After the store was restored.
    AfterRestore,
}

impl Hook {
    /// Name of the option.
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

/// Observer of the backup thread. Called on threads of this package.
pub trait Observer: Send + Sync {
    /// Receives an event.
    fn happened(&self, event: &BackupEvent);

    /// Runs a hook, if there is one, and waits until it has ended, up to a limit. The error says why it did not
    /// succeed.
    ///
    /// # Errors
    ///
    /// If it threw, or has not ended.
    fn hook(&self, hook: Hook) -> Result<(), Error>;

    /// Announces the end of the process: no hook runs any more, and none is waited for.
    fn ending(&self) {}
}

/// Observers of one file.
#[derive(Default)]
pub struct Observers(Mutex<Vec<Weak<dyn Observer>>>);

impl Observers {
    /// Adds an observer.
    pub fn add(&self, observer: &Arc<dyn Observer>) {
        let mut observers = lock(&self.0);
        observers.retain(|other| other.strong_count() > 0);
        observers.push(Arc::downgrade(observer));
    }

    fn alive(&self) -> Vec<Arc<dyn Observer>> {
        lock(&self.0).iter().filter_map(Weak::upgrade).collect()
    }

    /// Sends an event to all observers.
    pub fn tell(&self, event: &BackupEvent) {
        for observer in self.alive() {
            observer.happened(event);
        }
    }

    /// Announces the end of the process to all observers.
    pub(super) fn ending(&self) {
        for observer in self.alive() {
            observer.ending();
        }
    }

    /// Runs the hooks of all observers. A failure is reported and returned, and stops nothing.
    pub fn hook(&self, hook: Hook) -> Option<Error> {
        let mut failure = None;
        for observer in self.alive() {
            if let Err(error) = observer.hook(hook) {
                self.tell(&BackupEvent::Failure(error.clone()));
                failure = Some(error);
            }
        }
        failure
    }
}
