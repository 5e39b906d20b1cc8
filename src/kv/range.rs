//! Ranges of keys.

/// Keys from one on up to another, in the order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// Inclusive.
    pub from: String,
    /// Exclusive; `None` for no upper bound.
    pub to: Option<String>,
}

impl KeyRange {
    /// Returns `true` if a key is in it, in the order of bytes.
    ///
    /// ```
    /// use rootcellar::kv::KeyRange;
    ///
    /// let range = KeyRange { from: "a".into(), to: Some("b".into()) };
    /// assert!(range.has("a") && range.has("a\u{1f600}") && !range.has("b"));
    /// ```
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        key >= self.from.as_str() && self.to.as_deref().is_none_or(|to| key < to)
    }

    /// Returns `true` if every key of another range is in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let ends_no_later = match (&self.to, &other.to) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(to), Some(other)) => other <= to,
        };
        self.from <= other.from && ends_no_later
    }
}
