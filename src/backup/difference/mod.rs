//! Difference of two states of a database: of its keys one by one, and of other tables in numbers.
//!
//! Each state is a database of its own: a backup is restored to a temporary file ([`states`]), and what the file holds now
//! is read in one transaction. Rows are compared in the order of their row ids ([`merge`]), which finds the keys that may
//! differ ([`keys`]) and the changed rows of other tables ([`tables`]). What differs is kept in a temporary file
//! ([`spool`]), so that neither memory nor a transaction is needed while somebody reads it.

pub mod compare;
pub mod keys;
mod merge;
pub mod progress;
pub mod spool;
pub mod states;
pub mod tables;
