//! Backups: what is decided, and what is done.
//!
//! A destination holds LTX files in Litestream's layout. [`catalog`] names them and decides what becomes of them.

pub mod capture;
pub mod catalog;
pub mod destination;
pub mod events;
mod fs;
pub mod local;
pub mod publish;
pub mod recover;
pub mod restore;
pub mod service;

pub use restore::listing::list;
pub use restore::output::check_output;
pub use restore::restored::Restored;
pub use restore::to_file::restore_to;
pub use restore::verify::verify;
pub use service::registry::{Opened, destination_of, make_last_backups, open_store};
