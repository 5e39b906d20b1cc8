//! State of an open store, below its requests.

pub mod cancels;
pub mod ending;
pub mod event_queue;
pub mod hooks;
pub mod outbox;
pub mod sql_state;
pub mod store_state;
