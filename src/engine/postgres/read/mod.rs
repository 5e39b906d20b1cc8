//! Reading: on a connection beside the writer's, of what is committed.

mod answer;
mod reader;
mod rows;

pub use answer::ReadRequest;
pub use reader::ServerReader;
pub use rows::{RowLock, answer as answer_query};
