//! Publication of captures at the destination, and maintenance there.

mod checks;
mod file_check;
mod ltx_file;
mod maintenance;
mod merge;
pub mod publisher;
pub(super) mod reconcile;
mod stage;
