//! Watches: which keys have changed, whoever has changed them.
//!
//! Every commit changes the header of the WAL-index, which costs nothing to look at. The log says which pages were written; the
//! tree of the key-value table, which rows lie on them. The keys of these rows are read again, and compared with what was last
//! known of them. Where the log does not say it, because another process has restarted it, all pages are compared; where there
//! is no log, all watched keys.

mod dirty;
mod step;
mod table_tree;
pub mod thread;
pub mod watched;
