//! Signals that end a process.

use libc::c_int;

/// A signal that ends a process unless it is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: the terminal was closed.
    Hangup,
    /// SIGINT: Ctrl+C was pressed.
    Interrupt,
    /// SIGTERM: a request to end.
    Terminate,
}

impl Signal {
    /// Number of the signal on this system.
    #[must_use]
    pub fn number(self) -> c_int {
        match self {
            Self::Hangup => libc::SIGHUP,
            Self::Interrupt => libc::SIGINT,
            Self::Terminate => libc::SIGTERM,
        }
    }

    /// Number of the signal as a byte. Signals have numbers below 128.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn byte(self) -> u8 {
        self.number() as u8
    }

    /// Signal of a number, if it is one of these.
    #[must_use]
    pub fn of(number: c_int) -> Option<Self> {
        [Self::Hangup, Self::Interrupt, Self::Terminate].into_iter().find(|signal| signal.number() == number)
    }
}

/// Sends a signal to this process.
pub fn send(signal: Signal) {
    // SAFETY: it may be sent at any time.
    unsafe { libc::kill(libc::getpid(), signal.number()) };
}
