//! The rows of a range of keys, one for each key: the newest.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row, Rows, ToSql, params};

use super::columns;
use crate::Error;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::kv::KeyRange;

// The columns are those of `RangeRow::read`. Where the value is not wanted, SQLite does not read it.
const ASCENDING: &str = "SELECT rowid, key, expires_at, value FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key >= ?2 AND key < ?3 ORDER BY key, rowid";
const DESCENDING: &str = "SELECT rowid, key, expires_at, value FROM main.__rootapp_kv \
    WHERE community_id IS ?1 AND key >= ?2 AND key < ?3 ORDER BY key DESC, rowid DESC";
const ALL_KEYS: &str = "SELECT rowid, key FROM main.__rootapp_kv WHERE community_id IS ?1";
const ROW: &str = "SELECT rowid, key, expires_at, value FROM main.__rootapp_kv WHERE rowid = ?1";
// Under a text that no user writes: a statement that only this package may run is not to be found by others.
const ENCODING: &str = "PRAGMA main.encoding /* order of keys */";

/// The upper bound of a range in SQL. Without one it ends before the first value that is no text, which belongs to no key.
pub struct UpperBound<'a>(pub Option<&'a str>);

impl ToSql for UpperBound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Some(to) => ToSqlOutput::Borrowed(ValueRef::Text(to.as_bytes())),
            None => ToSqlOutput::Owned(Value::Blob(Vec::new())),
        })
    }
}

/// A row.
pub struct RangeRow<'r> {
    pub key: &'r str,
    /// `None` if it was not wanted, or is no text.
    pub value: Option<&'r str>,
    pub expires_at: Option<i64>,
}

/// The rows of a range.
pub struct RangeRows<'q> {
    pub community: Option<&'q str>,
    pub range: &'q KeyRange,
    pub has_values: bool,
}

impl RangeRows<'_> {
    /// Calls `take` with the newest row of each key, in the order of the keys' bytes, until it returns `false`.
    pub fn newest_of_each_key(
        &self,
        connection: &UserConnection,
        is_reverse: bool,
        take: impl FnMut(RangeRow) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if has_keys_in_utf_8(connection)? {
            let KeyRange { from, to } = self.range;
            let mut statement = connection.prepare_cached(if is_reverse { DESCENDING } else { ASCENDING })?;
            let rows = statement.query(params![self.community, from, UpperBound(to.as_deref())])?;
            if is_reverse { self.first_of_each_key(rows, take) } else { self.last_of_each_key(rows, take) }
        } else {
            self.sorted(connection, is_reverse, take)
        }
    }

    /// Takes rows of which those of a key begin with the newest.
    fn first_of_each_key(
        &self,
        mut rows: Rows,
        mut take: impl FnMut(RangeRow) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut last: Option<String> = None;
        while let Some(row) = rows.next()? {
            let Some(found) = self.read(row)? else { continue };
            if last.as_deref() == Some(found.key) {
                continue;
            }
            match &mut last {
                Some(last) => found.key.clone_into(last),
                None => last = Some(found.key.to_owned()),
            }
            if !take(found)? {
                break;
            }
        }
        Ok(())
    }

    /// Takes rows of which those of a key end with the newest.
    fn last_of_each_key(
        &self,
        mut rows: Rows,
        mut take: impl FnMut(RangeRow) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut newest: Option<OwnedRow> = None;
        while let Some(row) = rows.next()? {
            let Some(found) = self.read(row)? else { continue };
            if let Some(newest) = &mut newest {
                if newest.key != found.key && !take(newest.as_row())? {
                    return Ok(());
                }
                newest.replace(&found);
            } else {
                newest = Some(OwnedRow::of(&found));
            }
        }
        if let Some(newest) = newest {
            take(newest.as_row())?;
        }
        Ok(())
    }

    /// Sorts the keys of a file whose index has them in another order.
    fn sorted(
        &self,
        connection: &UserConnection,
        is_reverse: bool,
        mut take: impl FnMut(RangeRow) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut found: Vec<(String, i64)> = Vec::new();
        let mut statement = connection.prepare_cached(ALL_KEYS)?;
        let mut rows = statement.query(params![self.community])?;
        while let Some(row) = rows.next()? {
            if let Some(key) = columns::key(row.get_ref(1)?).filter(|key| self.range.has(key)) {
                found.push((key.to_owned(), row.get(0)?));
            }
        }
        found.sort_unstable();
        // The last of equal keys, the first from behind, is the newest.
        found.reverse();
        found.dedup_by(|later, kept| later.0 == kept.0);
        if !is_reverse {
            found.reverse();
        }
        let mut statement = connection.prepare_cached(ROW)?;
        for (_, rowid) in found {
            let mut rows = statement.query([rowid])?;
            if let Some(row) = rows.next()?
                && let Some(row) = self.read(row)?
                && !take(row)?
            {
                break;
            }
        }
        Ok(())
    }

    /// A row of the table; `None` if its key is not text, so that no other operation would find it.
    fn read<'r>(&self, row: &'r Row) -> Result<Option<RangeRow<'r>>, Error> {
        let Some(key) = columns::key(row.get_ref(1)?) else { return Ok(None) };
        let value = if self.has_values { columns::text_of(row.get_ref(3)?) } else { None };
        Ok(Some(RangeRow { key, value, expires_at: columns::expiry(row.get_ref(2)?) }))
    }
}

/// Returns `true` if an index has keys in the order of their bytes in UTF-8: SQLite compares texts as they are stored.
pub fn has_keys_in_utf_8(connection: &Connection) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached(ENCODING)?;
    Ok(statement.query_row([], |row| Ok(row.get_ref(0)?.as_str() == Ok("UTF-8")))?)
}

/// A row that is kept while the next is looked at.
struct OwnedRow {
    key: String,
    value: Option<String>,
    expires_at: Option<i64>,
}

impl OwnedRow {
    fn of(row: &RangeRow) -> Self {
        Self { key: row.key.to_owned(), value: row.value.map(str::to_owned), expires_at: row.expires_at }
    }

    fn replace(&mut self, row: &RangeRow) {
        row.key.clone_into(&mut self.key);
        match (&mut self.value, row.value) {
            (Some(mine), Some(value)) => value.clone_into(mine),
            (mine, value) => *mine = value.map(str::to_owned),
        }
        self.expires_at = row.expires_at;
    }

    fn as_row(&self) -> RangeRow<'_> {
        RangeRow { key: &self.key, value: self.value.as_deref(), expires_at: self.expires_at }
    }
}
