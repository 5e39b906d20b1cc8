//! The rows of a `select`, put together from its slices as `lib/` does.

use std::sync::mpsc;

use rootcellar::engine::sqlite::{Engine, Select, SelectProgress};
use rootcellar::{Error, Reply};
use serde_json::value::RawValue;

/// A live entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Empty if values alone were asked for.
    pub key: String,
    /// JSON text, as it was stored.
    pub value: String,
    /// Milliseconds since 1970 UTC.
    pub expires_at: Option<i64>,
}

/// Values, keys, expiries, and the order of all rows.
type Columns = (Vec<Box<RawValue>>, Vec<String>, Vec<i64>, Vec<usize>);

/// Starts a select. What it finds arrives when it is done.
pub fn start(engine: &Engine, select: Select) -> mpsc::Receiver<Result<Vec<Row>, Error>> {
    let (answer, answers) = mpsc::channel();
    let (slice, slices) = mpsc::channel();
    let progress = move |progress| {
        if let SelectProgress::Slice(text) = progress {
            slice.send(text).unwrap();
        }
    };
    let reply = Reply::new(move |last: Result<String, Error>| {
        let rows = last.map(|last| rows(slices.try_iter().chain([last])));
        answer.send(rows).unwrap();
    });
    engine.select(select, progress, reply);
    answers
}

/// [`start`], waiting for what is found.
pub fn select(engine: &Engine, select: Select) -> Result<Vec<Row>, Error> {
    start(engine, select).recv().unwrap()
}

/// Rows as a JSON array of entries.
pub fn to_json(rows: &[Row]) -> String {
    let entry = |Row { key, value, expires_at }: &Row| {
        let key = serde_json::Value::from(key.as_str());
        let expiry = expires_at.map(|at| format!(r#","expires_at":{at}"#)).unwrap_or_default();
        format!(r#"{{"key":{key},"value":{value}{expiry}}}"#)
    };
    format!("[{}]", rows.iter().map(entry).collect::<Vec<_>>().join(","))
}

fn rows(slices: impl Iterator<Item = String>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut order = None;
    for slice in slices {
        assert_eq!(order, None, "slices after the last");
        let columns = serde_json::from_str(&slice).map(|(values, keys, expiries)| (values, keys, expiries, None));
        let (values, keys, expiries, places) = columns.unwrap_or_else(|_| {
            let (values, keys, expiries, order): Columns = serde_json::from_str(&slice).unwrap();
            (values, keys, expiries, Some(order))
        });
        order = places;
        rows.extend(rows_of(values, keys, &expiries));
    }
    match order {
        None => rows,
        Some(order) => order.into_iter().map(|place| rows[place].clone()).collect(),
    }
}

fn rows_of(values: Vec<Box<RawValue>>, keys: Vec<String>, expiries: &[i64]) -> Vec<Row> {
    let keys = if keys.is_empty() { vec![String::new(); values.len()] } else { keys };
    assert_eq!(keys.len(), values.len());
    let row = |(key, value): (String, Box<RawValue>)| Row { key, value: value.get().to_owned(), expires_at: None };
    let mut rows: Vec<Row> = keys.into_iter().zip(values).map(row).collect();
    for expiry in expiries.chunks(2) {
        rows[usize::try_from(expiry[0]).unwrap()].expires_at = Some(expiry[1]);
    }
    rows
}
