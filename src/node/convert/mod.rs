//! Conversions of values that cross to JavaScript or come from it.

pub mod backups;
pub mod event;
pub mod failure;
pub mod joined;
pub mod options;
pub mod outcomes;
pub mod rows;
pub mod values;
pub mod wal_view;
