//! The end of a process by a signal which nobody handles.
//!
//! The handler only writes the signal's number to a pipe. A thread of its own reads it, has everything brought to safety, puts
//! back what would have been done without this, and sends the signal again: the process ends by that very signal. A second
//! signal ends it at once. A handler that is installed later replaces this one.
//!
//! There may be another copy of this package in the process, with a handler and a thread of its own. Each does its part and
//! hands the signal on to what was there before it, whichever is closed first.

mod action;
mod signal;

use std::fs::File;
use std::io::{self, Read};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use libc::c_int;

use crate::threads::{self, lock};
use crate::{BackupProblem, Error};
use action::{Disposition, IS_CATCHING, PIPE, disposition, do_previous_of_old, install, put_back, tell};
pub use signal::Signal;
use signal::send;

/// What is written to the pipe when everything is safe. No signal has this number.
const DONE: u8 = 0;

/// What is written when signals are not caught any more.
const END: u8 = 0xff;

/// How often it is looked whether somebody has taken the handler away without putting another in its place.
const LOOK: Duration = Duration::from_secs(1);

/// How long a signal that was sent again is given to end the process, and one that will not.
const END_WAIT: Duration = Duration::from_secs(10);
const FIRST_PROCESS_WAIT: Duration = Duration::from_millis(100);

/// How often it is looked whether somebody else handles it meanwhile.
const END_PAUSE: Duration = Duration::from_millis(10);

/// What is caught, and by whom. Locked while signals begin or cease to be caught.
static CATCHER: Mutex<Catcher> = Mutex::new(Catcher { signals: Vec::new(), has_thread: false, output: -1 });

struct Catcher {
    /// Those whose handler was installed and not put back.
    signals: Vec<Signal>,
    /// Whether there is a thread: only it says that there is none any more.
    has_thread: bool,
    /// Where the pipe is read.
    output: c_int,
}

/// What is done at the end, step by step.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// Acknowledges nothing any more, and makes the last backups.
    pub prepare: fn(),
    /// The process ends now.
    pub end: fn(),
    /// The process goes on after all: somebody else handles the signal.
    pub go_on: fn(),
}

/// Who may have to be asked whether a signal is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Knows that nobody handles the signals.
    Knows,
    /// Knows that the last handler of the signals was removed just now, and every handler beneath with it.
    AfterRemoval,
    /// Does not know.
    Guesses,
}

/// Catches signals that the process does not handle, until [`release`]. One that it ignores stays ignored; one that is caught
/// already stays so.
///
/// # Errors
///
/// `ERR_BACKUP_STATE` if the system has no pipe, or `ERR_INTERNAL` if it has no thread to give. Then nothing is caught.
pub fn catch(signals: &[Signal], caller: Caller, ending: Ending) -> Result<(), Error> {
    let mut catcher = lock(&CATCHER);
    if catcher.output < 0 {
        let failed = |error: io::Error| Error::backup(BackupProblem::State, format!("cannot make a pipe: {error}"));
        let [output, input] = pipe().map_err(failed)?;
        catcher.output = output;
        PIPE.store(input, Ordering::Release);
    }
    if !catcher.has_thread {
        let output = catcher.output;
        threads::spawn("signals", move || serve(output, ending))?;
        catcher.has_thread = true;
    }
    IS_CATCHING.store(true, Ordering::Release);
    for signal in signals {
        let is_installed = catcher.signals.contains(signal);
        let installs = match (disposition(*signal), caller) {
            (Disposition::Ours | Disposition::Ignored, _) | (Disposition::Handled, Caller::Guesses) => false,
            (Disposition::Unhandled, _) | (Disposition::Handled, Caller::AfterRemoval) => true,
            // Who has put a handler above this one may hand the signal on to it.
            (Disposition::Handled, Caller::Knows) => !is_installed,
        };
        if installs {
            install(*signal);
            if !is_installed {
                catcher.signals.push(*signal);
            }
        }
    }
    Ok(())
}

/// Puts back what was done before at each signal that is caught, unless signals have still to be caught, which is asked when
/// nobody can begin to.
pub fn release(is_unneeded: impl FnOnce() -> bool) {
    // Somebody else is about to begin or to end.
    let Ok(mut catcher) = CATCHER.try_lock() else { return };
    if is_unneeded() {
        // A handler that has another above it stays, and does what was done before it.
        catcher.signals.retain(|signal| !put_back(*signal));
        if IS_CATCHING.swap(false, Ordering::AcqRel) {
            // Not waited for: it may be about to end the process.
            tell(END);
        }
    }
}

