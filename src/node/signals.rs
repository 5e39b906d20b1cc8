//! Signals that end the process.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![cfg_attr(test, allow(dead_code, reason = "in tests napi registers nothing"))]

use napi_derive::napi;

/// A signal that ends the process unless it is handled.
#[napi(string_enum)]
#[derive(PartialEq, Eq)]
#[allow(clippy::upper_case_acronyms, reason = "their names")]
pub enum SignalName {
    /// The terminal was closed.
    SIGHUP,
    /// Ctrl and C.
    SIGINT,
    /// A request to end.
    SIGTERM,
}

/// Lets these signals, which nobody handles, end the process only when everything is safe, as long as a file is open.
/// `after_removal` says that their last handler was removed just now. On other threads than the main one nobody knows who
/// handles them, and it is found out. Without signals, or if no thread can be started, they end the process as before.
#[napi]
#[cfg_attr(not(unix), allow(unused_variables, reason = "there are no signals"))]
pub fn catch_signals(names: Vec<SignalName>, after_removal: bool) {
    #[cfg(unix)]
    {
        use crate::backup::service::ending::catch_signals;
        use crate::backup::service::signals::{Caller, Signal, is_main_thread};
        let caller = match (is_main_thread(), after_removal) {
            (true, true) => Caller::AfterRemoval,
            (true, false) => Caller::Knows,
            (false, _) => Caller::Guesses,
        };
        let signals: Vec<Signal> = names
            .into_iter()
            .map(|name| match name {
                SignalName::SIGHUP => Signal::Hangup,
                SignalName::SIGINT => Signal::Interrupt,
                SignalName::SIGTERM => Signal::Terminate,
            })
            .collect();
        drop(catch_signals(&signals, caller));
    }
}

/// An event of Windows' console, by the name of the signal that Node tells it as.
#[napi(string_enum)]
#[derive(PartialEq, Eq)]
#[allow(clippy::upper_case_acronyms, reason = "their names")]
pub enum ConsoleSignal {
    /// Ctrl and Break.
    SIGBREAK,
    /// The console was closed.
    SIGHUP,
    /// Ctrl and C.
    SIGINT,
}

/// Lets events of the console end the process only when everything is safe, as long as a file is open. Only Windows has them.
#[napi]
pub fn catch_console_events() {
    #[cfg(windows)]
    crate::backup::service::console::catch();
}

/// Tells which events of the console JavaScript does not listen to. Without, that is not known any more.
#[napi]
#[cfg_attr(not(windows), allow(unused_variables, reason = "only Windows has them"))]
pub fn set_unhandled_console_events(names: Option<Vec<ConsoleSignal>>) {
    #[cfg(windows)]
    {
        use crate::backup::service::console::{ConsoleEvent, set_unhandled};
        let events: Option<Vec<ConsoleEvent>> = names.map(|names| {
            names
                .into_iter()
                .map(|name| match name {
                    ConsoleSignal::SIGBREAK => ConsoleEvent::Break,
                    ConsoleSignal::SIGHUP => ConsoleEvent::Close,
                    ConsoleSignal::SIGINT => ConsoleEvent::Interrupt,
                })
                .collect()
        });
        set_unhandled(events.as_deref());
    }
}
