//! The guard: which user SQL is allowed.

pub mod authorizer;
pub mod mode;
pub mod own_tables;
pub mod policy;
pub mod user_connection;
