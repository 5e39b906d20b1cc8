//! What is stored under a key, and what a write expects to find there.

/// A key within its scope: a community, or the default scope, which is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The community, or `None` for the default scope.
    pub community: Option<String>,
    /// The key.
    pub key: String,
}

impl Address {
    /// A key of the default scope.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self { community: None, key: key.to_owned() }
    }
}

/// A value to store at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub address: Address,
    /// JSON text.
    pub value: String,
    /// Milliseconds since 1970 UTC, or `None` for never.
    pub expires_at: Option<i64>,
}

impl Entry {
    /// An entry that does not expire.
    #[must_use]
    pub fn new(address: Address, value: &str) -> Self {
        Self { address, value: value.to_owned(), expires_at: None }
    }
}

/// What a swap expects the key to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// No live value.
    Nothing,
    /// This live value.
    Value(String),
    /// What the command before it on the same key, in the same batch, has left.
    Previous,
}

impl From<Option<String>> for Expected {
    fn from(live: Option<String>) -> Self {
        live.map_or(Self::Nothing, Self::Value)
    }
}

/// A compare-and-swap: the write half of `update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// Where.
    pub address: Address,
    /// What the new value was made from.
    pub expected: Expected,
    /// The new value, JSON text.
    pub value: String,
    /// The new expiry; `None` keeps the one that a live row has.
    pub expires_at: Option<i64>,
}
