//! Recovery of a database before it is opened, and reports about it.

pub mod decide;
pub mod inspect;
pub mod lost_wal;
pub mod prepare;
pub mod put_in_place;
pub mod report;
