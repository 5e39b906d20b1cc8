//! File header: the first 100 bytes.

use super::checksum::CHECKSUM_FLAG;
use super::numbers::{PageSize, Txid};
use super::{LtxError, Violation};

/// Length of a header.
pub const HEADER_BYTES: usize = 100;

const MAGIC: [u8; 4] = *b"LTX1";

/// Flag of a file without database checksums.
const NO_DATABASE_CHECKSUMS: u32 = 1 << 1;

/// Length of the header of a write-ahead log, and thus offset of the first frame (sqlite.org/fileformat.html, "WAL
/// Header"). Litestream continues a chain only if its newest file names at least this offset.
const WAL_HEADER_BYTES: i64 = 32;

/// File header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Page size.
    pub page_size: PageSize,
    /// Size of the database after the file, in pages; at least 1.
    pub commit: u32,
    /// First transaction that the file covers.
    pub min_txid: Txid,
    /// Last transaction that the file covers.
    pub max_txid: Txid,
    /// Time of the last capture, in milliseconds since 1970 UTC.
    pub timestamp_ms: i64,
    /// Checksum of the database before the file; `None` if the file has no database checksums, 0 in a snapshot.
    pub pre_apply_checksum: Option<u64>,
    /// Offset of the pages in the write-ahead log, in bytes.
    pub wal_offset: i64,
    /// Length of the pages in the log, in bytes; 0 if they were read from elsewhere.
    pub wal_size: i64,
    /// Salts of the log.
    pub wal_salts: [u32; 2],
    /// Unused by Litestream. Here the identity of the database, if it has one.
    pub node_id: u64,
    /// Zeros, covered only by the checksum of the file.
    pub reserved: [u8; 20],
}

impl Header {
    /// Creates a header as this package writes it: without database checksums.
    #[must_use]
    pub fn new(page_size: PageSize, commit: u32, min_txid: Txid, max_txid: Txid, timestamp_ms: i64) -> Self {
        Self {
            page_size,
            commit,
            min_txid,
            max_txid,
            timestamp_ms,
            pre_apply_checksum: None,
            wal_offset: WAL_HEADER_BYTES,
            wal_size: 0,
            wal_salts: [0; 2],
            node_id: 0,
            reserved: [0; 20],
        }
    }

    /// Returns true if the file needs no other before it.
    #[must_use]
    pub fn is_snapshot(&self) -> bool {
        self.min_txid == Txid::FIRST
    }

    /// Checks the rules that every reader enforces.
    pub(super) fn check(&self) -> Result<(), LtxError> {
        if self.commit == 0 {
            return Err(Violation::Commit.into());
        }
        if self.max_txid < self.min_txid {
            return Err(Violation::Txid.into());
        }
        let pre_apply_is_right = match self.pre_apply_checksum {
            None => true,
            Some(checksum) if self.is_snapshot() => checksum == 0,
            Some(checksum) => checksum & CHECKSUM_FLAG != 0,
        };
        if !pre_apply_is_right {
            return Err(Violation::PreApplyChecksum.into());
        }
        let names_a_log = self.wal_size != 0 || self.wal_salts != [0; 2];
        if self.wal_offset < 0 || self.wal_size < 0 || (self.wal_offset == 0 && names_a_log) {
            return Err(Violation::WalPosition.into());
        }
        Ok(())
    }

