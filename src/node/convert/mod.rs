//! What crosses to JavaScript, and what comes from it.

pub mod backups;
pub mod failure;
pub mod options;
pub mod rows;
pub mod values;
pub mod wal_view;
