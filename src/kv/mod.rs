//! The key-value store without an engine: entries, `LIKE` patterns, expiry, and rows as JSON text.

mod budget;
mod entry;
mod expiry;
mod pattern;
mod rows;
mod segment;
mod token;

pub use budget::{Budget, Interrupted};
pub use entry::{Address, Entry, Expected, Swap};
pub use expiry::is_expired;
pub use pattern::{KeyRange, Pattern};
pub use rows::{EntryWriter, RowFormat};
