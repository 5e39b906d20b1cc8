//! Statements, jobs and their outcomes.

use std::sync::Arc;

use super::cancel::Cancel;
use super::rows::{RowSet, RowsWanted};

/// Value of a parameter.
#[derive(Debug, Clone)]
pub enum Value {
    /// `NULL`.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A floating-point number, never `NaN`.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// Values of the parameters of a statement.
#[derive(Debug, Clone)]
pub enum Parameters {
    /// By position.
    Positional(Vec<Value>),
    /// By name, with or without its `:`, `@` or `$`.
    Named(Vec<(String, Value)>),
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL.
    pub sql: String,
    /// Values of its parameters.
    pub parameters: Parameters,
    /// Form of its rows, if they are wanted.
    pub rows: Option<RowsWanted>,
    /// It may return no rows although they are wanted.
    pub may_lack_rows: bool,
    /// It is this package's own, and is not checked.
    pub is_internal: bool,
}

/// Statements that take effect as a whole or not at all.
#[derive(Debug, Clone)]
pub enum Work {
    /// One statement.
    One(Statement),
    /// Several statements, one after another.
    All(Vec<Statement>),
    /// A script: a text with any number of statements.
    Script(String),
}

/// Statements with their cancellation.
#[derive(Debug, Clone)]
pub struct Job {
    /// The statements.
    pub work: Work,
    /// Cancels them, if they can be cancelled.
    pub cancel: Option<Arc<Cancel>>,
}

impl Job {
    /// A job that nobody cancels.
    #[must_use]
    pub fn new(work: Work) -> Self {
        Self { work, cancel: None }
    }

    /// Bytes of text and values in the job.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.work {
            Work::One(statement) => statement.size(),
            Work::All(statements) => statements.iter().map(Statement::size).sum(),
            Work::Script(sql) => sql.len(),
        }
    }
}

impl Work {
    /// The SQL of each statement.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (statements, script) = match self {
            Self::One(statement) => (std::slice::from_ref(statement), None),
            Self::All(statements) => (&**statements, None),
            Self::Script(sql) => (&[][..], Some(&**sql)),
        };
        statements.iter().map(|statement| &*statement.sql).chain(script)
    }
}

impl Statement {
    fn size(&self) -> usize {
        let value = |value: &Value| match value {
            Value::Null | Value::Integer(_) | Value::Real(_) => 8,
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
        };
        let parameters = match &self.parameters {
            Parameters::Positional(values) => values.iter().map(value).sum::<usize>(),
            Parameters::Named(values) => values.iter().map(|(_, one)| value(one)).sum(),
        };
        self.sql.len() + parameters
    }
}

/// Outcome of a statement.
#[derive(Debug, Clone, Default)]
pub struct StatementOutcome {
    /// Number of rows that it inserted, updated or deleted itself.
    pub changes: u64,
    /// Row id of the last row that it inserted; 0 if it inserted none.
    pub last_insert_rowid: i64,
    /// Its rows, if they were wanted.
    pub rows: Option<RowSet>,
}
