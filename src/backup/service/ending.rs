//! Shutdown of a store, and of the process.

use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::handle::{LastBackup, Service};
use super::registry::{begin_last_backups, is_none_open, take_last};
#[cfg(unix)]
use super::signals::{self, Caller, Ending, Signal};
use super::status::Status;
use crate::backup::events::Observers;
use crate::engine::sqlite::Engine;
use crate::engine::sqlite::checkpoint::control::{self, Control};
use crate::limits::{BUSY_TIMEOUT, END_WAIT};
use crate::threads::lock;

/// Interval at which stores that are being closed are checked.
const CLOSING_PAUSE: Duration = Duration::from_millis(5);

/// Stores that are being closed.
static CLOSING: Mutex<Vec<Arc<UnderWay>>> = Mutex::new(Vec::new());

/// A store that is being closed: its deadline, and the observers of its backups.
struct UnderWay {
    deadline: Instant,
    observers: Option<Arc<Observers>>,
}

/// A store that is about to be closed. A signal that ends the process waits for it.
///
/// Holds the engine and the backup service if this is their last owner.
pub struct Closing {
    engine: Option<Engine>,
    control: Weak<Control>,
    service: Option<Service>,
    under_way: Arc<UnderWay>,
}

impl Closing {
    /// Takes over the engine and the backup service of a store. A store that opens the same file meanwhile either shares
    /// this engine, which then stays open, or gets a new one.
    #[must_use]
    pub fn begin(engine: Arc<Engine>, service: Option<Arc<Service>>) -> Self {
        let service = service.and_then(take_last);
        let wait = BUSY_TIMEOUT + END_WAIT + service.as_ref().map_or(Duration::ZERO, Service::shutdown_timeout);
        let observers = service.as_ref().map(|service| Arc::clone(service.observers()));
        let under_way = Arc::new(UnderWay { deadline: Instant::now() + wait, observers });
        lock(&CLOSING).push(Arc::clone(&under_way));
        let control = Arc::downgrade(engine.control());
        Self { engine: Arc::into_inner(engine), control, service, under_way }
    }

    /// Finishes submitted operations and makes the last backup. Blocks, at most for the configured timeout.
    pub fn finish(self) {
        let _ = self.run(Engine::close);
    }

    /// [`Closing::finish`] at the end of the environment, where nobody waits for reads any more. Returns the last backup
    /// status.
    pub fn finish_at_exit(self) -> Option<Status> {
        if let Some(service) = &self.service {
            service.observers().ending();
        }
        if self.engine.is_none()
            && let Some(control) = self.control.upgrade()
        {
            // The other owners of the engine may not get to close it.
            control.settle(Instant::now() + END_WAIT);
        }
        self.run(Engine::end)
    }

    fn run(mut self, close: fn(Engine)) -> Option<Status> {
        if let Some(engine) = self.engine.take() {
            close(engine);
        }
        // After the last write.
        let service = self.service.take()?;
        service.close();
        Some(service.status())
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        lock(&CLOSING).retain(|one| !Arc::ptr_eq(one, &self.under_way));
        release_signals();
    }
}

/// Makes the last backup of every open file, because the process is ending. Blocks, at most for the longest configured
/// timeout.
pub fn make_last_backups() {
    begin_last_backups().into_iter().for_each(LastBackup::wait);
    wait_for_closing();
}

/// Waits for every store that is being closed. User functions are not called any more.
pub fn wait_for_closing() {
    let closing: Vec<_> = lock(&CLOSING).iter().cloned().collect();
    closing.iter().filter_map(|one| one.observers.as_ref()).for_each(|observers| observers.ending());
    let is_under_way = |one: &Arc<UnderWay>| lock(&CLOSING).iter().any(|other| Arc::ptr_eq(one, other));
    for one in closing {
        while is_under_way(&one) && Instant::now() < one.deadline {
            thread::sleep(CLOSING_PAUSE);
        }
    }
}

/// Steps before an unhandled signal ends the process: commits are not acknowledged any more once the last captures may
/// have begun, and everything is written into the files.
#[cfg(unix)]
const ENDING: Ending = Ending {
    prepare: || {
        control::freeze();
        make_last_backups();
    },
    end: || control::end(Instant::now() + END_WAIT),
    go_on: control::thaw,
};

/// Saves everything before an unhandled signal ends the process.
///
/// # Errors
///
/// As [`signals::catch`].
#[cfg(unix)]
pub fn catch_signals(signals: &[Signal], caller: Caller) -> Result<(), crate::Error> {
    signals::catch(signals, caller, ENDING)
}

/// Returns `true` if no file is open, nor being closed.
#[must_use]
pub fn is_nothing_open() -> bool {
    is_none_open() && control::is_none_open() && lock(&CLOSING).is_empty()
}

/// Stops catching signals if no file is open any more.
#[cfg(unix)]
fn release_signals() {
    signals::release(is_nothing_open);
}

/// There are no signals; the handler of the console's events stays.
#[cfg(not(unix))]
fn release_signals() {}
