//! Recovery of a database before it is opened, and reports about it.

mod decide;
mod destination_state;
pub(super) mod inspect;
mod lost_wal;
pub mod prepare;
mod put_in_place;
pub mod report;
pub mod reset;
