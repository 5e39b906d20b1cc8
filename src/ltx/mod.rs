//! LTX files, version 1, the backup format of Litestream 0.5.
//!
//! An LTX file holds the pages that one or several transactions wrote: a [`Header`], compressed pages in ascending
//! order, an index of them and a checksum over everything. An [`Encoder`] writes page by page, a [`Decoder`] reads
//! them back and makes every check that a reader must make; both need memory for a few pages. [`Merge`] presents
//! several files as one. This module knows nothing of SQLite beyond its page numbers.
//!
//! There are two encodings of pages. Litestream up to 0.5.15 reads and writes LZ4 frames only; later releases write
//! LZ4 blocks and read both. This package therefore writes frames and reads both; see [`ENCODING`].
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
mod frame;
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
