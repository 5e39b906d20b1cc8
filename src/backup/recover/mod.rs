//! Recovery of a database before it is opened, and reports about it.

mod decide;
pub(super) mod inspect;
mod look;
mod lost_wal;
pub mod prepare;
mod put_in_place;
pub mod report;
pub mod reset;
