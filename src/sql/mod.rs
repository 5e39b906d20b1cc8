//! User SQL without an engine: statements with their parameters, rows as JSON text, and cancellation.

mod cancel;
mod keyword;
mod names;
mod rows;
mod statement;

pub use crate::error::{CancelReason, SqlError, SqlLocation};
pub use cancel::Cancel;
pub use keyword::Keyword;
pub use names::{Name, names, new_name};
pub use rows::{Cell, Format, Integers, RowSet, RowWriter, RowsWanted, Slice};
pub use statement::{Job, Parameters, Statement, StatementOutcome, Value, Work};
