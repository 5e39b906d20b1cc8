//! The index behind the pages: where each one is.

use super::{HEADER_BYTES, LtxError, Violation};

/// The longest encoding of a number of 64 bits.
pub const VARINT_BYTES_MAX: usize = 10;

/// The pages of a file in its order, with the length of each. Where one begins follows from those before it.
#[derive(Default)]
pub struct Index {
    pages: Vec<(u32, u32)>,
}

impl Index {
    pub fn push(&mut self, page: u32, length: u32) {
        self.pages.push((page, length));
    }

    /// The index in pieces, as a file holds it: each page's entry, then the byte that ends them. Not the size behind.
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

/// Some encoded numbers.
#[derive(Default)]
pub struct Piece {
    bytes: [u8; 3 * VARINT_BYTES_MAX],
    length: usize,
}

impl Piece {
    /// Adds a number as unsigned LEB128.
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

/// Compares what was read of an index with what it has to be.
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
