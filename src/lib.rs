//! The core of rootcellar: a durable, ordered key-value store with SQL and backups, in one SQLite file.
//!
//! [`kv`] has the operations on keys, without SQL, and [`sql`] user SQL, without an engine. A [`batch`] holds
//! commands of both kinds. [`engine`] carries them out: one writer thread that commits waiting batches in groups,
//! with readers beside it. [`backup`] writes the file's changes to a destination in the format of [`ltx`], and
//! restores it. `node` is the only module that knows Node.js; without the feature `node` the crate is the core
//! alone.
//!
//! ```
//! use rootcellar::batch::{Batch, Command};
//! use rootcellar::engine::sqlite::Engine;
//! use rootcellar::kv::{Address, Entry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let engine = Engine::open(&folder.path().join("bot.sqlite3"))?;
//!
//! let address = Address::new("greeting");
//! let set = Command::Set(Entry::new(address.clone(), "\"hello\""));
//! let outcome = engine.execute(Batch::new(vec![set], 0));
//! assert_eq!(outcome.committed, 1);
//!
//! let value = engine.reader()?.get(&address, 0)?;
//! assert_eq!(value.as_deref(), Some("\"hello\""));
//! # Ok(())
//! # }
//! ```

#![deny(unsafe_code)]

pub mod backup;
pub mod batch;
mod clock;
pub mod engine;
pub mod error;
mod faults;
pub mod kv;
pub mod limits;
pub mod ltx;
mod private_folder;
pub mod reads;
mod reply;
pub mod sql;
mod threads;

#[cfg(feature = "node")]
#[allow(unsafe_code, reason = "what the macros of napi-rs expand to")]
mod node;

pub use error::{BackupProblem, Error};
pub use reply::Reply;
