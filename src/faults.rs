//! Faults that tests inject through environment variables, where nothing real could cause them.
//!
//! Only the feature `faults` has them. Published binaries are built without it.

use std::sync::OnceLock;

#[cfg(lock_shim)]
/// Leaves SQLite's own locks in place, to show what happens without the shim. This destroys files.
const WITHOUT_LOCK_SHIM: &str = "ROOTCELLAR_TEST_WITHOUT_LOCK_SHIM";

/// A key at which the writer's thread panics.
const PANIC_ON_KEY: &str = "ROOTCELLAR_TEST_PANIC_ON_KEY";

/// A step at which the process ends.
const CRASH_AT: &str = "ROOTCELLAR_TEST_CRASH_AT";

/// Returns `true` if a test leaves out the lock shim.
#[cfg(lock_shim)]
pub fn without_lock_shim() -> bool {
    cfg!(feature = "faults") && std::env::var_os(WITHOUT_LOCK_SHIM).is_some()
}

/// Panics if a test has named this key.
pub fn panic_on(key: &str) {
    static KEY: OnceLock<Option<String>> = OnceLock::new();
    if cfg!(not(feature = "faults")) {
        return;
    }
    let named = KEY.get_or_init(|| std::env::var(PANIC_ON_KEY).ok());
    assert_ne!(named.as_deref(), Some(key), "the test asked for a panic");
}

/// Ends the process, as a kill would, if a test has named this step.
pub fn crash_at(step: &str) {
    if cfg!(feature = "faults") && std::env::var(CRASH_AT).is_ok_and(|named| named == step) {
        std::process::abort();
    }
}
