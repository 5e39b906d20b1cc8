//! Errors of reading and writing LTX files.

use std::{fmt, io};

/// Error of reading or writing an LTX file.
#[derive(Debug)]
pub enum LtxError {
    /// Reading or writing failed. A file that ends too early is [`Violation::Truncated`] instead.
    Io(io::Error),
    /// The file, or its intended content, violates a rule of the format.
    Invalid(Violation),
}

/// Violated rule. When reading, the file is damaged or not an LTX file: use another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The file does not begin with "LTX1".
    Magic,
    /// A flag of the header that no version defines.
    HeaderFlags,
    /// The page size is no power of two from 512 to 65536, or another than in the files before.
    PageSize,
    /// The database would have no pages.
    Commit,
    /// A transaction's number is 0, or the last lies before the first.
    Txid,
    /// The checksum before the file is there where none may be, or missing.
    PreApplyChecksum,
    /// The checksum after the file is there where none may be, missing, or not that of the pages.
    PostApplyChecksum,
    /// The position in the log that the file was made from is impossible.
    WalPosition,
    /// A flag of a page that no version defines.
    PageFlags,
    /// A page has another length than the header says.
    PageLength,
    /// Page numbers do not ascend, or one is 0.
    PageOrder,
    /// A page beyond the end of the database.
    PageBeyondEnd,
    /// SQLite's lock page, which holds nothing.
    LockPage,
    /// A page is missing that a snapshot, or all files together, must hold.
    MissingPage,
    /// A page does not expand to its size, or its own checksum is wrong.
    Compression,
    /// The index is not that of the pages.
    Index,
    /// The checksum of the file is wrong.
    FileChecksum,
    /// The file ends too early.
    Truncated,
    /// Something follows the end of the file.
    TrailingBytes,
    /// The files do not follow one another.
    Chain,
    /// There is no file, or the first is not a snapshot.
    NoSnapshot,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Magic => "it is no LTX file",
            Self::HeaderFlags => "its header has an unknown flag",
            Self::PageSize => "its page size is impossible, or another than in the files before it",
            Self::Commit => "its database would have no pages",
            Self::Txid => "its transaction numbers are impossible",
            Self::PreApplyChecksum => "its checksum of the database before it cannot be right",
            Self::PostApplyChecksum => "its checksum of the database after it cannot be right",
            Self::WalPosition => "its position in the write-ahead log is impossible",
            Self::PageFlags => "one of its pages has an unknown flag",
            Self::PageLength => "one of its pages has the wrong length",
            Self::PageOrder => "its pages are not in ascending order",
            Self::PageBeyondEnd => "it holds a page beyond the end of the database",
            Self::LockPage => "it holds SQLite's lock page",
            Self::MissingPage => "a page is missing",
            Self::Compression => "one of its pages cannot be expanded",
            Self::Index => "its index is not that of its pages",
            Self::FileChecksum => "its checksum is wrong",
            Self::Truncated => "it ends too early",
            Self::TrailingBytes => "something follows its end",
            Self::Chain => "it does not follow the file before it",
            Self::NoSnapshot => "there is no snapshot to begin with",
        })
    }
}

impl fmt::Display for LtxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Invalid(violation) => violation.fmt(f),
        }
    }
}

impl std::error::Error for LtxError {}

impl From<Violation> for LtxError {
    fn from(violation: Violation) -> Self {
        Self::Invalid(violation)
    }
}

impl From<io::Error> for LtxError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Invalid(Violation::Truncated)
        } else {
            Self::Io(error)
        }
    }
}
