//! Detection of changed pages.

mod checkpointed;
pub(super) mod compare;
pub mod page_diff;
pub(super) mod page_hashes;
pub mod wal_capture;
