//! Detection of changed pages.

pub mod checkpointed;
pub mod compare;
pub mod page_diff;
pub mod page_hashes;
pub mod wal_capture;
pub mod wal_scan;
