//! Binding of parameters: every parameter has a value, and every value a parameter.

use rusqlite::Statement;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::Error;
use crate::sql::{Parameters, SqlError, Value};

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Binds the parameters of a statement.
pub fn bind(statement: &mut Statement, parameters: &Parameters) -> Result<(), Error> {
    match parameters {
        Parameters::Positional(values) => bind_in_order(statement, values),
        Parameters::Named(values) => bind_by_name(statement, values),
    }
}

fn bind_in_order(statement: &mut Statement, values: &[Value]) -> Result<(), Error> {
    let expected = statement.parameter_count();
    if values.len() != expected {
        let plural = |count: usize| if count == 1 { "1 value".to_owned() } else { format!("{count} values") };
        return Err(wrong(format!("must have {} for this statement, not {}", plural(expected), values.len())));
    }
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, Bound(value))?;
    }
    Ok(())
}

fn bind_by_name(statement: &mut Statement, values: &[(String, Value)]) -> Result<(), Error> {
    let mut is_used = vec![false; values.len()];
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).map(str::to_owned);
        let Some(name) = name.filter(|name| !name.starts_with('?')) else {
            return Err(wrong("must be an array: the statement has parameters without a name".to_owned()));
        };
        // A name may be given with or without its `:`, `@` or `$`.
        let Some(place) = values.iter().position(|(given, _)| *given == name || *given == name[1..]) else {
            return Err(wrong(format!("must have a value for {name}")));
        };
        is_used[place] = true;
        statement.raw_bind_parameter(index, Bound(&values[place].1))?;
    }
    match is_used.iter().position(|used| !used) {
        Some(unused) => Err(wrong(format!("has {:?}, which is no parameter of the statement", values[unused].0))),
        None => Ok(()),
    }
}

fn wrong(problem: String) -> Error {
    SqlError::Parameters(problem).into()
}
