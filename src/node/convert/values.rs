//! Values of keys as they cross to JavaScript.

use napi_derive::napi;

use super::failure::Failure;
use crate::Error;
use crate::engine::sqlite::{Stored, Values};
use crate::kv::Address;

/// What keys hold, in the order in which they were asked for.
#[napi(object, object_from_js = false)]
pub struct ReadValues {
    /// A value's text for each key, `null` where there is none.
    pub texts: Vec<Option<String>>,
    /// The expiries of those that have one.
    pub expiries: Vec<ReadExpiry>,
    /// Keys that could not be read.
    pub failures: Vec<ReadFailure>,
}

/// The expiry of an entry, past or to come.
#[napi(object, object_from_js = false)]
pub struct ReadExpiry {
    /// The place of its key among those that were asked for.
    pub index: u32,
    /// Milliseconds since 1970 UTC.
    pub at: i64,
}

/// A key that could not be read.
#[napi(object, object_from_js = false)]
pub struct ReadFailure {
    /// Its place among those that were asked for.
    pub index: u32,
    /// Why.
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

/// What a read that must not wait has found: neither values nor an error if a lock is held.
#[napi(object, object_from_js = false)]
pub struct ReadNow {
    /// What each key holds.
    pub values: Option<ReadValues>,
    /// Why nothing can be read.
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
    /// What is cached is valid.
    Current,
    /// It may not be.
    Changed,
    /// It cannot be told now.
    Unknown,
}

/// Addresses of keys, each with its community.
pub fn addresses(keys: Vec<String>, communities: Vec<Option<String>>) -> Vec<Address> {
    keys.into_iter().zip(communities).map(|(key, community)| Address { community, key }).collect()
}
