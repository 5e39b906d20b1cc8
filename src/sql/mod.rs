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
pub use rows::{Cell, RowSet, RowWriter, Slice};
pub use statement::{Format, Job, Parameters, RowsWanted, Statement, StatementOutcome, Value, Work};
pub use text::{Keyword, SqlLocation};
