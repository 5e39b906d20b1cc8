//! Decompression of LZ4 frames (LZ4's `lz4_Frame_format.md`).

use std::io::Read;

use lz4_flex::block::decompress_into_with_dict;
use twox_hash::XxHash32;

use super::{LtxError, Violation};

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4D, 0x18];

/// Bits of the flags.
const VERSION_MASK: u8 = 0b1100_0000;
const VERSION: u8 = 0b0100_0000;
const INDEPENDENT_BLOCKS: u8 = 1 << 5;
const BLOCK_CHECKSUMS: u8 = 1 << 4;
const CONTENT_SIZE: u8 = 1 << 3;
const CONTENT_CHECKSUM: u8 = 1 << 2;
/// Bits that must be 0: a reserved one, and that of a dictionary, which nobody could look up.
const REFUSED_FLAGS: u8 = 0b11;

/// Bit of a block's length that says that the block is not compressed.
const STORED: u32 = 1 << 31;

/// Reads exactly one frame, whose content has the length of `page`, and returns the number of bytes read. `buffer` is
/// for blocks.
///
/// `lz4_flex` has a decoder of frames, too. For each frame it fills a buffer of the greatest length that a block may
/// have, 64 KB to 4 MB, where a page mostly has 4 KB.
///
/// # Errors
///
/// [`Violation::Compression`] if it is no such frame, is longer than `bytes_max`, or has a wrong checksum; an error of
/// the reader.
pub fn expand_frame(
    input: &mut impl Read,
    bytes_max: usize,
    buffer: &mut Vec<u8>,
    page: &mut [u8],
) -> Result<usize, LtxError> {
    let mut source = Source { input, left: bytes_max, buffer };
    let header = FrameDescriptor::read(&mut source)?;
    let mut end = 0;
    loop {
        let length = u32::from_le_bytes(source.array()?);
        if length == 0 {
            break;
        }
        let (before, rest) = page.split_at_mut(end);
        let before = if header.has(INDEPENDENT_BLOCKS) { &[] } else { &*before };
        let room = rest.len().min(header.block_bytes_max);
        let block = source.block((length & !STORED) as usize, header.has(BLOCK_CHECKSUMS))?;
        end += if length & STORED == 0 {
            decompress_into_with_dict(block, &mut rest[..room], before).map_err(|_| Violation::Compression)?
        } else {
            check(block.len() <= room)?;
            rest[..block.len()].copy_from_slice(block);
            block.len()
        };
    }
    check(end == page.len())?;
    check(header.content_size.is_none_or(|size| size == page.len() as u64))?;
    if header.has(CONTENT_CHECKSUM) {
        check(u32::from_le_bytes(source.array()?) == XxHash32::oneshot(0, page))?;
    }
    Ok(bytes_max - source.left)
}

/// Descriptor of a frame, its header.
struct FrameDescriptor {
    flags: u8,
    block_bytes_max: usize,
    content_size: Option<u64>,
}

impl FrameDescriptor {
    fn read(source: &mut Source<impl Read>) -> Result<Self, LtxError> {
        check(source.array()? == MAGIC)?;
        let [flags, block_size] = source.array()?;
        check(flags & VERSION_MASK == VERSION && flags & REFUSED_FLAGS == 0)?;
        // 4 to 7 for 64 KB, 256 KB, 1 MB, 4 MB; the other bits are reserved.
        check(matches!(block_size, 0x40 | 0x50 | 0x60 | 0x70))?;
        let block_bytes_max = 1 << (8 + 2 * (block_size >> 4));
        let content_size = if flags & CONTENT_SIZE == 0 { None } else { Some(source.array()?) };
        let mut descriptor = vec![flags, block_size];
        descriptor.extend(content_size.iter().flatten());
        let [_, checksum, ..] = XxHash32::oneshot(0, &descriptor).to_le_bytes();
        check(source.array()? == [checksum])?;
        Ok(Self { flags, block_bytes_max, content_size: content_size.map(u64::from_le_bytes) })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Compressed bytes, of which only so many are read.
struct Source<'a, R: Read> {
    input: &'a mut R,
    left: usize,
    buffer: &'a mut Vec<u8>,
}

impl<R: Read> Source<'_, R> {
    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], LtxError> {
        self.take(LENGTH)?;
        let mut bytes = [0; LENGTH];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn block(&mut self, length: usize, has_checksum: bool) -> Result<&[u8], LtxError> {
        self.take(length)?;
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        self.input.read_exact(&mut self.buffer[..length])?;
        if has_checksum {
            check(u32::from_le_bytes(self.array()?) == XxHash32::oneshot(0, &self.buffer[..length]))?;
        }
        Ok(&self.buffer[..length])
    }

    fn take(&mut self, length: usize) -> Result<(), LtxError> {
        self.left = self.left.checked_sub(length).ok_or(Violation::Compression)?;
        Ok(())
    }
}