    /// Encodes the header.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let flags = if self.pre_apply_checksum.is_none() { NO_DATABASE_CHECKSUMS } else { 0 };
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&flags.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.page_size.get().to_be_bytes());
        bytes[12..16].copy_from_slice(&self.commit.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.min_txid.get().to_be_bytes());
        bytes[24..32].copy_from_slice(&self.max_txid.get().to_be_bytes());
        bytes[32..40].copy_from_slice(&self.timestamp_ms.to_be_bytes());
        bytes[40..48].copy_from_slice(&self.pre_apply_checksum.unwrap_or(0).to_be_bytes());
        bytes[48..56].copy_from_slice(&self.wal_offset.to_be_bytes());
        bytes[56..64].copy_from_slice(&self.wal_size.to_be_bytes());
        bytes[64..68].copy_from_slice(&self.wal_salts[0].to_be_bytes());
        bytes[68..72].copy_from_slice(&self.wal_salts[1].to_be_bytes());
        bytes[72..80].copy_from_slice(&self.node_id.to_be_bytes());
        bytes[80..].copy_from_slice(&self.reserved);
        bytes
    }

    /// Decodes a header.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of the first invalid field.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, LtxError> {
        if bytes[..4] != MAGIC {
            return Err(Violation::Magic.into());
        }
        let flags = u32::from_be_bytes(field(bytes, 4));
        if flags & !NO_DATABASE_CHECKSUMS != 0 {
            return Err(Violation::HeaderFlags.into());
        }
        let pre_apply = u64::from_be_bytes(field(bytes, 40));
        if flags & NO_DATABASE_CHECKSUMS != 0 && pre_apply != 0 {
            return Err(Violation::PreApplyChecksum.into());
        }
        let header = Self {
            page_size: PageSize::new(u32::from_be_bytes(field(bytes, 8)))?,
            commit: u32::from_be_bytes(field(bytes, 12)),
            min_txid: Txid::new(u64::from_be_bytes(field(bytes, 16)))?,
            max_txid: Txid::new(u64::from_be_bytes(field(bytes, 24)))?,
            timestamp_ms: i64::from_be_bytes(field(bytes, 32)),
            pre_apply_checksum: (flags & NO_DATABASE_CHECKSUMS == 0).then_some(pre_apply),
            wal_offset: i64::from_be_bytes(field(bytes, 48)),
            wal_size: i64::from_be_bytes(field(bytes, 56)),
            wal_salts: [u32::from_be_bytes(field(bytes, 64)), u32::from_be_bytes(field(bytes, 68))],
            node_id: u64::from_be_bytes(field(bytes, 72)),
            reserved: field(bytes, 80),
        };
        header.check()?;
        Ok(header)
    }
}

fn field<const N: usize>(bytes: &[u8; HEADER_BYTES], offset: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[offset + index])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let txid = |number| Txid::new(number).unwrap();
        Header::new(PageSize::new(4096).unwrap(), 3, txid(2), txid(5), 1_735_689_600_000)
    }

    fn violation(change: impl FnOnce(&mut [u8; HEADER_BYTES])) -> Option<Violation> {
        let mut bytes = header().encode();
        change(&mut bytes);
        match Header::decode(&bytes) {
            Ok(_) => None,
            Err(LtxError::Invalid(violation)) => Some(violation),
            Err(LtxError::Io(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        assert_eq!(Header::decode(&header().encode()).unwrap(), header());
        let with_checksums = Header { pre_apply_checksum: Some(CHECKSUM_FLAG | 5), node_id: 9, ..header() };
        assert_eq!(Header::decode(&with_checksums.encode()).unwrap(), with_checksums);
    }

    #[test]
    fn each_field_that_cannot_be_is_refused() {
        assert_eq!(violation(|bytes| bytes[3] = b'2'), Some(Violation::Magic));
        assert_eq!(violation(|bytes| bytes[7] = 3), Some(Violation::HeaderFlags));
        assert_eq!(violation(|bytes| bytes[7] = 6), Some(Violation::HeaderFlags));
        assert_eq!(violation(|bytes| bytes[11] = 1), Some(Violation::PageSize));
        assert_eq!(violation(|bytes| bytes[15] = 0), Some(Violation::Commit));
        assert_eq!(violation(|bytes| bytes[23] = 0), Some(Violation::Txid));
        assert_eq!(violation(|bytes| bytes[31] = 0), Some(Violation::Txid));
        assert_eq!(violation(|bytes| bytes[31] = 1), Some(Violation::Txid));
        assert_eq!(violation(|bytes| bytes[47] = 1), Some(Violation::PreApplyChecksum));
        // Checksums are enabled, and missing.
        assert_eq!(violation(|bytes| bytes[7] = 0), Some(Violation::PreApplyChecksum));
        assert_eq!(violation(|bytes| bytes[48] = 0x80), Some(Violation::WalPosition));
        assert_eq!(violation(|bytes| bytes[56] = 0x80), Some(Violation::WalPosition));
        assert_eq!(violation(|bytes| bytes[55] = 0), None);
        for place in [63, 67, 71] {
            let change = |bytes: &mut [u8; HEADER_BYTES]| (bytes[55], bytes[place]) = (0, 1);
            assert_eq!(violation(change), Some(Violation::WalPosition));
        }
        // Fields that only the checksum covers.
        for place in [32, 72, 99] {
            assert_eq!(violation(|bytes| bytes[place] = 0xff), None);
        }
    }

    #[test]
    fn a_snapshot_has_no_state_before_it() {
        let snapshot = Header { min_txid: Txid::FIRST, pre_apply_checksum: Some(0), ..header() };
        assert!(snapshot.check().is_ok());
        let snapshot = Header { pre_apply_checksum: Some(CHECKSUM_FLAG), ..snapshot };
        assert!(snapshot.check().is_err());
    }
}
