//! The time of day.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
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

/// The clocks of the JavaScript environments of this process.
static SCRIPT_CLOCKS: Mutex<Vec<Weak<AtomicI64>>> = Mutex::new(Vec::new());

/// The clock of a JavaScript environment, as it was last reported. Tests set it (`Date.now`), also to the past, and by it
/// reads tell what has expired.
#[derive(Debug)]
#[cfg_attr(not(feature = "node"), allow(dead_code, reason = "without Node there is no JavaScript"))]
pub struct ScriptClock(Arc<AtomicI64>);

#[cfg_attr(not(feature = "node"), allow(dead_code, reason = "without Node there is no JavaScript"))]
impl ScriptClock {
    /// A clock that was not reported yet.
    #[must_use]
    pub fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(i64::MAX));
        let mut clocks = SCRIPT_CLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
        clocks.retain(|clock| clock.strong_count() > 0);
        clocks.push(Arc::downgrade(&clock));
        Self(clock)
    }

    /// Reports its time, in milliseconds since 1970 UTC.
    pub fn report(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::Relaxed);
    }

    /// Ends the reports: it counts no more.
    pub fn end(&self) {
        self.report(i64::MAX);
    }
}

impl Default for ScriptClock {
    fn default() -> Self {
        Self::new()
    }
}

/// The time, in milliseconds since 1970 UTC, up to which what expires has expired for everybody in this process: the
/// earliest of the system's clock and those that were reported.
#[must_use]
pub fn expiry_ms() -> i64 {
    let clocks = SCRIPT_CLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    clocks.iter().filter_map(Weak::upgrade).map(|clock| clock.load(Ordering::Relaxed)).fold(now_ms(), i64::min)
}
