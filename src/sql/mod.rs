//! SQL as it is asked for and answered, free of any engine: statements with their parameters, rows as JSON text,
//! how a statement is cancelled, what can be wrong with one.

mod cancel;
mod error;
mod redact;
mod rows;
mod statement;
mod text;

pub use cancel::{Cancel, CancelReason};
pub use error::SqlError;
pub use redact::without_values;
pub use rows::{Cell, RowSet, Slice, SliceWriter};
pub use statement::{Format, Job, Outcome, Parameters, RowsWanted, Statement, Value, Work};
pub use text::{Keyword, Place};
