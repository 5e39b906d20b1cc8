//! Captures changes and brings them to the destination.

pub mod checks;
pub mod ltx_file;
pub mod maintenance;
pub mod publisher;
pub mod reconcile;
pub mod stage;
