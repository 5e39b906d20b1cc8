//! SQLite's write-ahead log: its index header, space in advance, and the commits that caches rely on.

pub mod commit_log;
pub mod file_mark;
pub mod frames;
#[allow(unsafe_code, reason = "stands between SQLite and a file of its own")]
pub mod gather;
#[allow(unsafe_code, reason = "reads memory that SQLite shares with other processes")]
pub mod index_header;
#[allow(unsafe_code, reason = "writes to a file of SQLite's")]
pub mod preallocate;
#[allow(unsafe_code, reason = "reads files of SQLite's")]
pub mod raw_file;
pub mod restart_log;
pub mod shared_look;
mod single_rows;
#[allow(unsafe_code, reason = "asks SQLite what rusqlite has no function for")]
pub mod snapshot;
