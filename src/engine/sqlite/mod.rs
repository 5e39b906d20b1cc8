//! The engine on SQLite: one writing connection on a thread of its own, and readers beside it.
//!
//! Imports point down: `file`, `interrupt`, `permission`, `refusal`, `savepoint`, `temporary_files`; then `locks`, `wal`,
//! `guard`; `table`; `connection`; `checkpoint`; `sql` and `read`; `watch`; `write`; `stray_log`; `engine`; `registry`.

pub mod checkpoint;
mod connection;
mod engine;
mod file;
mod guard;
mod interrupt;
#[allow(unsafe_code, reason = "stands between SQLite and the system, and asks the dynamic linker")]
mod locks;
#[cfg(unix)]
#[allow(unsafe_code, reason = "asks the system what the process may do")]
mod permission;
mod read;
mod refusal;
mod regexp;
mod registry;
mod savepoint;
mod sql;
#[allow(unsafe_code, reason = "locks a file of SQLite's")]
pub mod stray_log;
mod table;
#[cfg(unix)]
#[allow(unsafe_code, reason = "stands between SQLite and its own VFS")]
mod temporary_files;
pub mod wal;
mod watch;
mod write;

pub use crate::reads::{
    CountQuery, KeyQuery, PageQuery, Scope, Select, SelectProgress, Stored, Values, ValuesQuery, WatchReport,
};
pub(crate) use connection::{forget_mark, open_detached, open_own_reader, open_own_writer, open_scratch};
pub use engine::Engine;
#[cfg(windows)]
pub(crate) use file::for_system;
pub(crate) use file::{FileId, check_length};
pub(crate) use guard::modules::keep_pages;
pub use locks::foreign::loaded_copies;
pub use locks::locks_hold;
#[cfg(unix)]
pub(crate) use permission::{not_permitted, refusal_to_make};
pub use read::point_read::Reader;
pub use read::read_only::ExpectedFile;
pub(crate) use registry::is_open;
pub use registry::open_shared;
pub use sql::cursor::{CursorReply, OpenCursor};
pub use sql::reads::{Description, RowsPart, RowsReply, SqlRead};
pub(crate) use table::columns;
pub use table::schema::{holds_keys, identity};
pub use wal::commit_log::CacheValidity;
pub use wal::index_header::{WalIndex, WalIndexHeader};
pub(crate) use wal::snapshot::snapshot_header;
pub use watch::thread::{Tell, WatchNumber, Watcher};
pub use watch::watched::Watched;
pub use write::lease::{Begin, Lease, LeaseKind, LeaseRequest};
