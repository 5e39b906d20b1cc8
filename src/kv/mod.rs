//! The key-value store without an engine: entries, `LIKE` patterns, expiry, and rows as JSON text.

mod budget;
mod changes;
mod either_case;
mod entry;
mod expiry;
mod pattern;
mod range;
mod rows;
mod segment;
mod token;

pub use budget::{Budget, Interrupted};
pub use changes::ChangeWriter;
pub use either_case::{LiteralStart, SearchStep};
pub use entry::{Address, Entry, Expected, NewExpiry, Swap};
pub use expiry::is_expired;
pub use pattern::Pattern;
pub use range::KeyRange;
pub use rows::{EntryWriter, RowFormat};
