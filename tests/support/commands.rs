//! Commands on keys in the default scope.

use rootcellar::batch::Command;
use rootcellar::kv::{Address, Entry, NewExpiry, Swap};

/// Stores a value.
pub fn set(key: &str, value: &str) -> Command {
    Command::Set(Entry::new(Address::new(key), value))
}

/// Stores a value if the key still holds another one; `None` if it must hold none.
pub fn swap(key: &str, expected: Option<&str>, value: &str) -> Command {
    Command::Swap(Swap {
        address: Address::new(key),
        expected: expected.map(str::to_owned).into(),
        value: value.to_owned(),
        expiry: NewExpiry::Kept,
    })
}
