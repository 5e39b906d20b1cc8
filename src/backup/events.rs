//! What is told of backups, and to whom.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use super::catalog::files::BackupFile;
use super::destination::Destination;
use super::restore::progress::RestoreProgress;
use super::restore::restored::Restored;
use crate::Error;
use crate::threads::lock;

/// How backups are made.
#[derive(Clone)]
pub struct ServiceOptions {
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
pub enum BackupEvent {
    /// A change is safe.
    Backup(BackupFile),
    /// Something failed. Backups go on.
    Failure(Error),
    /// A restore has come further.
    Progress(RestoreProgress),
    /// A file was restored, before it was opened if there is a reason for it, and otherwise while it was open.
    Restored(Restored),
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
    fn happened(&self, event: &BackupEvent);

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
    pub fn tell(&self, event: &BackupEvent) {
        for observer in self.alive() {
            observer.happened(event);
        }
    }

    /// Says that the process is ending.
    pub(super) fn ending(&self) {
        for observer in self.alive() {
            observer.ending();
        }
    }

    /// Calls everybody's functions. What fails is told and returned, and no reason not to go on.
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
