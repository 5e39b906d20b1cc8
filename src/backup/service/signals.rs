//! The last backups of a process that is ended by a signal which nobody handles.
//!
//! The handler only writes the signal's number to a pipe. A thread of its own reads it, lets every open file make its last
//! backup, puts back what would have been done without this, and sends the signal again: the process ends by that very
//! signal. A second signal ends it at once. A handler that is installed later replaces this one.

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

/// What is written to the pipe when the last backups are made. No signal has this number, nor the next.
const DONE: u8 = 0;

/// What is written when no signal is caught any more.
const END: u8 = 0xff;

/// Where the handler writes; negative before there is a pipe. Once there is one it stays open until the process ends: a
/// handler may be about to write.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// Who reads the pipe. Locked while signals begin or cease to be caught.
static SIGNAL_THREAD: Mutex<SignalThread> = Mutex::new(SignalThread { output: -1, thread: None });

/// What was done before at each signal that is caught.
static BEFORE: Mutex<Vec<(c_int, sigaction)>> = Mutex::new(Vec::new());

struct SignalThread {
    /// Where the pipe is read.
    output: c_int,
    thread: Option<JoinHandle<()>>,
}

/// A signal that ends a process unless it is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A terminal is gone.
    Hangup,
    /// A key was pressed: Ctrl and C.
    Interrupt,
    /// Asks to end.
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

/// Catches signals that the process does not handle, until [`release`], and calls a function before they end it. One that it ignores stays ignored; one that is caught
/// already stays so.
///
/// # Errors
///
/// `ERR_BACKUP_STATE` if the system has no pipe, or `ERR_INTERNAL` if it has no thread to give. Then nothing is caught.
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

/// Puts back what was done before at each signal that is caught, and waits for the thread if it is to be `joined`: unless
/// signals have still to be caught, which is asked when nobody can begin to. Where nothing is waited for, nothing is done
/// either if somebody else is about to begin or to end.
pub fn release(joined: bool, is_unneeded: impl FnOnce() -> bool) {
    let service = if joined { Some(lock(&SIGNAL_THREAD)) } else { SIGNAL_THREAD.try_lock().ok() };
    let Some(mut service) = service else { return };
    let Some(thread) = service.thread.take_if(|_| is_unneeded()) else { return };
    for (signal, action) in lock(&BEFORE).iter() {
        put_back(*signal, action);
    }
    tell(END);
    if joined {
        // What a thread that panicked has left undone is nothing that could be done here.
        drop(thread.join());
    }
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

/// The address of the handler, as `sigaction` has it.
fn handler() -> usize {
    note as extern "C" fn(c_int) as usize
}

fn current(signal: c_int) -> sigaction {
    // SAFETY: all zeros is an action (the default one), and the pointer is to one.
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
    // SAFETY: all zeros is an action; the handler does only what a handler may (signal-safety(7)).
    unsafe {
        let mut action: sigaction = std::mem::zeroed();
        action.sa_sigaction = handler();
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigfillset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// The handler.
extern "C" fn note(signal: c_int) {
    // Signals have numbers below 128.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    tell(signal as u8);
}

/// Writes a byte to the pipe, and changes nothing else. One that does not fit is one of many.
fn tell(byte: u8) {
    // SAFETY: the descriptor stays open, the byte is there, and `errno` is this thread's own.
    unsafe {
        let errno = errno_place();
        let kept = *errno;
        libc::write(PIPE.load(Ordering::Acquire), (&raw const byte).cast::<c_void>(), 1);
        *errno = kept;
    }
}

/// Where this thread's `errno` is.
unsafe fn errno_place() -> *mut c_int {
    #[cfg(any(target_os = "linux", target_os = "emscripten", target_os = "hurd"))]
    // SAFETY: it can be asked for at any time.
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
                // Something else handles it now, and the process goes on.
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

/// Does what would have been done without [`catch`], unless another handler has taken its place meanwhile: that is called.
fn end_by(signal: c_int) {
    if let Some((_, action)) = lock(&BEFORE).iter().find(|(caught, _)| *caught == signal) {
        put_back(signal, action);
    }
    // SAFETY: sends a signal to this very process.
    unsafe { libc::kill(libc::getpid(), signal) };
}

/// Has a signal do again what it did before, unless another handler has taken the place of this one.
fn put_back(signal: c_int, action: &sigaction) {
    if current(signal).sa_sigaction == handler() {
        // SAFETY: the action is one that the system has given.
        unsafe { libc::sigaction(signal, action, std::ptr::null_mut()) };
    }
}
