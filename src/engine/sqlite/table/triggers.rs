//! Triggers on the key-value table: with one, a write may change more rows than it says.

use rusqlite::Connection;

const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = '__rootapp_kv' COLLATE NOCASE)";

/// Presence of triggers, as of the schema that was last read.
#[derive(Debug, Default)]
pub struct Triggers {
    /// Changes with the schema (sqlite.org/pragma.html).
    schema_version: Option<i64>,
    found: bool,
}

impl Triggers {
    /// Returns `true` if there are triggers now, within a transaction.
    pub fn found(&mut self, transaction: &Connection) -> rusqlite::Result<bool> {
        let number = |sql: &str| transaction.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
        let schema_version = Some(number("PRAGMA schema_version")?);
        if schema_version != self.schema_version {
            self.found = number(EXISTS)? != 0;
            self.schema_version = schema_version;
        }
        Ok(self.found)
    }
}