fn check(is_sound: bool) -> Result<(), LtxError> {
    if is_sound { Ok(()) } else { Err(Violation::Compression.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use proptest::prelude::*;

    use super::*;

    /// Every kind of frame that a writer of LZ4 may choose.
    fn infos() -> impl Strategy<Value = FrameInfo> {
        let sizes = [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB];
        let modes = [BlockMode::Independent, BlockMode::Linked];
        let flags = (any::<bool>(), any::<bool>());
        (prop::sample::select(sizes.to_vec()), prop::sample::select(modes.to_vec()), flags).prop_map(
            |(size, mode, (blocks, content))| {
                FrameInfo::new().block_size(size).block_mode(mode).block_checksums(blocks).content_checksum(content)
            },
        )
    }

    /// Content with repetitions, some of them far apart.
    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let random = prop::collection::vec(any::<u8>(), 1..600);
        let run = (any::<u8>(), 1_usize..600).prop_map(|(byte, length)| vec![byte; length]);
        prop::collection::vec(prop_oneof![random, run], 1..5)
            .prop_map(|pieces| [&pieces[..], &pieces[..1]].concat())
    }

    /// A frame with a block for each piece.
    fn frame(info: FrameInfo, pieces: &[Vec<u8>]) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        for piece in pieces {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
        }
        encoder.finish().unwrap()
    }

    fn expand(mut frame: &[u8], length: usize) -> Result<(Vec<u8>, usize), LtxError> {
        let mut page = vec![0; length];
        let read = expand_frame(&mut frame, 1 << 20, &mut Vec::new(), &mut page)?;
        Ok((page, read))
    }

    proptest! {
        #[test]
        fn any_frame_is_read_to_its_end_and_no_further(info in infos(), has_size: bool, pieces in pieces()) {
            let content = pieces.concat();
            let info = info.content_size(has_size.then_some(content.len() as u64));
            let frame = frame(info, &pieces);
            let (page, read) = expand(&[&frame[..], b"next"].concat(), content.len()).unwrap();
            prop_assert_eq!(page, content);
            prop_assert_eq!(read, frame.len());
        }

        #[test]
        fn a_frame_is_refused_that_is_cut_too_long_or_of_another_page(info in infos(), pieces in pieces(), cut: u16) {
            let length = pieces.concat().len();
            let frame = frame(info, &pieces);
            prop_assert!(expand(&frame[..usize::from(cut) % frame.len()], length).is_err());
            prop_assert!(expand(&frame, length + 1).is_err());
            prop_assert!(expand(&frame, length - 1).is_err());
            let short = expand_frame(&mut &frame[..], frame.len() - 1, &mut Vec::new(), &mut vec![0; length]);
            prop_assert!(matches!(short, Err(LtxError::Invalid(Violation::Compression))));
        }

        #[test]
        fn a_changed_bit_is_noticed_or_changes_no_content(info in infos(), pieces in pieces(), place: prop::sample::Index) {
            let content = pieces.concat();
            let sound = frame(info.block_checksums(true).content_checksum(true), &pieces);
            let with = |place: usize| {
                let mut changed = sound.clone();
                changed[place] ^= 1 << (place % 8);
                expand(&changed, content.len())
            };
            // The header has a checksum of one byte, so that one change in 256 is not noticed.
            prop_assert!(with(place.index(sound.len())).map_or(true, |(page, _)| page == content));
            // The last block's checksum, the end of the blocks, the checksum of the content.
            for place in sound.len() - 12..sound.len() {
                prop_assert!(with(place).is_err(), "byte {place} of {}", sound.len());
            }
        }
    }

    #[test]
    fn a_header_that_is_no_headers_is_refused_although_its_checksum_is_right() {
        let sound = frame(FrameInfo::new().block_size(BlockSize::Max64KB), &[vec![7; 512]]);
        let with = |place: usize, bits: u8| {
            let mut changed = sound.clone();
            changed[place] ^= bits;
            changed[6] = XxHash32::oneshot(0, &changed[4..6]).to_le_bytes()[1];
            expand(&changed, 512)
        };
        assert!(with(4, 0).is_ok());
        // Another version, the reserved flag, a dictionary.
        for bits in [0x80, 0xC0, 0x02, 0x01] {
            assert!(with(4, bits).is_err(), "flags {bits:x}");
        }
        // Reserved bits, and sizes of blocks that there are not.
        for bits in [0x01, 0x08, 0x80, 0x40, 0x70] {
            assert!(with(5, bits).is_err(), "block size {bits:x}");
        }
    }
}
