//! The Node addon: the only module that knows Node.js.
//!
//! One [`store::NativeStore`] per store and JavaScript environment. Requests go in by synchronous calls that
//! never wait; what happens is queued as [`event::NativeEvent`]s, of which JavaScript is told by one wake-up for as
//! many as there are, and which it takes one by one.

mod backup;
mod batch;
mod cancels;
mod convert;
mod destination;
mod event;
mod event_queue;
mod hooks;
mod shared;
mod signals;
mod sql;
mod sql_state;
mod store;
