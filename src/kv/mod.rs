//! The key-value store without an engine: entries, `LIKE` patterns, expiry, and rows as JSON text.

mod budget;
mod case_insensitive;
mod changes;
mod entry;
mod expiry;
mod number;
mod pattern;
mod range;
mod rows;
mod segment;
mod token;

pub use budget::{Budget, Interrupted};
pub use case_insensitive::{LiteralStart, SearchStep};
pub use changes::ChangeWriter;
pub use entry::{Address, Entry, Expected, Increment, KeyOutcome, NewExpiry, Swap, SwapPart, Then};
pub use expiry::is_expired;
pub use number::{JsonNumber, is_json, number_text, parse_number};
pub use pattern::Pattern;
pub use range::KeyRange;
pub(crate) use rows::push_json;
pub use rows::{EntryWriter, RowFormat};
