//! The guard: which user SQL is allowed.

pub mod authorizer;
pub mod mode;
#[allow(unsafe_code, reason = "asks SQLite what rusqlite has no function for")]
pub mod modules;
pub mod own_tables;
pub mod policy;
pub mod user_connection;
pub mod vacuum_into;
