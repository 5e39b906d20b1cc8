//! The connection that writes, and its thread.

pub mod commands;
pub mod epoch;
pub mod group_commit;
pub mod lease;
pub mod purge;
pub mod writer;
