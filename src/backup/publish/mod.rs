//! Publication of captures at the destination, and maintenance there.

pub mod checks;
pub mod file_check;
pub mod ltx_file;
pub mod maintenance;
pub mod merge;
pub mod publisher;
pub mod reconcile;
pub mod stage;
