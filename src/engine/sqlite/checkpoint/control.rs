//! What the end of the process asks of every open file.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Instant;

use super::checkpointer::Checkpointer;
use crate::engine::sqlite::interrupt::Interrupt;
use crate::threads::lock;

/// The files of this process that are open.
static OPEN: Mutex<Vec<Weak<Control>>> = Mutex::new(Vec::new());

/// Whoever has a file open.
pub trait EngineUser: Send + Sync {
    /// The process is ending: to let go of every transaction and every snapshot, and to say nothing any more.
    fn let_go(&self);
}

/// The reins of an open file.
#[derive(Default)]
pub struct Control {
    is_frozen: Mutex<bool>,
    thawed: Condvar,
    users: Mutex<Vec<Weak<dyn EngineUser>>>,
    interrupt: Interrupt,
    checkpointer: Option<Checkpointer>,
}

impl Control {
    /// Of a file that is being opened.
    pub fn new(interrupt: Interrupt, checkpointer: Option<Checkpointer>) -> Arc<Self> {
        let control = Arc::new(Self { interrupt, checkpointer, ..Self::default() });
        let mut open = lock(&OPEN);
        open.retain(|one| one.strong_count() > 0);
        open.push(Arc::downgrade(&control));
        control
    }

    /// Waits, before a commit is acknowledged, as long as nothing may be. Once the last capture has begun, nobody is told of
    /// a commit that it may not hold.
    pub fn before_reply(&self) {
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.committed();
        }
        let mut is_frozen = lock(&self.is_frozen);
        while *is_frozen {
            is_frozen = self.thawed.wait(is_frozen).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tells one more when the process ends.
    pub fn add_user(&self, user: &Arc<dyn EngineUser>) {
        let mut users = lock(&self.users);
        users.retain(|other| other.strong_count() > 0);
        users.push(Arc::downgrade(user));
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

    /// The file is being closed.
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

/// Whether no file is open in this process.
#[must_use]
pub fn is_none_open() -> bool {
    lock(&OPEN).iter().all(|control| control.strong_count() == 0)
}

/// Acknowledges no commit to any file any more, until [`thaw`].
pub fn freeze() {
    for control in open() {
        control.set_frozen(true);
    }
}

/// Acknowledges what was held back, and goes on: the process does not end after all.
pub fn thaw() {
    for control in open() {
        control.set_frozen(false);
    }
}

/// Brings everything into the files, for the process ends now, whoever reads and whatever is in a transaction; by `deadline`,
/// as far as other processes let it.
pub fn end(deadline: Instant) {
    let open = open();
    for control in &open {
        control.let_go();
    }
    let begun: Vec<_> =
        open.iter().filter_map(|control| Some(control.checkpointer.as_ref()?.settle(deadline))).collect();
    for ends in begun {
        let _ = ends.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}
