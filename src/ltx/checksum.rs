//! CRC-64/GO-ISO checksums of files and databases.

use crc::{CRC_64_GO_ISO, Crc, Digest, Table};

/// Flag in every valid checksum, so that 0 means none.
pub const CHECKSUM_FLAG: u64 = 1 << 63;

type Crc64 = Crc<u64, Table<16>>;

static CRC: Crc64 = Crc64::new(&CRC_64_GO_ISO);

/// Running checksum of a file.
pub struct FileChecksum(Digest<'static, u64, Table<16>>);

impl FileChecksum {
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> u64 {
        self.0.finalize() | CHECKSUM_FLAG
    }
}

/// Checksum of one page of a database.
#[must_use]
pub fn page_checksum(number: u32, page: &[u8]) -> u64 {
    let mut digest = CRC.digest();
    digest.update(&number.to_be_bytes());
    digest.update(page);
    digest.finalize() | CHECKSUM_FLAG
}

/// Checksum of a whole database: those of its pages combined in any order, without the lock page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseChecksum(u64);

impl DatabaseChecksum {
    /// Checksum of a database without pages.
    #[must_use]
    pub fn new() -> Self {
        Self(CHECKSUM_FLAG)
    }

    /// Adds or removes the checksum of a page.
    pub fn toggle(&mut self, page_checksum: u64) {
        self.0 = (self.0 ^ page_checksum) | CHECKSUM_FLAG;
    }

    /// Numeric value.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Default for DatabaseChecksum {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_catalogue() {
        assert_eq!(CRC.checksum(b"123456789"), 0xB909_56C7_75A4_1001);
    }

    #[test]
    fn pages_and_databases_have_the_checksums_of_the_worked_example() {
        let states = [
            (&include_bytes!("../../tests/fixtures/ltx/state1.db")[..], 0x9588_C012_22D2_F29C),
            (&include_bytes!("../../tests/fixtures/ltx/state2.db")[..], 0xAFAA_B501_9618_7499),
        ];
        for (state, expected) in states {
            let mut checksum = DatabaseChecksum::new();
            for (number, page) in (1..).zip(state.chunks(512)) {
                checksum.toggle(page_checksum(number, page));
            }
            assert_eq!(checksum.get(), expected);
        }
        assert_eq!(page_checksum(1, &states[0].0[..512]), 0x8814_CB76_BBD5_471D);
        assert_eq!(page_checksum(2, &states[0].0[512..]), 0x9D9C_0B64_9907_B581);
        assert_eq!(page_checksum(2, &states[1].0[512..]), 0xA7BE_7E77_2DCD_3384);
    }
}
