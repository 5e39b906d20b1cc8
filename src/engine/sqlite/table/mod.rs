//! The key-value table: its schema, its columns, and the SQL of each command.

pub mod columns;
mod gaps;
pub mod key_counter;
pub mod keys;
pub mod range_rows;
mod read_modify_write;
pub mod rowid_cache;
pub mod schema;
pub mod search;
pub mod triggers;
