//! The key-value table: its columns, how it is made or adopted, and how statements on it are put together.

mod adopt;
mod schema;
mod search;

pub use adopt::{Adopted, Adoption, adopt, ensure};
pub use search::{in_range, matching};
