//! Compression of pages.

use std::io::{Read, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

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
        self.compressed.clear();
        match flags {
            0 => {
                self.read_frame(input)?;
                expand_frame(&self.compressed, page)?;
                Ok(Expanded { length: None, bytes: self.compressed.len() })
            }
            BLOCK => {
                let mut length = [0; 4];
                input.read_exact(&mut length)?;
                self.read(input, u32::from_be_bytes(length) as usize)?;
                match lz4_flex::block::decompress_into(&self.compressed, page) {
                    Ok(expanded) if expanded == page.len() => {}
                    _ => return Err(Violation::Compression.into()),
                }
                Ok(Expanded { length: Some(length), bytes: length.len() + self.compressed.len() })
            }
            _ => Err(Violation::PageFlags.into()),
        }
    }

    /// Reads exactly one frame. It has no length, so its blocks have to be walked (LZ4's `lz4_Frame_format.md`).
    fn read_frame(&mut self, input: &mut impl Read) -> Result<(), LtxError> {
        const HAS_DICTIONARY: u8 = 1;
        const HAS_CONTENT_CHECKSUM: u8 = 1 << 2;
        const HAS_CONTENT_SIZE: u8 = 1 << 3;
        const HAS_BLOCK_CHECKSUMS: u8 = 1 << 4;
        const STORED: u32 = 1 << 31;
        self.read(input, 7)?;
        let flags = self.compressed[4];
        if self.compressed[..4] != [0x04, 0x22, 0x4D, 0x18] || flags & HAS_DICTIONARY != 0 {
            return Err(Violation::Compression.into());
        }
        if flags & HAS_CONTENT_SIZE != 0 {
            self.read(input, 8)?;
        }
        loop {
            let place = self.compressed.len();
            self.read(input, 4)?;
            let length = u32::from_le_bytes(std::array::from_fn(|index| self.compressed[place + index]));
            if length == 0 {
                break;
            }
            self.read(input, (length & !STORED) as usize)?;
            if flags & HAS_BLOCK_CHECKSUMS != 0 {
                self.read(input, 4)?;
            }
        }
        if flags & HAS_CONTENT_CHECKSUM != 0 {
            self.read(input, 4)?;
        }
        Ok(())
    }

    /// Reads more of a compressed page.
    fn read(&mut self, input: &mut impl Read, length: usize) -> Result<(), LtxError> {
        let place = self.compressed.len();
        if length > compressed_bytes_max(self.page_size).saturating_sub(place) {
            return Err(Violation::Compression.into());
        }
        self.compressed.resize(place + length, 0);
        Ok(input.read_exact(&mut self.compressed[place..])?)
    }
}

fn expand_frame(mut frame: &[u8], page: &mut [u8]) -> Result<(), LtxError> {
    let mut decoder = FrameDecoder::new(&mut frame);
    let mut end = [0];
    // The end of the frame, with the checksum of its content, is read only on a further call.
    let whole = decoder.read_exact(page).is_ok() && matches!(decoder.read(&mut end), Ok(0));
    if whole && frame.is_empty() { Ok(()) } else { Err(Violation::Compression.into()) }
}
