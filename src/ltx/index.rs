//! Page index at the end of a file.

use super::{HEADER_BYTES, LtxError, Violation};

/// Longest encoding of a 64-bit number.
pub const VARINT_BYTES_MAX: usize = 10;

/// Page numbers and lengths, in order. Offsets follow from the lengths.
#[derive(Default)]
pub struct Index {
    pages: Vec<(u32, u32)>,
}

impl Index {
    pub fn push(&mut self, page: u32, length: u32) {
        self.pages.push((page, length));
    }

    /// Encodes the index in pieces: an entry for each page, then the terminating byte, without the trailing size.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        let mut offset = HEADER_BYTES as u64;
        let entries = self.pages.iter().map(move |(page, length)| {
            let mut piece = Piece::default();
            piece.push((*page).into());
            piece.push(offset);
            piece.push((*length).into());
            offset += u64::from(*length);
            piece
        });
        let mut end = Piece::default();
        end.push(0);
        entries.chain([end])
    }
}

/// Encoded numbers.
#[derive(Default)]
pub struct Piece {
    bytes: [u8; 3 * VARINT_BYTES_MAX],
    length: usize,
}

impl Piece {
    /// Appends a number as unsigned LEB128.
    fn push(&mut self, mut number: u64) {
        loop {
            let low = number.to_le_bytes()[0] & 0x7f;
            number >>= 7;
            self.bytes[self.length] = if number == 0 { low } else { low | 0x80 };
            self.length += 1;
            if number == 0 {
                return;
            }
        }
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Checks a piece that was read against the expected one.
pub fn expect(piece: &Piece, found: &[u8]) -> Result<(), LtxError> {
    if piece.as_slice() == found { Ok(()) } else { Err(Violation::Index.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_the_bytes_of_the_worked_example() {
        let mut index = Index::default();
        index.push(1, 163);
        index.push(2, 58);
        let bytes: Vec<u8> = index.pieces().flat_map(|piece| piece.as_slice().to_vec()).collect();
        assert_eq!(bytes, [0x01, 0x64, 0xA3, 0x01, 0x02, 0x87, 0x02, 0x3A, 0x00]);
    }

    #[test]
    fn the_largest_numbers_fit() {
        let mut piece = Piece::default();
        for _ in 0..3 {
            piece.push(u64::MAX);
        }
        assert_eq!(piece.as_slice().len(), 3 * VARINT_BYTES_MAX);
    }
}
