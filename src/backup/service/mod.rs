//! Backup threads, one for each open file.

mod background_check;
#[cfg(windows)]
#[allow(unsafe_code, reason = "handles events of the console")]
pub mod console;
mod elsewhere;
pub mod ending;
pub mod handle;
pub mod registry;
#[cfg(unix)]
#[allow(unsafe_code, reason = "handles signals")]
pub mod signals;
pub mod status;
mod worker;
