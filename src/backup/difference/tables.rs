//! Rows of the user's tables that differ between two states, in numbers.
//!
//! A row is the same in both states if it has the same primary key, or, in a table without one, the same row id.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::merge::{are_equal, merge};
use super::progress::Compared;
use super::states::State;
use crate::Error;

/// Tables of the user. Virtual tables are left out, and so is what they keep their content in.
const TABLES: &str = "SELECT list.name, list.wr, schema.sql FROM pragma_table_list AS list \
    JOIN main.sqlite_schema AS schema ON schema.type = 'table' AND schema.name = list.name \
    WHERE list.schema = 'main' AND list.type = 'table' AND list.name <> '__rootapp_kv' \
    AND substr(list.name, 1, 7) <> 'sqlite_' AND substr(list.name, 1, 13) <> '__rootcellar_'";

/// Stored columns; generated ones follow from them.
const COLUMNS: &str = "SELECT name, pk FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0 ORDER BY cid";

/// Names of the row id, of which a table may give some to its columns.
const ROW_IDS: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// Rows of a table that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDifference {
    /// Name of the table.
    pub name: String,
    /// Number of its rows in the earlier state; `None` if there was no such table.
    pub rows_before: Option<u64>,
    /// Number of its rows in the later state; `None` if there is no such table.
    pub rows_after: Option<u64>,
    /// Rows that are only in the later state.
    pub added: u64,
    /// Rows that are only in the earlier state.
    pub removed: u64,
    /// Rows with other values.
    pub changed: u64,
    /// True if the table is in both states, with another definition.
    pub is_schema_changed: bool,
}

impl TableDifference {
    fn is_none(&self) -> bool {
        let has_rows_alike = self.added == 0 && self.removed == 0 && self.changed == 0;
        has_rows_alike && !self.is_schema_changed && self.rows_before.is_some() == self.rows_after.is_some()
    }
}

/// Table in one state.
struct Table {
    columns: Vec<String>,
    /// Columns of the primary key, in its order.
    primary_key: Vec<String>,
    /// Name of the row id, if the table has one that can be named.
    row_id: Option<&'static str>,
    sql: String,
    rows: u64,
}

/// Tables of a state, by their names.
pub(super) struct Tables(BTreeMap<String, Table>);

impl Tables {
    pub fn read(connection: &Connection) -> Result<Self, Error> {
        let mut statement = connection.prepare(TABLES)?;
        let listed = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let listed = listed.collect::<Result<Vec<(String, bool, String)>, _>>()?;
        let mut tables = BTreeMap::new();
        for (name, is_without_row_id, sql) in listed {
            let table = Table::read(connection, &name, is_without_row_id, sql)?;
            tables.insert(name, table);
        }
        Ok(Self(tables))
    }

    /// Number of rows of all tables.
    pub fn rows(&self) -> u64 {
        self.0.values().map(|table| table.rows).sum()
    }
}

impl Table {
    fn read(connection: &Connection, name: &str, is_without_row_id: bool, sql: String) -> Result<Self, Error> {
        let mut statement = connection.prepare_cached(COLUMNS)?;
        let found = statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found = found.collect::<Result<Vec<(String, u32)>, _>>()?;
        let mut key: Vec<&(String, u32)> = found.iter().filter(|(_, place)| *place > 0).collect();
        key.sort_by_key(|(_, place)| *place);
        let primary_key = key.into_iter().map(|(name, _)| name.clone()).collect();
        let columns: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
        let is_free = |name: &&&str| !columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        let row_id = ROW_IDS.iter().find(is_free).copied().filter(|_| !is_without_row_id);
        let count = format!("SELECT count(*) FROM main.{}", quoted(name));
        let rows: i64 = connection.query_row(&count, [], |row| row.get(0))?;
        Ok(Self { columns, primary_key, row_id, sql, rows: rows.unsigned_abs() })
    }
}

/// Compares all tables, and returns those that differ.
pub(super) fn compare(
    (before, tables_before): (&State, &Tables),
    (after, tables_after): (&State, &Tables),
    compared: &mut Compared,
) -> Result<Vec<TableDifference>, Error> {
    let names: BTreeSet<&String> = tables_before.0.keys().chain(tables_after.0.keys()).collect();
    let mut differences = Vec::new();
    for name in names {
        let (was, is) = (tables_before.0.get(name), tables_after.0.get(name));
        let mut difference = TableDifference {
            name: name.clone(),
            rows_before: was.map(|table| table.rows),
            rows_after: is.map(|table| table.rows),
            added: 0,
            removed: 0,
            changed: 0,
            is_schema_changed: was.zip(is).is_some_and(|(was, is)| was.sql != is.sql),
        };
        let (rows_before, rows_after) = (was.map_or(0, |table| table.rows), is.map_or(0, |table| table.rows));
        (difference.removed, difference.changed) = match (was, is) {
            (Some(was), Some(is)) => {
                let pair = Pair::new(name, was, is);
                let counted = pair.map(|pair| pair.count(&before.connection, &after.connection, compared));
                // Rows that nothing names in both states are others.
                counted.transpose()?.unwrap_or((rows_before, 0))
            }
            _ => (rows_before, 0),
        };
        difference.added = (rows_after + difference.removed).saturating_sub(rows_before);
        if !difference.is_none() {
            differences.push(difference);
        }
    }
    Ok(differences)
}

