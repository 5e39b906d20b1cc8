//! Encoder of LTX files.

use std::io::Write;

use super::checksum::{CHECKSUM_FLAG, DatabaseChecksum, FileChecksum, page_checksum};
use super::index::Index;
use super::page::{Compressor, ENCODING, Encoding, PAGE_HEADER_BYTES, page_header};
use super::{Header, LtxError, Violation};

/// Writes a file page by page, and enforces the rules of the format: every reader accepts the result.
///
/// Memory: a few pages, and 8 bytes for each page written.
pub struct Encoder<W: Write> {
    output: W,
    header: Header,
    compressor: Compressor,
    checksum: FileChecksum,
    database: DatabaseChecksum,
    index: Index,
    last_page: u32,
    bytes: u64,
}

/// Size and checksum of an encoded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedFile {
    /// Length in bytes.
    pub bytes: u64,
    /// Checksum of the file.
    pub checksum: u64,
}

impl<W: Write> Encoder<W> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of an invalid header, or an error of the writer.
    pub fn new(output: W, header: Header) -> Result<Self, LtxError> {
        Self::with_encoding(output, header, ENCODING)
    }

    /// Begins a file with this encoding of pages.
    ///
    /// # Errors
    ///
    /// As [`Encoder::new`].
    pub fn with_encoding(mut output: W, header: Header, encoding: Encoding) -> Result<Self, LtxError> {
        header.check()?;
        let bytes = header.encode();
        output.write_all(&bytes)?;
        let mut checksum = FileChecksum::new();
        checksum.update(&bytes);
        Ok(Self {
            output,
            compressor: Compressor::new(encoding),
            checksum,
            database: DatabaseChecksum::new(),
            index: Index::default(),
            last_page: 0,
            bytes: bytes.len() as u64,
            header,
        })
    }

    /// Writes a page. Page numbers ascend; a snapshot has all pages except the lock page, which is never written.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of an unexpected page, or an error of the writer.
    pub fn page(&mut self, number: u32, page: &[u8]) -> Result<(), LtxError> {
        check_order(&self.header, self.last_page, number)?;
        if page.len() != self.header.page_size.len() {
            return Err(Violation::PageLength.into());
        }
        let page_header = self.compressor.header(number);
        let (length, compressed) = self.compressor.compress(page)?;
        self.checksum.update(&page_header);
        self.output.write_all(&page_header)?;
        if let Some(length) = length {
            self.checksum.update(&length);
            self.output.write_all(&length)?;
        }
        self.checksum.update(page);
        self.output.write_all(compressed)?;
        if self.header.pre_apply_checksum.is_some() {
            self.database.toggle(page_checksum(number, page));
        }
        let size = PAGE_HEADER_BYTES + length.map_or(0, |length| length.len()) + compressed.len();
        self.index.push(number, u32::try_from(size).map_err(|_| Violation::PageLength)?);
        self.bytes += size as u64;
        self.last_page = number;
        Ok(())
    }

    /// Ends a file without database checksums, or a snapshot, whose checksum follows from its pages.
    ///
    /// # Errors
    ///
    /// [`Violation::MissingPage`] if a snapshot is incomplete, [`Violation::PostApplyChecksum`] if the file needs
    /// [`Encoder::finish_with`]; or an error of the writer.
    pub fn finish(self) -> Result<(W, EncodedFile), LtxError> {
        let post_apply_checksum = match self.header.pre_apply_checksum {
            None => 0,
            Some(_) if self.header.is_snapshot() => self.database.get(),
            Some(_) => return Err(Violation::PostApplyChecksum.into()),
        };
        self.end(post_apply_checksum)
    }

    /// Ends a file with database checksums.
    ///
    /// # Errors
    ///
    /// As [`Encoder::finish`]; [`Violation::PostApplyChecksum`] if the file has no database checksums, or this is not
    /// a valid one.
    pub fn finish_with(self, post_apply_checksum: u64) -> Result<(W, EncodedFile), LtxError> {
        let is_snapshot = self.header.is_snapshot();
        let is_right = self.header.pre_apply_checksum.is_some()
            && post_apply_checksum & CHECKSUM_FLAG != 0
            && (!is_snapshot || post_apply_checksum == self.database.get());
        if is_right { self.end(post_apply_checksum) } else { Err(Violation::PostApplyChecksum.into()) }
    }

    fn end(mut self, post_apply_checksum: u64) -> Result<(W, EncodedFile), LtxError> {
        check_end(&self.header, self.last_page)?;
        self.write_checked(&page_header(0, 0))?;
        let index = std::mem::take(&mut self.index);
        let start = self.bytes;
        for piece in index.pieces() {
            self.write_checked(piece.as_slice())?;
        }
        self.write_checked(&(self.bytes - start).to_be_bytes())?;
        self.write_checked(&post_apply_checksum.to_be_bytes())?;
        let checksum = self.checksum.finish();
        self.output.write_all(&checksum.to_be_bytes())?;
        self.output.flush()?;
        let bytes = self.bytes + size_of_val(&checksum) as u64;
        Ok((self.output, EncodedFile { bytes, checksum }))
    }

    fn write_checked(&mut self, bytes: &[u8]) -> Result<(), LtxError> {
        self.checksum.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(self.output.write_all(bytes)?)
    }
}

/// Checks that a page may follow another (0: none) in a file.
pub(super) fn check_order(header: &Header, last: u32, number: u32) -> Result<(), LtxError> {
    if number <= last {
        return Err(Violation::PageOrder.into());
    }
    if number > header.commit {
        return Err(Violation::PageBeyondEnd.into());
    }
    if number == header.page_size.lock_page() {
        return Err(Violation::LockPage.into());
    }
    if header.is_snapshot() && number != successor(header, last) {
        return Err(Violation::MissingPage.into());
    }
    Ok(())
}

/// Checks that a file may end after a page.
pub(super) fn check_end(header: &Header, last: u32) -> Result<(), LtxError> {
    let is_complete = successor(header, last) > header.commit;
    if header.is_snapshot() && !is_complete { Err(Violation::MissingPage.into()) } else { Ok(()) }
}

/// Returns the number of the next page, without the lock page.
fn successor(header: &Header, page: u32) -> u32 {
    let next = page.saturating_add(1);
    if next == header.page_size.lock_page() { next + 1 } else { next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ltx::{PageSize, Txid};

    /// The lock page is number 16385.
    fn snapshot(commit: u32) -> Header {
        Header::new(PageSize::new(65_536).unwrap(), commit, Txid::FIRST, Txid::FIRST, 0)
    }

    #[test]
    fn a_snapshot_leaves_out_the_lock_page_and_no_other() {
        let header = snapshot(16_386);
        assert!(check_order(&header, 16_383, 16_384).is_ok());
        assert!(check_order(&header, 16_384, 16_385).is_err());
        assert!(check_order(&header, 16_384, 16_386).is_ok());
        assert!(check_order(&header, 16_383, 16_386).is_err());
        assert!(check_end(&header, 16_384).is_err());
        assert!(check_end(&header, 16_386).is_ok());
    }

    #[test]
    fn a_snapshot_that_ends_at_the_lock_page_is_complete_without_it() {
        assert!(check_end(&snapshot(16_385), 16_383).is_err());
        assert!(check_end(&snapshot(16_385), 16_384).is_ok());
    }
}
