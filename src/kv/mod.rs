//! The key-value store's operations, free of any engine: what can be asked, how patterns match, when an entry
//! is expired, how a result reaches JavaScript as JSON.

mod command;
mod expiry;
mod pattern;
mod rows;

pub use command::{Address, Batch, BatchOutcome, ClientId, Command, Entry, Expected, Origin, Stop, Swap};
pub use expiry::is_expired;
pub use pattern::{KeyRange, Pattern};
pub use rows::{RowFormat, SliceWriter};
