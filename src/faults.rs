//! Faults that the tests inject, through the environment of the process, where nothing real could cause them.
//!
//! They are there only with the feature `faults`, which the binaries that are published are built without.

use std::sync::OnceLock;

#[cfg(lock_shim)]
/// Leaves SQLite's locks as they are, to show what happens then. It destroys files.
const WITHOUT_LOCK_SHIM: &str = "ROOTCELLAR_TEST_WITHOUT_LOCK_SHIM";

/// Names a key at which the writer's thread panics.
const PANIC_ON_KEY: &str = "ROOTCELLAR_TEST_PANIC_ON_KEY";

/// Names a step at which the process ends.
const CRASH_AT: &str = "ROOTCELLAR_TEST_CRASH_AT";

/// Whether the lock shim is to be left out.
#[cfg(lock_shim)]
pub fn without_lock_shim() -> bool {
    cfg!(feature = "faults") && std::env::var_os(WITHOUT_LOCK_SHIM).is_some()
}

/// Panics if a command concerns the key that the tests have named.
pub fn panic_on(key: &str) {
    static KEY: OnceLock<Option<String>> = OnceLock::new();
    if cfg!(not(feature = "faults")) {
        return;
    }
    let named = KEY.get_or_init(|| std::env::var(PANIC_ON_KEY).ok());
    assert_ne!(named.as_deref(), Some(key), "the test asked for a panic");
}

/// Ends the process, as a kill would, if the tests have named this step.
pub fn crash_at(step: &str) {
    if cfg!(feature = "faults") && std::env::var(CRASH_AT).is_ok_and(|named| named == step) {
        std::process::abort();
    }
}
