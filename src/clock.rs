//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// How far a date of JavaScript lies from 1970 at most, in milliseconds (ECMAScript, "Time Values and Time Range").
pub const DATE_MS_MAX: i64 = 8_640_000_000_000_000;

/// Milliseconds since 1970 UTC.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
