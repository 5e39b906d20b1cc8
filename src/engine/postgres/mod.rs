//! The engine on PostgreSQL: one connection that writes, one that reads, and one thread for both.
//!
//! Imports point down: `engine`; `write`; `maintenance`, `watch`; `read`; `query`, `admin`; `table`; `net`; `sql`; `failure`, `guard`, `time`.

mod admin;
mod engine;
mod failure;
mod guard;
mod maintenance;
mod net;
mod query;
mod read;
mod sql;
mod table;
mod time;
mod watch;
mod write;

pub use admin::{AdminRequest, ImportedRow, rows_of};
pub use engine::{PostgresEngine, PostgresServer};
pub use net::{Settings, TlsMode, connector};
pub use query::Queried;
pub use watch::KeyWatch;
pub use write::{TransactionLease, TransactionRequest};
