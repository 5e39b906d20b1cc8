//! Triggers that concern the key-value table: with one, a write may change more rows than it says.

use rusqlite::Connection;

/// A write of a key may reach any trigger where a foreign key refers to the key-value table: one leads to another.
const READ: &str = "WITH named AS (SELECT type, tbl_name = '__rootapp_kv' COLLATE NOCASE AS is_of_keys, \
    sql LIKE '%\\_\\_rootapp\\_kv%' ESCAPE '\\' AS names_keys FROM main.sqlite_schema) \
    SELECT coalesce(max(is_of_keys), 0) OR (count(*) > 0 AND EXISTS (SELECT 1 FROM named \
    WHERE type = 'table' AND names_keys AND NOT is_of_keys)), coalesce(max(is_of_keys OR names_keys), 0) \
    FROM named WHERE type = 'trigger'";

/// Presence of triggers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct KeyTriggers {
    /// Triggers that a write of a key may reach: it may change other keys, or nothing.
    pub on_keys: bool,
    /// Triggers that name the key-value table: any statement may write keys.
    pub about_keys: bool,
}

/// Presence of triggers, as of the schema that was last read.
#[derive(Debug, Default)]
pub struct TriggerCache {
    /// Changes with the schema (sqlite.org/pragma.html), and back if that is rolled back.
    schema_version: Option<i64>,
    found: KeyTriggers,
}

impl TriggerCache {
    /// Returns the triggers that there are now, within a transaction.
    pub fn find(&mut self, transaction: &Connection) -> rusqlite::Result<KeyTriggers> {
        let mut version = transaction.prepare_cached("PRAGMA main.schema_version")?;
        let schema_version = Some(version.query_row([], |row| row.get(0))?);
        if schema_version != self.schema_version {
            self.found = transaction
                .prepare_cached(READ)?
                .query_row([], |row| Ok(KeyTriggers { on_keys: row.get(0)?, about_keys: row.get(1)? }))?;
            self.schema_version = schema_version;
        }
        Ok(self.found)
    }

    /// Reads the schema again the next time. Needed when a transaction changes it: if that is rolled back, another schema
    /// gets the same version later.
    pub fn forget(&mut self) {
        self.schema_version = None;
    }
}
