//! Rowid cache: the row of each key that was written, so that writing it again needs no search.

use std::collections::HashMap;

use crate::kv::Address;
use crate::limits::ROWID_CACHE_ROWS_MAX;

/// The only row of a key.
#[derive(Debug, Clone, Copy)]
pub struct CachedRow {
    pub rowid: i64,
    /// Milliseconds since 1970 UTC.
    pub expires_at: Option<i64>,
}

/// Rows that this connection has written. They stay where they are until another connection or a trigger writes.
#[derive(Debug, Default)]
pub struct RowidCache {
    rows: HashMap<Address, CachedRow>,
    data_version: Option<i64>,
    has_triggers: bool,
}

impl RowidCache {
    /// Clears the cache if others have written since. `data_version` is the connection's (sqlite.org/pragma.html),
    /// read within the transaction. With triggers on the table nothing is cached.
    pub fn begin(&mut self, data_version: i64, has_triggers: bool) {
        if has_triggers || self.data_version != Some(data_version) {
            self.clear();
        }
        self.data_version = Some(data_version);
        self.has_triggers = has_triggers;
    }

    /// Sets whether there are triggers on the table from here on.
    pub fn set_triggers(&mut self, has_triggers: bool) {
        self.clear();
        self.has_triggers = has_triggers;
    }

    pub fn get(&self, address: &Address) -> Option<CachedRow> {
        self.rows.get(address).copied()
    }

    pub fn insert(&mut self, address: &Address, row: CachedRow) {
        if self.has_triggers {
            return;
        }
        if let Some(known) = self.rows.get_mut(address) {
            *known = row;
            return;
        }
        if self.rows.len() == ROWID_CACHE_ROWS_MAX {
            self.clear();
        }
        self.rows.insert(address.clone(), row);
    }

    pub fn remove(&mut self, address: &Address) {
        self.rows.remove(address);
    }

    /// Clears the cache.
    pub fn clear(&mut self) {
        self.rows.clear();
    }
}