/// Table in both states, and what its rows are compared by.
struct Pair<'a> {
    name: &'a str,
    /// Columns that both have.
    columns: Vec<&'a str>,
    /// Columns of the primary key, if both have the same.
    key: Vec<&'a str>,
    /// Names of the row id, if both have one.
    row_ids: Option<(&'static str, &'static str)>,
}

impl<'a> Pair<'a> {
    /// `None` if nothing says which rows are the same.
    fn new(name: &'a str, was: &'a Table, is: &'a Table) -> Option<Self> {
        let both = |column: &&String| is.columns.iter().any(|other| other.eq_ignore_ascii_case(column));
        let columns = was.columns.iter().filter(both).map(String::as_str).collect();
        let has_same_key = was.primary_key.len() == is.primary_key.len()
            && was.primary_key.iter().zip(&is.primary_key).all(|(was, is)| was.eq_ignore_ascii_case(is));
        let key: Vec<&str> =
            if has_same_key { was.primary_key.iter().map(String::as_str).collect() } else { Vec::new() };
        let row_ids = was.row_id.zip(is.row_id);
        (row_ids.is_some() || !key.is_empty()).then_some(Self { name, columns, key, row_ids })
    }

    /// Counts the rows that were removed and those that were changed.
    fn count(&self, before: &Connection, after: &Connection, compared: &mut Compared) -> Result<(u64, u64), Error> {
        // The columns of the key, then all of them. The row id or a constant comes first.
        let names: Vec<String> = self.key.iter().chain(&self.columns).map(|name| quoted(name)).collect();
        let selected = |first: &str| {
            [first].into_iter().chain(names.iter().map(String::as_str)).collect::<Vec<_>>().join(", ")
        };
        let from = format!("FROM main.{}", quoted(self.name));
        let key = 1..1 + self.key.len();
        let all = key.end..key.end + self.columns.len();
        let terms: Vec<String> =
            self.key.iter().zip(1..).map(|(name, number)| format!("{} = ?{number}", quoted(name))).collect();
        let sql = format!("SELECT {} {from} WHERE {}", selected("NULL"), terms.join(" AND "));
        let mut same_key = if self.key.is_empty() { None } else { Some(after.prepare(&sql)?) };

        let (mut removed, mut changed) = (0, 0);
        // Looks up by its key what became of a row that is not in its place.
        let mut look_up = |row: &Row| -> Result<(), Error> {
            let values = key.clone().map(|column| row.get_ref(column)).collect::<Result<Vec<ValueRef>, _>>()?;
            let by_key = same_key.as_mut().filter(|_| !values.contains(&ValueRef::Null));
            let mut matching =
                by_key.map(|statement| statement.query(params_from_iter(values.into_iter().map(BoundKey))));
            let found = match &mut matching {
                Some(Ok(rows)) => rows.next()?,
                Some(Err(_)) => return matching.map_or(Ok(()), |rows| rows.map(drop).map_err(Error::from)),
                None => None,
            };
            match found {
                None => removed += 1,
                Some(found) if !are_equal(row, found, all.clone())? => changed += 1,
                Some(_) => {}
            }
            Ok(())
        };
        let Some((row_id_before, row_id_after)) = self.row_ids else {
            let mut statement = before.prepare(&format!("SELECT {} {from}", selected("NULL")))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                compared.add(1);
                look_up(row)?;
            }
            return Ok((removed, changed));
        };
        let mut changed_in_place = 0;
        let ordered = |id: &str| format!("SELECT {} {from} ORDER BY {id}", selected(id));
        let mut was = before.prepare(&ordered(row_id_before))?;
        let mut is = after.prepare(&ordered(row_id_after))?;
        merge(Some(&mut was), Some(&mut is), &mut |was, is| {
            compared.add(1);
            match (was, is) {
                (Some(was), Some(is)) if are_equal(was, is, all.clone())? => {}
                (Some(was), Some(is)) if are_equal(was, is, key.clone())? => changed_in_place += 1,
                (Some(was), _) => look_up(was)?,
                (None, _) => {}
            }
            Ok(())
        })?;
        Ok((removed, changed + changed_in_place))
    }
}

/// Value that is bound as it was read.
struct BoundKey<'a>(ValueRef<'a>);

impl ToSql for BoundKey<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

/// Name as an identifier of SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
