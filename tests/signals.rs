//! Signals that end a process, in a process of their own.

#![cfg(unix)]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use rootcellar::backup::service::registry::catch_signals as catch;
use rootcellar::backup::service::signals::{Signal, release};

/// In the environment of a process that a test has started: what is sent to it.
const CHILD: &str = "ROOTCELLAR_TEST_SIGNAL";

/// Runs a test once more, in a process of its own, in which [`CHILD`] is set.
fn run_again(test: &str, signal: libc::c_int) -> Output {
    let executable = std::env::current_exe().unwrap();
    let arguments = ["--exact", test, "--nocapture"];
    Command::new(executable).args(arguments).env(CHILD, signal.to_string()).output().unwrap()
}

fn child_signal() -> Option<libc::c_int> {
    Some(std::env::var(CHILD).ok()?.parse().unwrap())
}

const EVERY: [Signal; 3] = [Signal::Hangup, Signal::Interrupt, Signal::Terminate];

/// Sends a signal to this process, and gives it the time to end; more of it where it has to end.
fn send(signal: libc::c_int, has_to_end: bool) {
    // SAFETY: sends a signal to this very process.
    unsafe { libc::kill(libc::getpid(), signal) };
    std::thread::sleep(std::time::Duration::from_millis(if has_to_end { 60_000 } else { 500 }));
}

#[test]
fn a_process_ends_by_the_signal_that_it_was_sent() {
    if let Some(signal) = child_signal() {
        catch(&EVERY).unwrap();
        catch(&EVERY).unwrap();
        send(signal, true);
        unreachable!("the process has ended");
    }
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
        let ended = run_again("a_process_ends_by_the_signal_that_it_was_sent", signal);
        assert_eq!(ended.status.signal(), Some(signal), "{ended:?}");
    }
}

#[test]
fn what_was_done_before_is_done_again_when_signals_are_not_caught_any_more() {
    // SAFETY: all zeros is an action, and the pointer is to one.
    let current = || unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGHUP, std::ptr::null(), &raw mut action);
        action.sa_sigaction
    };
    if child_signal().is_some() {
        for joined in [true, false, true] {
            catch(&EVERY).unwrap();
            assert_ne!(current(), libc::SIG_DFL);
            release(joined, || false);
            assert_ne!(current(), libc::SIG_DFL);
            release(joined, || true);
            assert_eq!(current(), libc::SIG_DFL);
        }
        println!("still there");
        return;
    }
    let ended = run_again("what_was_done_before_is_done_again_when_signals_are_not_caught_any_more", libc::SIGHUP);
    assert!(ended.status.success() && String::from_utf8_lossy(&ended.stdout).contains("still there"), "{ended:?}");
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    if let Some(signal) = child_signal() {
        // SAFETY: nothing is called when the signal comes.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
        catch(&EVERY).unwrap();
        send(signal, false);
        println!("still there");
        return;
    }
    let ended = run_again("a_signal_that_is_ignored_stays_ignored", libc::SIGHUP);
    assert!(ended.status.success() && String::from_utf8_lossy(&ended.stdout).contains("still there"), "{ended:?}");
}

#[test]
fn a_handler_that_is_installed_later_is_the_one_that_is_called() {
    if let Some(signal) = child_signal() {
        extern "C" fn own(_signal: libc::c_int) {
            // SAFETY: ends the process, which a handler may do.
            unsafe { libc::_exit(7) };
        }
        catch(&EVERY).unwrap();
        // SAFETY: the handler does only what a handler may (signal-safety(7)).
        unsafe { libc::signal(signal, own as extern "C" fn(libc::c_int) as usize) };
        send(signal, true);
        unreachable!("the process has ended");
    }
    let ended = run_again("a_handler_that_is_installed_later_is_the_one_that_is_called", libc::SIGTERM);
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
}
