//! Table of page hashes, 16 bytes each.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use twox_hash::XxHash3_128;

use crate::ltx::PageSize;

/// Hash of a page. Every table has its own random seed, so that nobody can construct colliding pages.
pub type PageHash = u128;

/// Page number and hash.
pub type Page = (u32, PageHash);

/// Hashes of a database's pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageTable {
    /// Seed of the hash function.
    pub seed: u64,
    /// Page size.
    pub page_size: PageSize,
    /// Hash of each page, beginning with page 1. That of the lock page is meaningless.
    pub hashes: Vec<PageHash>,
}

impl PageTable {
    /// Creates a table without pages, with a random seed.
    #[must_use]
    pub fn new(page_size: PageSize) -> Self {
        Self { seed: RandomState::new().hash_one(page_size), page_size, hashes: Vec::new() }
    }

    /// Hashes a page.
    #[must_use]
    pub fn hash(&self, page: &[u8]) -> PageHash {
        XxHash3_128::oneshot_with_seed(self.seed, page)
    }

    /// Returns the hash of a page; `None` if the page did not exist.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<PageHash> {
        self.hashes.get((number as usize).checked_sub(1)?).copied()
    }

    /// Returns true if the table has the hash of this page.
    #[must_use]
    pub fn matches(&self, number: u32, page: &[u8]) -> bool {
        self.get(number) == Some(self.hash(page))
    }

    /// Applies a transaction: changed pages with their new hashes, and the new size in pages.
    pub fn apply(&mut self, commit: u32, changes: &[Page]) {
        self.hashes.resize(commit as usize, 0);
        for (number, hash) in changes {
            if let Some(place) = (*number as usize).checked_sub(1).and_then(|index| self.hashes.get_mut(index)) {
                *place = *hash;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_grows_shrinks_and_changes() {
        let mut table = PageTable::new(PageSize::new(512).unwrap());
        let hash = table.hash(&[1; 512]);
        assert_ne!(hash, table.hash(&[2; 512]));
        table.apply(2, &[(1, hash), (2, 7)]);
        assert_eq!((table.get(0), table.get(1), table.get(2), table.get(3)), (None, Some(hash), Some(7), None));
        table.apply(1, &[(1, 8)]);
        assert_eq!(table.hashes, [8]);
    }
}
