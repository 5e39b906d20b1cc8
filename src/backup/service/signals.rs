//! Last backups of a process that is ended by an unhandled signal.
//!
//! The handler only writes the number of the signal to a pipe. A thread reads it, makes the last backup of every open
//! file, restores the previous action, and sends the signal again, which ends the process. A second signal ends it at
//! once. A handler that is installed later replaces this one.

use std::fs::File;
use std::io::{self, Read};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::JoinHandle;

use libc::{c_int, c_void, sigaction};

use crate::threads::{self, lock};
use crate::{BackupProblem, Error};

/// Message that the last backups are made. No signal has this number, nor that of [`END`].
const DONE: u8 = 0;

/// Message that no signal is caught any more.
const END: u8 = 0xff;

/// Descriptor that the handler writes to; negative before the pipe exists. Never closed, because a handler may be
/// about to write.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// Thread that reads the pipe. Locked while catching begins or ends.
static SIGNAL_THREAD: Mutex<SignalThread> = Mutex::new(SignalThread { output: -1, thread: None });

/// Previous action of each caught signal.
static BEFORE: Mutex<Vec<(c_int, sigaction)>> = Mutex::new(Vec::new());

struct SignalThread {
    /// Descriptor that the pipe is read from.
    output: c_int,
    thread: Option<JoinHandle<()>>,
}

/// Signal that ends a process by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: the terminal is gone.
    Hangup,
    /// SIGINT: Ctrl+C.
    Interrupt,
    /// SIGTERM: request to end.
    Terminate,
}

impl Signal {
    fn number(self) -> c_int {
        match self {
            Self::Hangup => libc::SIGHUP,
            Self::Interrupt => libc::SIGINT,
            Self::Terminate => libc::SIGTERM,
        }
    }
}

/// Catches unhandled signals until [`release`], and calls a function before they end the process. Ignored signals
/// stay ignored, and caught ones caught.
///
/// # Errors
///
/// `ERR_BACKUP_STATE` if there is no pipe, `ERR_INTERNAL` if no thread can be started. Nothing is caught then.
pub fn catch(signals: &[Signal], make_last_backups: fn()) -> Result<(), Error> {
    let mut service = lock(&SIGNAL_THREAD);
    if service.output < 0 {
        let failed = |error: io::Error| Error::backup(BackupProblem::State, format!("cannot make a pipe: {error}"));
        let [output, input] = pipe().map_err(failed)?;
        service.output = output;
        PIPE.store(input, Ordering::Release);
    }
    if service.thread.is_none() {
        let output = service.output;
        service.thread = Some(threads::spawn("signals", move || serve(output, make_last_backups))?);
    }
    let mut before = lock(&BEFORE);
    for signal in signals {
        install(signal.number(), &mut before);
    }
    Ok(())
}

/// Restores the previous action of each caught signal, and waits for the thread if `joined`; does nothing unless
/// `is_unneeded` returns true, which is called while catching cannot begin. Without `joined`, nothing is done either
/// while another thread is beginning or ending.
pub fn release(joined: bool, is_unneeded: impl FnOnce() -> bool) {
    let service = if joined { Some(lock(&SIGNAL_THREAD)) } else { SIGNAL_THREAD.try_lock().ok() };
    let Some(mut service) = service else { return };
    let Some(thread) = service.thread.take_if(|_| is_unneeded()) else { return };
    for (signal, action) in lock(&BEFORE).iter() {
        put_back(*signal, action);
    }
    tell(END);
    if joined {
        // A panic of the thread is of no consequence here.
        drop(thread.join());
    }
}

/// Returns true on the main thread of the process.
#[must_use]
pub fn is_main_thread() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: both only return a number.
    return unsafe { libc::gettid() == libc::getpid() };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    // SAFETY: it only returns a number.
    return unsafe { libc::pthread_main_np() } == 1;
}

/// Creates a pipe that child processes do not inherit: its end to read from, and its end to write to, which never
/// blocks.
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

/// Address of the handler, as in `sigaction`.
fn handler() -> usize {
    note as extern "C" fn(c_int) as usize
}

fn current(signal: c_int) -> sigaction {
    // SAFETY: all zeros is a valid action (the default one), and the pointer is valid.
    unsafe {
        let mut action: sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action);
        action
    }
}

fn install(signal: c_int, before: &mut Vec<(c_int, sigaction)>) {
    let found = current(signal);
    if found.sa_sigaction == libc::SIG_IGN || found.sa_sigaction == handler() {
        return;
    }
    before.retain(|(other, _)| *other != signal);
    before.push((signal, found));
    // SAFETY: all zeros is a valid action; the handler is async-signal-safe (signal-safety(7)).
    unsafe {
        let mut action: sigaction = std::mem::zeroed();
        action.sa_sigaction = handler();
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigfillset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// Signal handler.
extern "C" fn note(signal: c_int) {
    // Signal numbers are below 128.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    tell(signal as u8);
}

/// Writes a byte to the pipe and preserves `errno`. If the pipe is full, one byte less does not matter.
fn tell(byte: u8) {
    // SAFETY: the descriptor stays open, the byte is there, and `errno` is this thread's own.
    unsafe {
        let errno = errno_place();
        let kept = *errno;
        libc::write(PIPE.load(Ordering::Acquire), (&raw const byte).cast::<c_void>(), 1);
        *errno = kept;
    }
}

/// Address of this thread's `errno`.
unsafe fn errno_place() -> *mut c_int {
    #[cfg(any(target_os = "linux", target_os = "emscripten", target_os = "hurd"))]
    // SAFETY: it can be called at any time.
    return unsafe { libc::__errno_location() };
    #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
    // SAFETY: as above.
    return unsafe { libc::__errno() };
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    // SAFETY: as above.
    return unsafe { libc::__error() };
}

/// Waits for signals, and ends the process at the second one, or when the last backups are made.
fn serve(output: c_int, make_last_backups: fn()) {
    // SAFETY: the descriptor is open, and stays so.
    let mut pipe = ManuallyDrop::new(unsafe { File::from_raw_fd(output) });
    let (mut first, mut is_ending) = (None, false);
    let mut byte = [DONE];
    while pipe.read_exact(&mut byte).is_ok() {
        match (byte[0], first) {
            (DONE, None) => {}
            (DONE, Some(signal)) => {
                end_by(signal);
                // Another handler has taken over, and the process continues.
                if is_ending {
                    return;
                }
                first = None;
            }
            (END, None) => return,
            (END, Some(_)) => is_ending = true,
            (second, Some(_)) => end_by(second.into()),
            (signal, None) => {
                first = Some(signal.into());
                let spawned = threads::spawn("last-backups", move || {
                    make_last_backups();
                    tell(DONE);
                });
                if spawned.is_err() {
                    tell(DONE);
                }
            }
        }
    }
}

/// Ends the process by a signal as without [`catch`]. A handler that was installed meanwhile is called instead.
fn end_by(signal: c_int) {
    if let Some((_, action)) = lock(&BEFORE).iter().find(|(caught, _)| *caught == signal) {
        put_back(signal, action);
    }
    // SAFETY: sends a signal to this process itself.
    unsafe { libc::kill(libc::getpid(), signal) };
}

/// Restores the previous action of a signal, unless another handler was installed.
fn put_back(signal: c_int, action: &sigaction) {
    if current(signal).sa_sigaction == handler() {
        // SAFETY: the action was returned by the system.
        unsafe { libc::sigaction(signal, action, std::ptr::null_mut()) };
    }
}
