//! Compression of pages.

use std::io::{Read, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use super::frame::expand_frame;
use super::numbers::PageSize;
use super::{LtxError, Violation};

/// Encoding of written pages. Every release of Litestream 0.5 reads frames; only 0.5.16 and later read blocks, which
/// are some 15 bytes shorter.
pub const ENCODING: Encoding = Encoding::Frame;

/// Length of a page header: page number and flags.
pub const PAGE_HEADER_BYTES: usize = 6;

/// Flag of a page that is stored as an LZ4 block after its length.
const BLOCK: u16 = 1;

/// Largest compressed page that a reader accepts: twice LZ4's bound for incompressible data (`LZ4_compressBound`),
/// because a frame may be divided.
fn compressed_bytes_max(page_size: PageSize) -> usize {
    2 * (page_size.len() + page_size.len() / 255 + 16)
}

/// Encoding of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// LZ4 frame with a checksum of its content.
    Frame,
    /// Bare LZ4 block.
    Block,
}

/// Compressor of pages.
pub struct Compressor {
    encoding: Encoding,
    frames: FrameEncoder<Vec<u8>>,
    block: Vec<u8>,
}

impl Compressor {
    pub fn new(encoding: Encoding) -> Self {
        let info = FrameInfo::new()
            .block_size(BlockSize::Max64KB)
            .block_mode(BlockMode::Independent)
            .content_checksum(true);
        Self { encoding, frames: FrameEncoder::with_frame_info(info, Vec::new()), block: Vec::new() }
    }

    /// Header of a page.
    pub fn header(&self, number: u32) -> [u8; PAGE_HEADER_BYTES] {
        let flags = match self.encoding {
            Encoding::Frame => 0,
            Encoding::Block => BLOCK,
        };
        page_header(number, flags)
    }

    /// Compresses a page. Returns the length of a block, which the file's checksum covers, and the compressed page,
    /// which it does not cover.
    pub fn compress(&mut self, page: &[u8]) -> Result<(Option<[u8; 4]>, &[u8]), LtxError> {
        match self.encoding {
            Encoding::Frame => {
                self.frames.get_mut().clear();
                self.frames.write_all(page)?;
                self.frames.try_finish().map_err(std::io::Error::from)?;
                Ok((None, self.frames.get_ref()))
            }
            Encoding::Block => {
                self.block.resize(lz4_flex::block::get_maximum_output_size(page.len()), 0);
                let compressed = lz4_flex::block::compress_into(page, &mut self.block);
                let length = compressed.map_err(|_| Violation::PageLength)?;
                let length_bytes = u32::try_from(length).map_err(|_| Violation::PageLength)?.to_be_bytes();
                Ok((Some(length_bytes), &self.block[..length]))
            }
        }
    }
}

/// Encodes a page header.
pub fn page_header(number: u32, flags: u16) -> [u8; PAGE_HEADER_BYTES] {
    let mut bytes = [0; PAGE_HEADER_BYTES];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes[4..].copy_from_slice(&flags.to_be_bytes());
    bytes
}

/// Decompressor of pages.
pub struct Expander {
    page_size: PageSize,
    compressed: Vec<u8>,
}

/// Result of expanding a page.
pub struct Expanded {
    /// Stored length of a block, which the file's checksum covers.
    pub length: Option<[u8; 4]>,
    /// Number of bytes read.
    pub bytes: usize,
}

impl Expander {
    pub fn new(page_size: PageSize) -> Self {
        Self { page_size, compressed: Vec::new() }
    }

    /// Reads and expands a page into `page`, which has the length of a page.
    pub fn expand(&mut self, flags: u16, input: &mut impl Read, page: &mut [u8]) -> Result<Expanded, LtxError> {
        let bytes_max = compressed_bytes_max(self.page_size);
        match flags {
            0 => Ok(Expanded { length: None, bytes: expand_frame(input, bytes_max, &mut self.compressed, page)? }),
            BLOCK => {
                let mut length_bytes = [0; 4];
                input.read_exact(&mut length_bytes)?;
                let length = u32::from_be_bytes(length_bytes) as usize;
                if length > bytes_max {
                    return Err(Violation::Compression.into());
                }
                self.compressed.resize(length, 0);
                input.read_exact(&mut self.compressed)?;
                match lz4_flex::block::decompress_into(&self.compressed, page) {
                    Ok(expanded) if expanded == page.len() => {}
                    _ => return Err(Violation::Compression.into()),
                }
                Ok(Expanded { length: Some(length_bytes), bytes: length_bytes.len() + length })
            }
            _ => Err(Violation::PageFlags.into()),
        }
    }
}
