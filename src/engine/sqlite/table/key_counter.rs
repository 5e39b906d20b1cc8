//! The function that counts the keys of rows which SQLite gives in the order of their keys.
//!
//! `count(DISTINCT key)` counts the same in more steps, and what is no key, too. Reading the rows here takes longer still.

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};

use super::columns;
use crate::Error;

/// Registers `__rootcellar_keys(key)`.
pub fn register(connection: &Connection) -> Result<(), Error> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    Ok(connection.create_aggregate_function("__rootcellar_keys", 1, flags, KeyCounter)?)
}

struct KeyCounter;

/// The last key, and the number of different ones up to it.
#[derive(Default)]
struct Counted {
    last: String,
    keys: i64,
}

impl Aggregate<Counted, i64> for KeyCounter {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Counted> {
        Ok(Counted::default())
    }

    fn step(&self, context: &mut Context<'_>, counted: &mut Counted) -> rusqlite::Result<()> {
        if let Some(key) = columns::key(context.get_raw(0))
            && (counted.keys == 0 || counted.last != key)
        {
            key.clone_into(&mut counted.last);
            counted.keys += 1;
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, counted: Option<Counted>) -> rusqlite::Result<i64> {
        Ok(counted.map_or(0, |counted| counted.keys))
    }
}
