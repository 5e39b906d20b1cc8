//! The writer's thread: group commit, leases of the writing connection, and the purge.

pub mod commands;
pub mod epoch;
pub mod group_commit;
pub mod lease;
pub mod lent;
mod marking;
pub mod purge;
pub mod writer;
