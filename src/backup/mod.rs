//! Backups: what is decided, and what is done.
//!
//! A destination holds LTX files in Litestream's layout. [`files`] names them; [`plan`], [`compaction`],
//! [`retention`] and [`schedule`] decide, as functions of a listing and the time, and touch nothing.

mod beneath;
pub mod capture;
pub mod compaction;
mod conflict;
pub mod destination;
mod disk;
pub mod examine;
pub mod files;
pub mod first_page;
mod in_place;
mod lost_log;
mod open;
pub mod opening;
mod output;
pub mod place;
pub mod plan;
pub mod progress;
pub mod publisher;
#[allow(unsafe_code, reason = "calls of the system that the standard library has not")]
mod rename;
mod requests;
pub mod restore;
pub mod retention;
pub mod schedule;
pub mod service;
#[cfg(unix)]
#[allow(unsafe_code, reason = "handles signals")]
pub mod signals;
mod soundness;
mod staged;
pub mod state;
pub mod status;
pub mod survey;
pub mod table;
mod temporary;
pub mod wal;
pub mod wal_capture;
mod worker;

pub use open::{Opened, destination_of, make_last_backups, open_store};
pub use output::check_output;
pub use requests::{RestoredStore, Verified, list, restore_to, verify};
