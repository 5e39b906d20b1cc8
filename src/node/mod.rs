//! The Node addon: the only module that knows Node.js.
//!
//! One [`store::NativeStore`] per store and JavaScript environment. Requests go in by synchronous calls that
//! never wait; what happens is queued as [`event::Event`]s, of which JavaScript is told by one wake-up for as
//! many as there are, and which it takes one by one.

mod backup;
mod batch;
mod cancels;
mod destination;
mod event;
mod info;
mod rows;
mod signals;
mod sql;
mod store;
mod wal_view;
