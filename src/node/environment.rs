//! Environment variables that libraries read by themselves. If JavaScript changes the environment while another thread reads
//! it, the process crashes. So they are read on the JavaScript thread, before there are others.

use crate::faults;

#[cfg(unix)]
unsafe extern "C" {
    fn tzset();
}

/// Reads it.
pub fn read() {
    faults::read();
    // For SQL's `localtime`. Without it, the first thread that asks for a local time reads `TZ`. Node.js does the same again
    // when JavaScript changes `TZ`.
    #[cfg(unix)]
    // SAFETY: it changes only what it locks itself, and reads the environment on the thread that changes it.
    unsafe {
        tzset();
    }
}
