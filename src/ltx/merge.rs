//! Merged view of several files.

use std::io::Read;

use super::{Decoder, Header, LtxError, Trailer, Violation};

/// Checks that a file may follow another: it overlaps or adjoins it, leads further, and has the same page size.
///
/// # Errors
///
/// [`Violation::Chain`], [`Violation::PageSize`]; [`Violation::PreApplyChecksum`] if both have checksums of
/// databases, adjoin, and disagree.
pub fn chain(before: &Header, after_before: Option<Trailer>, next: &Header) -> Result<(), LtxError> {
    if next.page_size != before.page_size {
        return Err(Violation::PageSize.into());
    }
    let adjoins = next.min_txid == before.max_txid.next();
    if (!adjoins && next.min_txid > before.max_txid) || next.max_txid <= before.max_txid {
        return Err(Violation::Chain.into());
    }
    let expected = after_before.map_or(0, |trailer| trailer.post_apply_checksum);
    match next.pre_apply_checksum {
        Some(found) if adjoins && expected != 0 && found != expected => Err(Violation::PreApplyChecksum.into()),
        _ => Ok(()),
    }
}

/// Reads the newest version of each page of several files, in ascending order. All files are open at once.
pub struct Merge<R: Read> {
    inputs: Vec<Input<R>>,
    header: Header,
}

/// Input file with its next page.
struct Input<R: Read> {
    decoder: Decoder<R>,
    next: Option<u32>,
    page: Vec<u8>,
}

impl<R: Read> Input<R> {
    fn advance(&mut self) -> Result<(), LtxError> {
        self.next = self.decoder.page(&mut self.page)?;
        Ok(())
    }
}

impl<R: Read> Merge<R> {
    /// Begins to read files, each of which continues the one before.
    ///
    /// # Errors
    ///
    /// [`Violation::NoSnapshot`] if there are none, any error of [`chain`], or one of reading a file.
    pub fn new(files: impl IntoIterator<Item = R>) -> Result<Self, LtxError> {
        let mut inputs: Vec<Input<R>> = Vec::new();
        for file in files {
            let decoder = Decoder::new(file)?;
            if let Some(before) = inputs.last() {
                chain(before.decoder.header(), None, decoder.header())?;
            }
            let page = vec![0; decoder.header().page_size.len()];
            inputs.push(Input { decoder, next: None, page });
        }
        let (Some(first), Some(last)) = (inputs.first(), inputs.last()) else {
            return Err(Violation::NoSnapshot.into());
        };
        let (first, last) = (first.decoder.header(), last.decoder.header());
        let mut header = Header::new(last.page_size, last.commit, first.min_txid, last.max_txid, last.timestamp_ms);
        header.wal_offset = 0;
        header.node_id = last.node_id;
        for input in &mut inputs {
            input.advance()?;
        }
        Ok(Self { inputs, header })
    }

    /// Header of the merged file, as Litestream writes it.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Passes each page to `take`, up to the size of the database after the last file. Every file is read to its end
    /// and verified before this returns.
    ///
    /// # Errors
    ///
    /// Any error of `take`, or of reading a file.
    pub fn pages(mut self, mut take: impl FnMut(u32, &[u8]) -> Result<(), LtxError>) -> Result<(), LtxError> {
        while let Some(number) = self.inputs.iter().filter_map(|input| input.next).min() {
            let newest = self.inputs.iter().rposition(|input| input.next == Some(number));
            if let Some(newest) = newest.filter(|_| number <= self.header.commit) {
                take(number, &self.inputs[newest].page)?;
            }
            for input in &mut self.inputs {
                if input.next == Some(number) {
                    input.advance()?;
                }
            }
        }
        Ok(())
    }
}
