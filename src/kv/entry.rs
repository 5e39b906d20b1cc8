//! Addresses and entries, and compare-and-swap.

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
    /// Its address.
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

/// The value that a swap expects the key to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// No live value.
    Nothing,
    /// This live value.
    Value(String),
    /// The value that the command before it on the same key left, in the same batch.
    Previous,
}

impl From<Option<String>> for Expected {
    fn from(live: Option<String>) -> Self {
        live.map_or(Self::Nothing, Self::Value)
    }
}

/// Compare-and-swap: the write half of `update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// Its address.
    pub address: Address,
    /// The value that the new one was computed from.
    pub expected: Expected,
    /// The new value, JSON text.
    pub value: String,
    /// The new expiry.
    pub expiry: NewExpiry,
}

/// Expiry that a swap leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewExpiry {
    /// That of the live value; none if there is none.
    Kept,
    /// None.
    Never,
    /// This time, in milliseconds since 1970 UTC.
    At(i64),
}

impl NewExpiry {
    /// The expiry that is left where the live value has `live`.
    ///
    /// ```
    /// use rootcellar::kv::NewExpiry;
    ///
    /// assert_eq!(NewExpiry::Kept.over(Some(1)), Some(1));
    /// assert_eq!(NewExpiry::Never.over(Some(1)), None);
    /// assert_eq!(NewExpiry::At(2).over(Some(1)), Some(2));
    /// ```
    #[must_use]
    pub fn over(self, live: Option<i64>) -> Option<i64> {
        match self {
            Self::Kept => live,
            Self::Never => None,
            Self::At(time) => Some(time),
        }
    }
}
