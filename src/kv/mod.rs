//! The key-value store's operations, free of any engine: what can be asked, how patterns match, when an entry
//! is expired, how a result reaches JavaScript as JSON.

mod entry;
mod expiry;
mod pattern;
mod rows;

pub use entry::{Address, Entry, Expected, Swap};
pub use expiry::is_expired;
pub use pattern::{KeyRange, Pattern};
pub use rows::{EntryWriter, RowFormat};
