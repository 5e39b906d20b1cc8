//! The key-value table: its schema, its columns, and the SQL of each command.

pub mod columns;
pub mod keys;
pub mod rowid_cache;
pub mod schema;
pub mod search;
pub mod triggers;
