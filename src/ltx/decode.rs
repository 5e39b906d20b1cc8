//! Decoder of LTX files.

use std::io::{BufReader, Read};

use super::checksum::{CHECKSUM_FLAG, DatabaseChecksum, FileChecksum, page_checksum};
use super::encode::{check_end, check_order};
use super::index::{self, Index};
use super::page::{Expander, PAGE_HEADER_BYTES, page_header};
use super::{HEADER_BYTES, Header, LtxError, Violation};

/// Size of the read buffer.
const BUFFER_BYTES: usize = 64 << 10;

/// Reads a file page by page.
///
/// Pages must not be trusted before [`Decoder::page`] has returned `None`: the checksum is at the end.
///
/// Memory: a few pages, and 8 bytes for each page read.
pub struct Decoder<R: Read> {
    input: BufReader<R>,
    header: Header,
    expander: Expander,
    checksum: FileChecksum,
    database: DatabaseChecksum,
    index: Index,
    last_page: u32,
    trailer: Option<Trailer>,
}

/// Trailer at the end of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailer {
    /// Checksum of the database after the file; 0 if there is none.
    pub post_apply_checksum: u64,
    /// Checksum of the file.
    pub file_checksum: u64,
}

impl<R: Read> Decoder<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of an invalid header, or an error of the reader.
    pub fn new(input: R) -> Result<Self, LtxError> {
        let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
        let mut bytes = [0; HEADER_BYTES];
        input.read_exact(&mut bytes)?;
        let header = Header::decode(&bytes)?;
        let mut checksum = FileChecksum::new();
        checksum.update(&bytes);
        Ok(Self {
            input,
            expander: Expander::new(header.page_size),
            checksum,
            database: DatabaseChecksum::new(),
            index: Index::default(),
            last_page: 0,
            trailer: None,
            header,
        })
    }

    /// Header of the file.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Trailer of the file, once [`Decoder::page`] has returned `None`.
    pub fn trailer(&self) -> Option<Trailer> {
        self.trailer
    }

    /// Reads the next page into `page` and returns its number. Returns `None` after the last page, when the rest of
    /// the file was verified and nothing follows it.
    ///
    /// # Errors
    ///
    /// The [`Violation`] that was found, or an error of the reader.
    ///
    /// # Panics
    ///
    /// If `page` does not have the length of a page.
    pub fn page(&mut self, page: &mut [u8]) -> Result<Option<u32>, LtxError> {
        assert_eq!(page.len(), self.header.page_size.len(), "a buffer for one page");
        if self.trailer.is_some() {
            return Ok(None);
        }
        let mut bytes = [0; PAGE_HEADER_BYTES];
        self.input.read_exact(&mut bytes)?;
        self.checksum.update(&bytes);
        if bytes == page_header(0, 0) {
            self.end()?;
            return Ok(None);
        }
        let number = u32::from_be_bytes(std::array::from_fn(|index| bytes[index]));
        let flags = u16::from_be_bytes(std::array::from_fn(|index| bytes[4 + index]));
        check_order(&self.header, self.last_page, number)?;
        let expanded = self.expander.expand(flags, &mut self.input, page)?;
        if let Some(length) = expanded.length {
            self.checksum.update(&length);
        }
        self.checksum.update(page);
        if self.header.pre_apply_checksum.is_some() {
            self.database.toggle(page_checksum(number, page));
        }
        let size = u32::try_from(PAGE_HEADER_BYTES + expanded.bytes).map_err(|_| Violation::Compression)?;
        self.index.push(number, size);
        self.last_page = number;
        Ok(Some(number))
    }

    /// Reads and verifies the rest of the file.
    ///
    /// # Errors
    ///
    /// As [`Decoder::page`].
    pub fn verify(mut self) -> Result<Trailer, LtxError> {
        let mut page = vec![0; self.header.page_size.len()];
        while self.page(&mut page)?.is_some() {}
        // Set by the last call.
        self.trailer.ok_or(LtxError::Invalid(Violation::Truncated))
    }

    /// Reads the index and the trailer.
    fn end(&mut self) -> Result<(), LtxError> {
        check_end(&self.header, self.last_page)?;
        let mut index_bytes = 0;
        for piece in std::mem::take(&mut self.index).pieces() {
            let length = piece.as_slice().len();
            let mut found = [0; 3 * index::VARINT_BYTES_MAX];
            self.read_checked(&mut found[..length])?;
            index::expect(&piece, &found[..length])?;
            index_bytes += length as u64;
        }
        let mut number = [0; 8];
        self.read_checked(&mut number)?;
        if u64::from_be_bytes(number) != index_bytes {
            return Err(Violation::Index.into());
        }
        self.read_checked(&mut number)?;
        let post_apply_checksum = u64::from_be_bytes(number);
        self.input.read_exact(&mut number)?;
        let file_checksum = u64::from_be_bytes(number);
        let checksum = std::mem::replace(&mut self.checksum, FileChecksum::new());
        if checksum.finish() != file_checksum {
            return Err(Violation::FileChecksum.into());
        }
        self.check_post_apply(post_apply_checksum)?;
        if self.input.read(&mut number)? != 0 {
            return Err(Violation::TrailingBytes.into());
        }
        self.trailer = Some(Trailer { post_apply_checksum, file_checksum });
        Ok(())
    }

    fn check_post_apply(&self, checksum: u64) -> Result<(), LtxError> {
        let is_right = match self.header.pre_apply_checksum {
            None => checksum == 0,
            Some(_) if self.header.is_snapshot() => checksum == self.database.get(),
            Some(_) => checksum & CHECKSUM_FLAG != 0,
        };
        if is_right { Ok(()) } else { Err(Violation::PostApplyChecksum.into()) }
    }

    fn read_checked(&mut self, bytes: &mut [u8]) -> Result<(), LtxError> {
        self.input.read_exact(bytes)?;
        self.checksum.update(bytes);
        Ok(())
    }
}
