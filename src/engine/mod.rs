//! Engines: what carries the operations of [`crate::kv`] out. There is one, on SQLite.

pub mod sqlite;
