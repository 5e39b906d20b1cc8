//! The key-value table: its columns, how it is made or adopted, and how statements on it are put together.

mod adopt;
mod commits;
mod schema;
mod search;

pub use adopt::{Adopted, StoreTables, adopt, ensure, tables};
pub use commits::COMMITS;
pub use search::{in_range, matching};
