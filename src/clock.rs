//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// The latest date that JavaScript has, and the earliest with a minus sign, in milliseconds since 1970 UTC
/// (ECMAScript, "Time Values and Time Range").
pub const DATE_MS_MAX: i64 = 8_640_000_000_000_000;

/// The time of day in milliseconds since 1970 UTC.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
