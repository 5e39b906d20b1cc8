//! User SQL on the connections of the engine.

pub mod bind;
pub mod cursor;
pub mod execute;
pub mod prepare;
#[allow(unsafe_code, reason = "asks SQLite what rusqlite has no function for")]
pub mod raw_calls;
pub mod reads;
pub mod session_state;
