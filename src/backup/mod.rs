//! Backups: what is decided, and what is done.
//!
//! A destination holds LTX files in Litestream's layout. [`files`] names them; [`plan`], [`compaction`],
//! [`retention`] and [`schedule`] decide, as functions of a listing and the time, and touch nothing.

pub mod capture;
pub mod compaction;
pub mod destination;
mod disk;
pub mod files;
pub mod plan;
pub mod publisher;
pub mod restore;
pub mod retention;
pub mod schedule;
mod staged;
pub mod state;
pub mod table;
pub mod wal;
