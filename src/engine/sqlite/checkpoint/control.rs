//! Control of every open file at the end of the process: freeze acknowledgements, then bring all commits into the files.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::Instant;

use super::checkpointer::Checkpointer;
use crate::engine::sqlite::interrupt::Interrupt;
use crate::threads::lock;

/// Open files of this process.
static OPEN: Mutex<Vec<Weak<Control>>> = Mutex::new(Vec::new());

/// True while acknowledgements are frozen. It changes under the lock of [`OPEN`].
static FROZEN: AtomicBool = AtomicBool::new(false);

/// A store that has a file open.
pub trait EngineUser: Send + Sync {
    /// Gives up every transaction and snapshot without further answers, because the process is ending.
    fn let_go(&self);
}

/// Control of one open file.
#[derive(Default)]
pub struct Control {
    is_frozen: Mutex<bool>,
    thawed: Condvar,
    users: Mutex<Vec<Weak<dyn EngineUser>>>,
    interrupt: Interrupt,
    checkpointer: Option<Checkpointer>,
    when_committed: OnceLock<CommitListener>,
}

/// Called when this process has committed.
type CommitListener = Box<dyn Fn() + Send + Sync>;

impl Control {
    /// Registers a file that is being opened.
    pub fn new(interrupt: Interrupt, checkpointer: Option<Checkpointer>) -> Arc<Self> {
        let control = Arc::new(Self { interrupt, checkpointer, ..Self::default() });
        let mut open = lock(&OPEN);
        *lock(&control.is_frozen) = FROZEN.load(Ordering::Relaxed);
        open.retain(|one| one.strong_count() > 0);
        open.push(Arc::downgrade(&control));
        control
    }

    /// Called before a commit is acknowledged. Blocks while acknowledgements are frozen: once the last capture has begun, a
    /// commit that it may lack is not acknowledged.
    pub fn before_reply(&self) {
        self.look();
        if let Some(listener) = self.when_committed.get() {
            listener();
        }
        let mut is_frozen = lock(&self.is_frozen);
        while *is_frozen {
            is_frozen = self.thawed.wait(is_frozen).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Has the checkpointer look at the log, in which there may be a commit.
    pub fn look(&self) {
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.committed();
        }
    }

    /// Adds a store that must let go when the process ends.
    pub fn add_user(&self, user: &Arc<dyn EngineUser>) {
        let mut users = lock(&self.users);
        users.retain(|other| other.strong_count() > 0);
        users.push(Arc::downgrade(user));
    }

    /// Sets what is called when this process has committed.
    pub fn when_committed(&self, listener: impl Fn() + Send + Sync + 'static) {
        // It is set once, when the file is opened.
        let _ = self.when_committed.set(Box::new(listener));
    }

    /// Interrupts what runs on every connection.
    pub fn interrupt(&self) {
        self.interrupt.set();
    }

    /// Brings everything into the file and empties the log, if others let it by `deadline`. Returns whether the log is empty.
    pub fn settle(&self, deadline: Instant) -> bool {
        let Some(checkpointer) = &self.checkpointer else { return true };
        checkpointer.settle(deadline).recv().unwrap_or(true)
    }

    /// Ends the checkpointer, because the file is being closed.
    pub fn end_checkpoints(&self) {
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.end();
        }
    }

    fn set_frozen(&self, is_frozen: bool) {
        *lock(&self.is_frozen) = is_frozen;
        self.thawed.notify_all();
    }

    fn let_go(&self) {
        let users: Vec<_> = lock(&self.users).iter().filter_map(Weak::upgrade).collect();
        for user in &users {
            user.let_go();
        }
        self.interrupt();
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

fn open() -> Vec<Arc<Control>> {
    lock(&OPEN).iter().filter_map(Weak::upgrade).collect()
}

/// Returns `true` if no file is open in this process.
#[must_use]
pub fn is_none_open() -> bool {
    lock(&OPEN).iter().all(|control| control.strong_count() == 0)
}

/// Stops acknowledging commits to any file, also one that is opened later, until [`thaw`].
pub fn freeze() {
    set_frozen(true);
}

/// Acknowledges the commits that were held back: the process does not end after all.
pub fn thaw() {
    set_frozen(false);
}

fn set_frozen(is_frozen: bool) {
    let opened = lock(&OPEN);
    FROZEN.store(is_frozen, Ordering::Relaxed);
    let controls: Vec<_> = opened.iter().filter_map(Weak::upgrade).collect();
    drop(opened);
    for control in controls {
        control.set_frozen(is_frozen);
    }
}

/// Brings all commits into the files by `deadline`, as far as other processes allow. Open transactions and snapshots of
/// this process are given up.
pub fn end(deadline: Instant) {
    for control in open() {
        control.let_go();
    }
    settle(deadline);
}

/// Brings all commits into the files by `deadline`, as far as other processes, and transactions and snapshots of this one,
/// allow.
pub fn settle(deadline: Instant) {
    let begun: Vec<_> =
        open().iter().filter_map(|control| Some(control.checkpointer.as_ref()?.settle(deadline))).collect();
    for ends in begun {
        let _ = ends.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}
