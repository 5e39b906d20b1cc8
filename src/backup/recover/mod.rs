//! What happens before a database is opened, and how a file stands against its backups.

pub mod decide;
pub mod inspect;
pub mod lost_wal;
pub mod prepare;
pub mod put_in_place;
pub mod report;
