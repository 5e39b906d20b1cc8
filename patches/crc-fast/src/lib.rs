//! The part of the crate `crc-fast` that `object_store` uses: one checksum, which S3 checks uploads by if
//! `AWS_CHECKSUM_ALGORITHM` asks for it.
//!
//! The crate itself has code and tables for every checksum and every processor, 0.8 MB, of which the linker can remove
//! nothing.

use crc::{CRC_64_NVME, Crc, Table};

static CRC: Crc<u64, Table<1>> = Crc::<u64, Table<1>>::new(&CRC_64_NVME);

/// Algorithm of a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// CRC-64/NVME.
    Crc64Nvme,
}

/// Running checksum.
pub struct Digest(crc::Digest<'static, u64, Table<1>>);

impl Digest {
    /// Begins a checksum.
    #[must_use]
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        match algorithm {
            CrcAlgorithm::Crc64Nvme => Self(CRC.digest()),
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes.
    #[must_use]
    pub fn finalize(self) -> u64 {
        self.0.finalize()
    }
}
