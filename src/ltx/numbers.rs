//! Validated page sizes and transaction numbers.

use std::fmt;

use super::{LtxError, Violation};

/// Offset of the lock page (sqlite.org/fileformat.html, "The Lock-Byte Page").
const LOCK_BYTE: u32 = 1 << 30;

/// Page size in bytes: a power of two from 512 to 65536.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageSize(u32);

impl PageSize {
    /// Validates a page size.
    ///
    /// # Errors
    ///
    /// [`Violation::PageSize`].
    pub fn new(bytes: u32) -> Result<Self, LtxError> {
        if bytes.is_power_of_two() && (512..=65_536).contains(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(Violation::PageSize.into())
        }
    }

    /// Size in bytes.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// Size in bytes, as a length.
    #[must_use]
    pub fn len(self) -> usize {
        self.0 as usize
    }

    /// Always false: a page has bytes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        false
    }

    /// Number of the lock page, which SQLite reserves for its locks and which has no content.
    #[must_use]
    pub fn lock_page(self) -> u32 {
        LOCK_BYTE / self.0 + 1
    }

    /// Offset of a page in a database file.
    #[must_use]
    pub fn offset(self, page: u32) -> u64 {
        u64::from(page.saturating_sub(1)) * u64::from(self.0)
    }
}

/// Transaction number of a backup, from 1: one for each file of level 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Txid(u64);

impl Txid {
    /// First transaction.
    pub const FIRST: Self = Self(1);

    /// Validates a transaction number.
    ///
    /// # Errors
    ///
    /// [`Violation::Txid`] for 0.
    pub fn new(number: u64) -> Result<Self, LtxError> {
        if number == 0 { Err(Violation::Txid.into()) } else { Ok(Self(number)) }
    }

    /// Numeric value.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// Next transaction.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Parses 16 lower-case hexadecimal digits, as in file names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.as_bytes().iter().all(is_digit) {
            return None;
        }
        u64::from_str_radix(text, 16).ok().filter(|number| *number > 0).map(Self)
    }
}

/// Formatted as 16 lower-case hexadecimal digits.
impl fmt::Display for Txid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_page_holds_the_byte_at_1_gib() {
        for (size, page) in [(512, 2_097_153), (4096, 262_145), (65_536, 16_385)] {
            let size = PageSize::new(size).unwrap();
            assert_eq!(size.lock_page(), page);
            assert_eq!(size.offset(page), 1 << 30);
        }
    }

    #[test]
    fn other_page_sizes_are_refused() {
        for bytes in [0, 1, 256, 513, 4095, 65_537, 131_072, u32::MAX] {
            assert!(PageSize::new(bytes).is_err(), "{bytes}");
        }
    }

    #[test]
    fn a_number_is_read_as_it_is_written_and_not_otherwise() {
        let number = Txid::new(0x1a).unwrap();
        assert_eq!(number.to_string(), "000000000000001a");
        assert_eq!(Txid::parse("000000000000001a"), Some(number));
        for text in ["000000000000001A", "1a", "0000000000000000", "+00000000000001a", "00000000000000001a"] {
            assert_eq!(Txid::parse(text), None, "{text}");
        }
    }
}
