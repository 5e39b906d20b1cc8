//! Rows of a table in two states, side by side in the order of their row ids.

use std::cmp::Ordering;

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Row, Rows, Statement};

use crate::Error;

/// Callback that receives the row of an id in either state, or in both.
pub type VisitRows<'a> = dyn FnMut(Option<&Row>, Option<&Row>) -> Result<(), Error> + 'a;

/// Visits every row of two statements whose first column is the row id, by which they are ordered. A statement that is not
/// there has no rows.
pub fn merge(
    before: Option<&mut Statement>,
    after: Option<&mut Statement>,
    visit: &mut VisitRows,
) -> Result<(), Error> {
    let mut before = before.map(|statement| statement.query([])).transpose()?;
    let mut after = after.map(|statement| statement.query([])).transpose()?;
    let (mut left, mut right) = (next(&mut before)?, next(&mut after)?);
    loop {
        let order = match (left, right) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.cmp(&right),
        };
        let (row_before, row_after) = (before.as_ref().and_then(Rows::get), after.as_ref().and_then(Rows::get));
        match order {
            Ordering::Less => visit(row_before, None)?,
            Ordering::Equal => visit(row_before, row_after)?,
            Ordering::Greater => visit(None, row_after)?,
        }
        if order != Ordering::Greater {
            left = next(&mut before)?;
        }
        if order != Ordering::Less {
            right = next(&mut after)?;
        }
    }
}

/// Goes to the next row, and returns its id.
fn next(rows: &mut Option<Rows>) -> Result<Option<i64>, Error> {
    let Some(rows) = rows else { return Ok(None) };
    rows.advance()?;
    Ok(rows.get().map(|row| row.get(0)).transpose()?)
}

/// Returns true if two rows have the same values of the same types in columns of these numbers.
pub fn are_equal(before: &Row, after: &Row, columns: std::ops::Range<usize>) -> Result<bool, Error> {
    for column in columns {
        if before.get_ref(column)? != after.get_ref(column)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn table(rows: &[(i64, &str)]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)").unwrap();
        for row in rows {
            connection.execute("INSERT INTO t VALUES (?1, ?2)", *row).unwrap();
        }
        connection
    }

    #[test]
    fn rows_meet_by_their_ids() {
        let before = table(&[(-5, "a"), (1, "b"), (2, "c"), (9, "d")]);
        let after = table(&[(1, "b"), (2, "x"), (3, "e")]);
        let mut met = Vec::new();
        let sql = "SELECT id, x FROM t ORDER BY id";
        let mut visit = |before: Option<&Row>, after: Option<&Row>| {
            let id = |row: &Row| row.get_unwrap::<_, i64>(0);
            let same = match (before, after) {
                (Some(before), Some(after)) => Some(are_equal(before, after, 1..2)?),
                _ => None,
            };
            met.push((before.map(id), after.map(id), same));
            Ok(())
        };
        merge(Some(&mut before.prepare(sql).unwrap()), Some(&mut after.prepare(sql).unwrap()), &mut visit).unwrap();
        merge(None, Some(&mut after.prepare(sql).unwrap()), &mut |_, _| Ok(())).unwrap();
        let expected = [
            (Some(-5), None, None),
            (Some(1), Some(1), Some(true)),
            (Some(2), Some(2), Some(false)),
            (None, Some(3), None),
            (Some(9), None, None),
        ];
        assert_eq!(met, expected);
    }
}
