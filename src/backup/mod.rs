//! Backups of a database, and restores from them.
//!
//! A destination holds LTX files in Litestream's layout. From the bottom up: [`catalog`] names these files and
//! decides what to merge and remove, [`destination`] stores them, [`capture`] finds changed pages, [`local`] keeps
//! state beside the database, [`publish`] brings changes to the destination, [`restore`] makes databases of backups,
//! [`difference`] compares two of them, [`recover`] runs before a database is opened, and [`service`] is the thread that does all this for each open file.

pub mod capture;
pub mod catalog;
pub mod destination;
pub mod difference;
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
pub use service::ending::make_last_backups;
pub use service::registry::{Opened, destination_of, open_store};
