//! Writing: batches become groups, groups segments, and each segment a transaction behind a row of the ledger.

mod lease;
mod ledger;
mod segment;
mod state;
mod statements;
mod writer;

pub use lease::{TransactionLease, TransactionRequest};
pub use writer::{ServerWriter, WriteRequest};
