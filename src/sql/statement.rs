//! What can be asked in SQL, and what comes back.

use std::sync::Arc;

use super::cancel::Cancel;
use super::rows::{RowSet, RowsWanted};

/// A value that a parameter is bound to.
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

/// The values of a statement's parameters.
#[derive(Debug, Clone)]
pub enum Parameters {
    /// By place.
    Positional(Vec<Value>),
    /// By name, with its `:`, `@` or `$`, or without.
    Named(Vec<(String, Value)>),
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its text.
    pub sql: String,
    /// Its parameters.
    pub parameters: Parameters,
    /// The rows that are wanted, if any.
    pub rows: Option<RowsWanted>,
    /// Whether a statement that returns no rows is none the worse for it.
    pub may_lack_rows: bool,
    /// Whether it is this package's own.
    pub is_internal: bool,
}

/// What is done as a whole or not at all.
#[derive(Debug, Clone)]
pub enum Work {
    /// One statement.
    One(Statement),
    /// Several, one after the other.
    All(Vec<Statement>),
    /// A text with any number of statements.
    Script(String),
}

/// Work that may be cancelled.
#[derive(Debug, Clone)]
pub struct Job {
    /// What is to be done.
    pub work: Work,
    /// How it is cancelled, if it can be.
    pub cancel: Option<Arc<Cancel>>,
}

impl Job {
    /// Work that nobody cancels.
    #[must_use]
    pub fn new(work: Work) -> Self {
        Self { work, cancel: None }
    }

    /// Bytes of text and values that the job carries.
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
    /// The text of each statement.
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

/// What a statement did.
#[derive(Debug, Clone, Default)]
pub struct StatementOutcome {
    /// Rows that it inserted, updated or deleted itself.
    pub changes: u64,
    /// The row id of the last row that it inserted; 0 if it inserted none.
    pub last_insert_rowid: i64,
    /// The rows that it returned, if they were wanted.
    pub rows: Option<RowSet>,
}
