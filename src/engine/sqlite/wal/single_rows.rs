//! Ranges of keys of the default scope that are known to have one row each.
//!
//! No write of this package gives a key a second row, so what is known stays true until somebody else writes.

use super::index_header::WalIndexHeader;
use crate::kv::KeyRange;
use crate::limits::SINGLE_ROW_RANGES_MAX;

/// The ranges, at one state of the file.
#[derive(Debug, Default)]
pub struct SingleRows {
    at: Option<WalIndexHeader>,
    /// Oldest first.
    ranges: Vec<KeyRange>,
}

impl SingleRows {
    /// Follows a commit that gave no key a second row.
    pub fn follow(&mut self, from: WalIndexHeader, to: WalIndexHeader) {
        if self.at == Some(from) {
            self.at = Some(to);
        }
    }

    /// Returns `true` if the keys of a range are known to have one row each.
    pub fn has(&self, at: WalIndexHeader, range: &KeyRange) -> bool {
        self.at == Some(at) && self.ranges.iter().any(|known| known.covers(range))
    }

    /// Adds a range.
    pub fn add(&mut self, at: WalIndexHeader, range: &KeyRange) {
        if self.at != Some(at) {
            self.ranges.clear();
            self.at = Some(at);
        }
        self.ranges.retain(|known| !range.covers(known));
        if self.ranges.len() == SINGLE_ROW_RANGES_MAX {
            self.ranges.remove(0);
        }
        self.ranges.push(range.clone());
    }
}
