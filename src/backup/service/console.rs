//! Shutdown by an event of Windows' console that the process does not handle.
//!
//! The system calls the handlers of a process on a thread that it starts for that, the newest first, until one returns true.
//! The last is its own, which ends the process. Ours saves everything and returns false, so that those beneath do their part,
//! too: Node, and another copy of this package. Then the process ends as it would without us. A handler that is installed
//! later comes first.
//!
//! The system may hold a lock meanwhile that whoever installs or removes a handler waits for. So nothing here waits for
//! JavaScript, and the handler stays until the process ends: napi keeps the addon in memory as long.
//!
//! Node's handler is beneath ours, and nobody can ask it whether JavaScript listens. The main thread tells
//! [`set_unhandled`]. While it has not, because worker threads alone have stores, everything is saved in a way that lets
//! the process go on.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Once, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::ending::{is_nothing_open, make_last_backups};
use crate::engine::sqlite::checkpoint::control;
use crate::limits::{CONSOLE_CLOSE_WAIT, END_WAIT};
use crate::threads;

/// Time after which a process goes on that may have been ended.
const GO_ON_PAUSE: Duration = Duration::from_secs(1);

/// Time in which other handlers do their part before the process ends.
const END_PAUSE: Duration = Duration::from_secs(30);

/// Status of a process that the system ends for such an event (`STATUS_CONTROL_C_EXIT`).
const CONTROL_C_EXIT: u32 = 0xC000_013A;

/// An event that ends a process unless it is handled, with the system's number of it (wincon.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleEvent {
    /// `CTRL_C_EVENT`: Ctrl+C was pressed. Node's SIGINT.
    Interrupt = 0,
    /// `CTRL_BREAK_EVENT`: Ctrl+Break was pressed. Node's SIGBREAK.
    Break = 1,
    /// `CTRL_CLOSE_EVENT`: the console was closed. Node's SIGHUP.
    Close = 2,
    /// `CTRL_LOGOFF_EVENT`: a user has logged off; services alone are told, and go on. Node does not tell JavaScript.
    Logoff = 5,
    /// `CTRL_SHUTDOWN_EVENT`: the system is being shut down; as above.
    Shutdown = 6,
}

impl ConsoleEvent {
    /// Event of a number, if it is one of these.
    fn of(number: u32) -> Option<Self> {
        [Self::Interrupt, Self::Break, Self::Close, Self::Logoff, Self::Shutdown]
            .into_iter()
            .find(|event| *event as u32 == number)
    }

    /// Time for the last backups: without a limit but their own, or what the system lets a handler have.
    fn limit(self) -> Option<Duration> {
        match self {
            Self::Interrupt | Self::Break => None,
            Self::Close | Self::Logoff | Self::Shutdown => Some(CONSOLE_CLOSE_WAIT),
        }
    }

    /// Fate of the process.
    fn fate(self) -> Fate {
        let (bit, unhandled) = (self.bit(), UNHANDLED.load(Ordering::Acquire));
        match self {
            Self::Interrupt | Self::Break | Self::Close if unhandled & UNKNOWN == 0 => {
                if unhandled & bit == 0 {
                    Fate::GoesOn
                } else {
                    Fate::Ends
                }
            }
            _ => Fate::Unknown,
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Fate of the process after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// JavaScript handles it.
    GoesOn,
    /// The system ends it.
    Ends,
    /// One of both.
    Unknown,
}

/// The bit of [`UNHANDLED`] that says that its others do not count.
const UNKNOWN: u8 = 1 << 7;

/// Events that JavaScript does not listen to.
static UNHANDLED: AtomicU8 = AtomicU8::new(UNKNOWN);

/// True from an event until the process ends, or goes on.
static IS_SAVING: AtomicBool = AtomicBool::new(false);

/// Saves everything before an event ends the process, from now on.
pub fn catch() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: the handler is a function of this module, which stays in memory. If it is refused, events end the
        // process as before.
        unsafe { SetConsoleCtrlHandler(handle, 1) };
    });
}

/// Tells which events JavaScript does not listen to; `None` if that is not known any more.
pub fn set_unhandled(events: Option<&[ConsoleEvent]>) {
    let bits = events.map_or(UNKNOWN, |events| events.iter().fold(0, |bits, event| bits | event.bit()));
    UNHANDLED.store(bits, Ordering::Release);
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn SetConsoleCtrlHandler(handler: extern "system" fn(u32) -> i32, adds: i32) -> i32;
    fn ExitProcess(status: u32) -> !;
}

/// The handler.
extern "system" fn handle(number: u32) -> i32 {
    // A second event ends the process at once, if the system calls a handler that is being called.
    if let Some(event) = ConsoleEvent::of(number)
        && event.fate() != Fate::GoesOn
        && !is_nothing_open()
        && !IS_SAVING.swap(true, Ordering::AcqRel)
    {
        save_before(event);
    }
    0
}

fn save_before(event: ConsoleEvent) {
    // Commits are not acknowledged any more once the last captures may have begun.
    control::freeze();
    let (ended, ends) = mpsc::channel::<()>();
    let spawned = threads::spawn("last-backups", move || {
        make_last_backups();
        drop(ended);
    });
    if spawned.is_ok() {
        // Nothing is sent: it returns when the backups are made, or when the time is over.
        let _ = match event.limit() {
            Some(limit) => ends.recv_timeout(limit).ok(),
            None => ends.recv().ok(),
        };
    }
    match event.fate() {
        // JavaScript has begun to listen.
        Fate::GoesOn => go_on(),
        Fate::Ends => {
            control::end(Instant::now() + END_WAIT);
            // Another handler beneath ours may keep a process that has been told to let go of everything.
            // SAFETY: ends the process, in which everything is done.
            later(END_PAUSE, || unsafe { ExitProcess(CONTROL_C_EXIT) });
        }
        Fate::Unknown => {
            control::settle(Instant::now() + END_WAIT);
            later(GO_ON_PAUSE, go_on);
        }
    }
}

/// Calls a function after a pause, if the process has not ended by then.
fn later(pause: Duration, function: fn()) {
    let spawned = threads::spawn("console", move || {
        thread::sleep(pause);
        function();
    });
    if spawned.is_err() {
        function();
    }
}

fn go_on() {
    control::thaw();
    IS_SAVING.store(false, Ordering::Release);
}
