//! The Node addon: the only module that knows Node.js.
//!
//! Each store of a JavaScript environment has a [`store::NativeStore`]. Requests are synchronous calls that never
//! wait. Results are queued as [`convert::event::NativeEvent`]s. One wake-up tells JavaScript that there are some, and
//! JavaScript takes them one by one.

mod ask;
mod backup;
mod convert;
mod destination;
mod difference;
mod environment;
mod keys;
mod postgres;
mod protocol;
mod signals;
mod sql;
mod state;
mod store;
mod watch;
