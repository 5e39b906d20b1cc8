//! Engines: what carries the operations of [`crate::kv`] out. Neither knows the other.

pub mod postgres;
pub mod sqlite;
