//! Expiry of entries.

/// Returns `true` if an entry with this expiry has expired at `now_ms`. Both are in milliseconds since 1970 UTC.
///
/// ```
/// use rootcellar::kv::is_expired;
///
/// assert!(is_expired(Some(1_000), 1_000));
/// assert!(!is_expired(Some(1_001), 1_000));
/// assert!(!is_expired(None, i64::MAX));
/// ```
#[must_use]
pub fn is_expired(expires_at: Option<i64>, now_ms: i64) -> bool {
    expires_at.is_some_and(|at| at <= now_ms)
}
