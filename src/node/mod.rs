//! The Node addon: the only module that knows Node.js.
//!
//! Each store of a JavaScript environment has a [`store::NativeStore`]. Requests are synchronous calls that never
//! wait. Results are queued as [`event::NativeEvent`]s. One wake-up tells JavaScript that there are some, and
//! JavaScript takes them one by one.

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
