//! LTX files, version 1: what Litestream 0.5 keeps its backups in.
//!
//! An LTX file holds the pages that one or several transactions left behind: a [`Header`], compressed pages in
//! ascending order, an index of them and a checksum over everything. An [`Encoder`] writes one page after another, a
//! [`Decoder`] reads them back and makes every check that a reader must make, both with memory for a few pages.
//! [`Merge`] reads several files as if they were one. Nothing in here knows SQLite beyond its page numbers.
//!
//! Two encodings of pages are about. Litestream up to 0.5.15 writes and reads LZ4 frames alone; later releases write
//! LZ4 blocks and read both. So frames are written and both are read; see [`ENCODING`].
//!
//! ```
//! use rootcellar::ltx::{Decoder, Encoder, Header, PageSize, Txid};
//!
//! # fn main() -> Result<(), rootcellar::ltx::LtxError> {
//! let page_size = PageSize::new(512)?;
//! let header = Header::new(page_size, 1, Txid::new(1)?, Txid::new(1)?, 1_735_689_600_000);
//! let mut encoder = Encoder::new(Vec::new(), header)?;
//! encoder.page(1, &[7; 512])?;
//! let (file, _) = encoder.finish()?;
//!
//! let mut decoder = Decoder::new(&file[..])?;
//! let mut page = vec![0; 512];
//! assert_eq!(decoder.page(&mut page)?, Some(1));
//! assert_eq!(page, [7; 512]);
//! assert_eq!(decoder.page(&mut page)?, None);
//! # Ok(())
//! # }
//! ```

mod checksum;
mod decode;
mod encode;
mod error;
mod header;
mod index;
mod merge;
mod numbers;
mod page;

pub use checksum::{CHECKSUM_FLAG, DatabaseChecksum, page_checksum};
pub use decode::{Decoder, Trailer};
pub use encode::{EncodedFile, Encoder};
pub use error::{LtxError, Violation};
pub use header::{HEADER_BYTES, Header};
pub use merge::{Merge, chain};
pub use numbers::{PageSize, Txid};
pub use page::{ENCODING, Encoding};
