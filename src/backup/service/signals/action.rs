//! Signal handler, and the previous action of each signal.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use libc::{c_int, c_void, sigaction, siginfo_t};

use super::signal::{Signal, send};

/// Write end of the pipe; negative before there is one. It stays open until the process ends, because a handler may be
/// about to write.
pub static PIPE: AtomicI32 = AtomicI32::new(-1);

/// True while the thread waits for signals. Otherwise the handler performs the previous action.
pub static IS_CATCHING: AtomicBool = AtomicBool::new(false);

/// Flags of the handler, which every copy of this package uses.
const FLAGS: c_int = libc::SA_RESTART | libc::SA_ONSTACK | libc::SA_SIGINFO;

/// Previous action of a signal. Written while our handler is not installed.
struct Previous {
    is_known: AtomicBool,
    action: UnsafeCell<MaybeUninit<sigaction>>,
}

// SAFETY: whoever writes holds the lock of the catcher, and says that it is known when it is written.
unsafe impl Sync for Previous {}

impl Previous {
    const fn unknown() -> Self {
        Self { is_known: AtomicBool::new(false), action: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    fn get(&self) -> Option<sigaction> {
        // SAFETY: it was written before it was said to be known, and is not written as long as it is.
        self.is_known.load(Ordering::Acquire).then(|| unsafe { (*self.action.get()).assume_init() })
    }

    fn set(&self, action: sigaction) {
        self.is_known.store(false, Ordering::Release);
        // SAFETY: nobody reads what is not known.
        unsafe { (*self.action.get()).write(action) };
        self.is_known.store(true, Ordering::Release);
    }
}

static PREVIOUS: [Previous; 3] = [const { Previous::unknown() }; 3];

fn previous(signal: Signal) -> &'static Previous {
    match signal {
        Signal::Hangup => &PREVIOUS[0],
        Signal::Interrupt => &PREVIOUS[1],
        Signal::Terminate => &PREVIOUS[2],
    }
}

/// Current action of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Our handler is called.
    Ours,
    /// Nothing happens.
    Ignored,
    /// The process ends, possibly after a one-shot handler: Node has one, which resets the terminal.
    Unhandled,
    /// Another handler is called.
    Handled,
}

/// Current action of a signal.
pub fn disposition(signal: Signal) -> Disposition {
    let action = current(signal);
    match action.sa_sigaction {
        handler if handler == handler_address() => Disposition::Ours,
        libc::SIG_IGN => Disposition::Ignored,
        libc::SIG_DFL => Disposition::Unhandled,
        _ if action.sa_flags & libc::SA_RESETHAND != 0 => Disposition::Unhandled,
        _ => Disposition::Handled,
    }
}

/// Returns `true` if the system decides what a signal does.
pub fn has_default_action(signal: Signal) -> bool {
    current(signal).sa_sigaction == libc::SIG_DFL
}

/// Installs the handler, and records the previous action.
///
/// If a library that removed its handler has left the default action behind, every handler beneath is gone, too. But Node's
/// one-shot handler, which resets the terminal, is still called.
pub fn install(signal: Signal) {
    let (found, known) = (current(signal), previous(signal).get());
    if found.sa_sigaction != libc::SIG_DFL || known.is_none_or(|known| known.sa_flags & libc::SA_RESETHAND == 0) {
        previous(signal).set(found);
    }
    // SAFETY: all zeros is an action; the handler does only what a handler may (signal-safety(7)).
    unsafe {
        let mut action: sigaction = std::mem::zeroed();
        action.sa_sigaction = handler_address();
        action.sa_flags = FLAGS;
        libc::sigfillset(&raw mut action.sa_mask);
        libc::sigaction(signal.number(), &raw const action, std::ptr::null_mut());
    }
}

/// Restores the previous action, unless another handler has replaced ours. Returns whether it was restored.
pub fn put_back(signal: Signal) -> bool {
    if disposition(signal) != Disposition::Ours {
        return false;
    }
    let action = previous(signal).get().unwrap_or_else(default_action);
    // SAFETY: the action is one that the system has given.
    unsafe { libc::sigaction(signal.number(), &raw const action, std::ptr::null_mut()) };
    previous(signal).is_known.store(false, Ordering::Release);
    true
}

/// Performs the previous action of a signal that was received earlier.
pub fn do_previous_of_old(signal: Signal) {
    // SAFETY: all zeros is a record.
    let mut info: siginfo_t = unsafe { std::mem::zeroed() };
    info.si_signo = signal.number();
    do_previous(signal, &raw mut info, std::ptr::null_mut());
}

/// Performs the previous action of a signal. Async-signal-safe (signal-safety(7)).
pub fn do_previous(signal: Signal, info: *mut siginfo_t, context: *mut c_void) {
    let action = previous(signal).get().unwrap_or_else(default_action);
    match action.sa_sigaction {
        libc::SIG_IGN => {}
        handler if action.sa_flags & libc::SA_RESETHAND == 0 && handler != libc::SIG_DFL => {
            // SAFETY: the system has called it like this, by the flags of the action.
            unsafe {
                if action.sa_flags & libc::SA_SIGINFO == 0 {
                    std::mem::transmute::<usize, extern "C" fn(c_int)>(handler)(signal.number());
                } else {
                    let handler = std::mem::transmute::<usize, Handler>(handler);
                    handler(signal.number(), info, context);
                }
            }
        }
        _ => {
            // SAFETY: the action is one that the system has given, or the default one. What ends the process comes when the
            // signal is let through again.
            unsafe { libc::sigaction(signal.number(), &raw const action, std::ptr::null_mut()) };
            send(signal);
        }
    }
}

type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

fn default_action() -> sigaction {
    // SAFETY: all zeros is an action: the default one.
    unsafe { std::mem::zeroed() }
}

/// The address of the handler, as `sigaction` has it.
fn handler_address() -> usize {
    handle as Handler as usize
}

fn current(signal: Signal) -> sigaction {
    let mut action = default_action();
    // SAFETY: the pointer is to an action.
    unsafe { libc::sigaction(signal.number(), std::ptr::null(), &raw mut action) };
    action
}

/// Bit of the byte that the handler writes: another handler had passed the signal on.
pub const PASSED_ON: u8 = 0x80;

/// The handler. Async-signal-safe (signal-safety(7)).
extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let Some(known) = Signal::of(signal) else { return };
    if IS_CATCHING.load(Ordering::Acquire) {
        // Asked now: when the thread reads the byte, somebody may have installed a handler in the meantime.
        let passed_on = if disposition(known) == Disposition::Ours { 0 } else { PASSED_ON };
        tell(known.byte() | passed_on);
    } else {
        do_previous(known, info, context);
    }
}

/// Writes a byte to the pipe, and changes nothing else. One that does not fit is one of many.
pub fn tell(byte: u8) {
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
    // SAFETY: it can be asked for at any time.
    return unsafe { libc::__errno_location() };
    #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
    // SAFETY: as above.
    return unsafe { libc::__errno() };
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    // SAFETY: as above.
    return unsafe { libc::__error() };
}
