//! What SQL of the user's may do.

pub mod authorizer;
pub mod mode;
pub mod own_tables;
pub mod policy;
pub mod user_connection;
