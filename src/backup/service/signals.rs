//! Shutdown by a signal that the process does not handle.
//!
//! The handler only writes the signal's number to a pipe. A thread reads it, saves everything, restores the previous action
//! and raises the signal again, so that the process ends by that very signal. A second signal ends it at once. A handler
//! that is installed later replaces this one.
//!
//! Another copy of this package in the process has a handler and a thread of its own. Each copy does its part and passes
//! the signal on to the handler before it, whichever is closed first.

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
use action::{
    Disposition, IS_CATCHING, PASSED_ON, PIPE, disposition, do_previous_of_old, has_default_action, install,
    put_back, tell,
};
pub use signal::Signal;
use signal::send;

/// Byte written to the pipe when everything is saved. No signal has this number.
const DONE: u8 = 0;

/// Byte written to the pipe when signals are not caught any more.
const END: u8 = 0xff;

/// Interval at which the thread checks whether the handler was removed without a replacement.
const LOOK: Duration = Duration::from_secs(1);

/// Time that a raised signal has to end the process, and to end PID 1, which it normally does not.
const END_WAIT: Duration = Duration::from_secs(10);
const FIRST_PROCESS_WAIT: Duration = Duration::from_millis(100);

/// Interval at which the thread checks whether somebody else handles the signal meanwhile.
const END_PAUSE: Duration = Duration::from_millis(10);

/// State of signal catching. Locked while catching starts or stops.
static CATCHER: Mutex<Catcher> = Mutex::new(Catcher { signals: Vec::new(), has_thread: false, output: -1 });

struct Catcher {
    /// Signals whose handler is installed.
    signals: Vec<Signal>,
    /// True while the thread runs. Only the thread resets it.
    has_thread: bool,
    /// Read end of the pipe.
    output: c_int,
}

/// Steps of the shutdown.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// Stops acknowledging writes, and makes the last backups.
    pub prepare: fn(),
    /// Called when the process ends now.
    pub end: fn(),
    /// Called when the process goes on after all, because somebody else handles the signal.
    pub go_on: fn(),
}

/// Knowledge of the caller about other handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Nobody else handles the signals.
    Knows,
    /// The last handler of the signals was just removed, and every handler beneath it, too.
    AfterRemoval,
    /// Unknown.
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
            // A handler that was installed above ours may call ours.
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

/// Restores the previous action of each caught signal, if `is_unneeded` (asked under the lock) says that no signal has to be
/// caught any more.
pub fn release(is_unneeded: impl FnOnce() -> bool) {
    // Another thread is starting or stopping already.
    let Ok(mut catcher) = CATCHER.try_lock() else { return };
    if is_unneeded() {
        // A handler with another one above it stays installed, and passes signals on.
        catcher.signals.retain(|signal| !put_back(*signal));
        if IS_CATCHING.swap(false, Ordering::AcqRel) {
            // Not waited for: the thread may be about to end the process.
            tell(END);
        }
    }
}

/// Returns `true` if the thread has to end, and records that it does.
fn ends_thread() -> bool {
    let mut catcher = lock(&CATCHER);
    catcher.has_thread = IS_CATCHING.load(Ordering::Acquire);
    !catcher.has_thread
}

/// Returns `true` on the process's main thread.
#[must_use]
pub fn is_main_thread() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: both only tell a number.
    return unsafe { libc::gettid() == libc::getpid() };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    // SAFETY: it only tells a number.
    return unsafe { libc::pthread_main_np() } == 1;
}

/// Creates a pipe that child processes do not inherit, as its read end and its write end. Writing never blocks.
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

/// Waits for input. Returns `false` after `time` without any.
fn wait_for_input(output: c_int, time: Duration) -> bool {
    let mut poll = libc::pollfd { fd: output, events: libc::POLLIN, revents: 0 };
    let time = c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: there is one record, and the descriptor stays open.
    unsafe { libc::poll(&raw mut poll, 1, time) > 0 }
}

/// Loop of the thread: ends the process at the second signal, or when everything is saved.
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
        let [told] = byte;
        match (Signal::of((told & !PASSED_ON).into()), first) {
            (None, Some((signal, was_ours))) if told == DONE => {
                end_by(signal, was_ours, ending);
                // Somebody else handles the signal, and the process goes on.
                first = None;
                if !IS_CATCHING.load(Ordering::Acquire) && ends_thread() {
                    return;
                }
            }
            (None, None) if ends_thread() => return,
            (None, _) => {}
            (Some(second), Some((_, was_ours))) => end_at_once(second, was_ours),
            (Some(signal), None) => {
                first = Some((signal, told & PASSED_ON == 0));
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

/// Reinstalls handlers that are gone: a library that removes its handler may leave the default action behind.
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

/// Ends the process, or calls the handler that has replaced ours since the signal came.
fn end_by(signal: Signal, was_ours: bool, ending: Ending) {
    let is_taken_over = was_ours && disposition(signal) == Disposition::Handled;
    if is_taken_over {
        (ending.go_on)();
    } else {
        (ending.end)();
    }
    end_at_once(signal, was_ours);
}

/// Performs the action that the signal would have had without [`catch`].
fn end_at_once(signal: Signal, was_ours: bool) {
    let is_put_back = put_back(signal);
    // The first process of a container is not ended by a signal unless it handles it (pid_namespaces(7)); but one that a
    // thread blocks at that moment may end it, with another code.
    let is_first = std::process::id() == 1;
    if is_first && has_default_action(signal) {
        exit_by(signal);
    }
    if !is_put_back && !was_ours {
        // The handler above ours has passed the signal on, and would pass it on again.
        do_previous_of_old(signal);
    } else {
        send(signal);
    }
    let wait = if is_first { FIRST_PROCESS_WAIT } else { END_WAIT };
    let sent = Instant::now();
    while disposition(signal) == Disposition::Unhandled {
        if sent.elapsed() > wait {
            exit_by(signal);
        }
        thread::sleep(END_PAUSE);
    }
}

/// Ends the process with the code that a shell gives to one that a signal has ended.
fn exit_by(signal: Signal) {
    // SAFETY: everything in the process is done.
    unsafe { libc::_exit(128 + signal.number()) };
}