/// Whether the thread is to end, which it does then.
fn ends_thread() -> bool {
    let mut catcher = lock(&CATCHER);
    catcher.has_thread = IS_CATCHING.load(Ordering::Acquire);
    !catcher.has_thread
}

/// Whether this is the process's main thread.
#[must_use]
pub fn is_main_thread() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: both only tell a number.
    return unsafe { libc::gettid() == libc::getpid() };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    // SAFETY: it only tells a number.
    return unsafe { libc::pthread_main_np() } == 1;
}

/// A pipe that programs which are started do not inherit, where it is read and where it is written; writing never waits.
fn pipe() -> io::Result<[c_int; 2]> {
    let mut ends = [0; 2];
    // SAFETY: there is room for the two descriptors.
    if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    for end in ends {
        // SAFETY: the descriptor is open.
        unsafe { libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    // SAFETY: the descriptor is open.
    unsafe { libc::fcntl(ends[1], libc::F_SETFL, libc::O_NONBLOCK) };
    Ok(ends)
}

/// Whether there is something to read within a time.
fn wait_for_input(output: c_int, time: Duration) -> bool {
    let mut poll = libc::pollfd { fd: output, events: libc::POLLIN, revents: 0 };
    let time = c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: there is one record, and the descriptor stays open.
    unsafe { libc::poll(&raw mut poll, 1, time) > 0 }
}

/// Waits for signals, and ends the process at the second one, or when everything is safe.
fn serve(output: c_int, ending: Ending) {
    // SAFETY: the descriptor is open, and stays so.
    let mut pipe = ManuallyDrop::new(unsafe { File::from_raw_fd(output) });
    // The first signal, and whether its handler was the process's own when it came.
    let mut first: Option<(Signal, bool)> = None;
    let mut byte = [DONE];
    loop {
        if !wait_for_input(output, LOOK) {
            catch_again();
            continue;
        }
        if pipe.read_exact(&mut byte).is_err() {
            return;
        }
        match (Signal::of(byte[0].into()), first) {
            (None, Some((signal, was_ours))) if byte[0] == DONE => {
                end_by(signal, was_ours, ending);
                // Something else handles it now, and the process goes on.
                first = None;
                if !IS_CATCHING.load(Ordering::Acquire) && ends_thread() {
                    return;
                }
            }
            (None, None) if ends_thread() => return,
            (None, _) => {}
            (Some(second), Some((_, was_ours))) => end_at_once(second, was_ours),
            (Some(signal), None) => {
                first = Some((signal, disposition(signal) == Disposition::Ours));
                let prepare = ending.prepare;
                let spawned = threads::spawn("last-backups", move || {
                    prepare();
                    tell(DONE);
                });
                if spawned.is_err() {
                    tell(DONE);
                }
            }
        }
    }
}

/// Catches again what nobody handles any more: whoever removes a handler may leave the system's own behind.
fn catch_again() {
    if !IS_CATCHING.load(Ordering::Acquire) {
        return;
    }
    let Ok(catcher) = CATCHER.try_lock() else { return };
    for signal in &catcher.signals {
        if disposition(*signal) == Disposition::Unhandled {
            install(*signal);
        }
    }
}

/// Ends the process, unless another handler has taken the place of this one since the signal came: that is called.
fn end_by(signal: Signal, was_ours: bool, ending: Ending) {
    let is_taken_over = was_ours && disposition(signal) == Disposition::Handled;
    if is_taken_over {
        (ending.go_on)();
    } else {
        (ending.end)();
    }
    end_at_once(signal, was_ours);
}

/// Does what would have been done without [`catch`].
fn end_at_once(signal: Signal, was_ours: bool) {
    if !put_back(signal) && !was_ours {
        // A handler above this one had handed it on, and would do so for ever.
        do_previous_of_old(signal);
    } else {
        send(signal);
    }
    // The first process of a container is not ended by a signal unless it handles it (pid_namespaces(7)).
    let wait = if std::process::id() == 1 { FIRST_PROCESS_WAIT } else { END_WAIT };
    let sent = Instant::now();
    while disposition(signal) == Disposition::Unhandled {
        if sent.elapsed() > wait {
            // SAFETY: ends the process, in which everything is done.
            unsafe { libc::_exit(128 + signal.number()) };
        }
        thread::sleep(END_PAUSE);
    }
}
