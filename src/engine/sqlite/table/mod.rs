//! The table of keys.

pub mod columns;
pub mod keys;
pub mod rowid_cache;
pub mod schema;
pub mod triggers;
