//! Addresses and entries, and changes that depend on what a key holds.

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
    /// The expiry of the live value; none if there is no live value.
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

/// Adds to the number that a key holds. A key that is not there counts as 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Increment {
    /// The address of the number.
    pub address: Address,
    /// The number to add.
    pub by: f64,
    /// The least result.
    pub min: f64,
    /// The greatest result.
    pub max: f64,
    /// The expiry of a key that was not there, in milliseconds since 1970 UTC; `None` for never. One that was there
    /// keeps its own.
    pub expires_at: Option<i64>,
}

impl Increment {
    /// The sum, computed as JavaScript does; `None` if it is not finite, or out of the range.
    ///
    /// ```
    /// use rootcellar::kv::{Address, Increment};
    ///
    /// let address = Address::new("stock");
    /// let sell = Increment { address, by: -1.0, min: 0.0, max: f64::INFINITY, expires_at: None };
    /// assert_eq!(sell.add_to(1.0), Some(0.0));
    /// assert_eq!(sell.add_to(0.0), None);
    /// ```
    #[must_use]
    pub fn add_to(&self, number: f64) -> Option<f64> {
        let sum = number + self.by;
        // Stored, a negative zero becomes a positive one, as in `JSON.stringify`.
        (sum.is_finite() && self.min <= sum && sum <= self.max).then_some(if sum == 0.0 { 0.0 } else { sum })
    }
}

/// One key of a swap of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapPart {
    /// Its address.
    pub address: Address,
    /// The value that it is expected to have.
    pub expected: Expected,
    /// The change of it, made only if every key has the expected value.
    pub then: Then,
}

/// Change of a key in a swap of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// It stays as it is.
    Keep,
    /// It gets this value, JSON text, and keeps its expiry.
    Store(String),
    /// It is removed.
    Delete,
}

/// Result of a command on keys.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyOutcome {
    /// The number that the key holds now, and its expiry in milliseconds since 1970 UTC.
    Number {
        /// The number.
        number: f64,
        /// The expiry.
        expires_at: Option<i64>,
    },
    /// True if the command changed anything.
    Done(bool),
    /// The value that the key held, JSON text.
    Value(Option<String>),
    /// Number of live keys that were removed.
    Removed(u64),
}
