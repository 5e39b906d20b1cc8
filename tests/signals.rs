//! Signals that end a process, in a process of their own.

#![cfg(unix)]

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use rootcellar::backup::service::ending::catch_signals;
use rootcellar::backup::service::signals::{Caller, Signal, release};

/// In the environment of a process that a test has started: what is sent to it.
const CHILD: &str = "ROOTCELLAR_TEST_SIGNAL";

/// Runs a test once more, in a process of its own, in which [`CHILD`] is set.
fn run_again(test: &str, signal: libc::c_int) -> Output {
    run_with(test, signal, "NOTHING_ELSE")
}

/// [`run_again`], with another variable set.
fn run_with(test: &str, signal: libc::c_int, variable: &str) -> Output {
    let executable = std::env::current_exe().unwrap();
    let arguments = ["--exact", test, "--nocapture"];
    let mut command = Command::new(executable);
    command.args(arguments).env(CHILD, signal.to_string()).env(variable, "1");
    // Shells start programs in the background with signals ignored, which would stay so.
    // SAFETY: `signal` is async-signal-safe (signal-safety(7)).
    unsafe {
        command.pre_exec(|| {
            for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
                libc::signal(signal, libc::SIG_DFL);
            }
            Ok(())
        });
    }
    command.output().unwrap()
}

fn child_signal() -> Option<libc::c_int> {
    Some(std::env::var(CHILD).ok()?.parse().unwrap())
}

const EVERY: [Signal; 3] = [Signal::Hangup, Signal::Interrupt, Signal::Terminate];

fn catch_every() {
    catch_signals(&EVERY, Caller::Knows).unwrap();
}

/// Sends a signal to this process, and gives it the time to end; more of it where it has to end.
fn send(signal: libc::c_int, has_to_end: bool) {
    // SAFETY: sends a signal to this very process.
    unsafe { libc::kill(libc::getpid(), signal) };
    std::thread::sleep(std::time::Duration::from_millis(if has_to_end { 60_000 } else { 500 }));
}

#[test]
fn a_process_ends_by_the_signal_that_it_was_sent() {
    if let Some(signal) = child_signal() {
        catch_every();
        catch_every();
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
        for _ in 0..3 {
            catch_every();
            assert_ne!(current(), libc::SIG_DFL);
            release(|| false);
            assert_ne!(current(), libc::SIG_DFL);
            release(|| true);
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
        catch_every();
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
        catch_every();
        // SAFETY: the handler does only what a handler may (signal-safety(7)).
        unsafe { libc::signal(signal, own as extern "C" fn(libc::c_int) as usize) };
        send(signal, true);
        unreachable!("the process has ended");
    }
    let ended = run_again("a_handler_that_is_installed_later_is_the_one_that_is_called", libc::SIGTERM);
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
}

/// Handler to which another library's hands the signal on.
static BENEATH: AtomicUsize = AtomicUsize::new(0);

/// A handler as another copy of the package has it: hands the signal on to what was there before.
extern "C" fn hand_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let beneath = BENEATH.load(Ordering::SeqCst);
    // SAFETY: it is the handler that `sigaction` has given, which takes these.
    let beneath = unsafe {
        std::mem::transmute::<usize, extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void)>(beneath)
    };
    beneath(signal, info, context);
}

/// Puts a handler above the one that is there.
fn cover(signal: libc::c_int) {
    // SAFETY: all zeros is an action; the handler does only what a handler may (signal-safety(7)).
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let mut before: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction =
            hand_on as extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) as usize;
        action.sa_flags = libc::SA_SIGINFO;
        libc::sigaction(signal, std::ptr::null(), &raw mut before);
        BENEATH.store(before.sa_sigaction, Ordering::SeqCst);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

#[test]
fn a_handler_that_is_covered_does_its_part_and_when_released_what_was_done_before() {
    const NAME: &str = "a_handler_that_is_covered_does_its_part_and_when_released_what_was_done_before";
    if let Some(signal) = child_signal() {
        catch_every();
        cover(signal);
        if std::env::var_os("RELEASED").is_some() {
            release(|| true);
        }
        send(signal, true);
        unreachable!("the process has ended");
    }
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
        let ended = run_again(NAME, signal);
        assert_eq!(ended.status.signal(), Some(signal), "{ended:?}");
        let ended = run_with(NAME, signal, "RELEASED");
        assert_eq!(ended.status.signal(), Some(signal), "{ended:?}");
    }
}

#[test]
fn a_signal_whose_last_handler_was_removed_is_caught_again() {
    if let Some(signal) = child_signal() {
        catch_every();
        // SAFETY: nothing is called; this is what libuv leaves behind when it removes its handler.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        let is_caught = || {
            // SAFETY: all zeros is an action, and the pointer is to one.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, std::ptr::null(), &raw mut action);
                action.sa_sigaction != libc::SIG_DFL
            }
        };
        let began = std::time::Instant::now();
        while !is_caught() {
            assert!(began.elapsed() < std::time::Duration::from_secs(60));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        println!("caught again");
        send(signal, true);
        unreachable!("the process has ended");
    }
    let ended = run_again("a_signal_whose_last_handler_was_removed_is_caught_again", libc::SIGTERM);
    assert_eq!(ended.status.signal(), Some(libc::SIGTERM), "{ended:?}");
    assert!(String::from_utf8_lossy(&ended.stdout).contains("caught again"), "{ended:?}");
}
