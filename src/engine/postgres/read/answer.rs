//! Requests for reads.

use crate::Reply;
use crate::kv::Address;
use crate::reads::{KeyQuery, Values};

/// Takes a slice that is not the last.
pub type Send = Box<dyn FnMut(String) + std::marker::Send>;

/// A read.
pub enum ReadRequest {
    /// Reads the values of keys.
    Values(Vec<Address>, Reply<Values>),
    /// Reads many keys.
    Keys(KeyQuery, Send, Reply<String>),
}
