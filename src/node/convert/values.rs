//! Entries of keys as JavaScript objects.

use napi_derive::napi;

use super::failure::Failure;
use crate::Error;
use crate::engine::sqlite::{Stored, Values};
use crate::kv::Address;

/// Entries of keys, in the order of the request.
#[napi(object, object_from_js = false)]
pub struct ReadValues {
    /// JSON text of each key; `null` if there is no entry.
    pub texts: Vec<Option<String>>,
    /// Expiries of the entries that have one.
    pub expiries: Vec<ReadExpiry>,
    /// Keys that could not be read.
    pub failures: Vec<ReadFailure>,
}

/// Expiry of an entry, past or to come.
#[napi(object, object_from_js = false)]
pub struct ReadExpiry {
    /// Index of its key in the request.
    pub index: u32,
    /// Milliseconds since 1970 UTC.
    pub at: i64,
}

/// A key that could not be read.
#[napi(object, object_from_js = false)]
pub struct ReadFailure {
    /// Its index in the request.
    pub index: u32,
    /// The error.
    pub error: Failure,
}

impl From<Values> for ReadValues {
    fn from(values: Values) -> Self {
        let (mut expiries, mut failures) = (Vec::new(), Vec::new());
        let texts = (0..)
            .zip(values)
            .map(|(index, value)| {
                let Stored { text, expires_at } = value.unwrap_or_else(|error| {
                    failures.push(ReadFailure { index, error: (&error).into() });
                    Stored::default()
                });
                expiries.extend(expires_at.map(|at| ReadExpiry { index, at }));
                text
            })
            .collect();
        Self { texts, expiries, failures }
    }
}

/// Result of a read that must not wait: neither values nor an error if a lock is held.
#[napi(object, object_from_js = false)]
pub struct ReadNow {
    /// Entries of the keys.
    pub values: Option<ReadValues>,
    /// The error, if nothing can be read.
    pub error: Option<Failure>,
}

impl From<Result<Values, Error>> for ReadNow {
    fn from(values: Result<Values, Error>) -> Self {
        match values {
            Ok(values) => Self { values: Some(values.into()), error: None },
            Err(error) if error.is_busy() => Self { values: None, error: None },
            Err(error) => Self { values: None, error: Some((&error).into()) },
        }
    }
}

/// See `CacheValidity` of the engine.
#[napi(string_enum = "camelCase")]
pub enum CacheValidityKind {
    /// The cache is valid.
    Current,
    /// The cache may be invalid.
    Changed,
    /// Unknown at the moment.
    Unknown,
}

/// Addresses of keys, each with its community.
pub fn addresses(keys: Vec<String>, communities: Vec<Option<String>>) -> Vec<Address> {
    keys.into_iter().zip(communities).map(|(key, community)| Address { community, key }).collect()
}
