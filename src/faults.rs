//! Faults that tests inject through environment variables, where nothing real could cause them.
//!
//! Only the feature `faults` has them. Published binaries are built without it.

use std::sync::OnceLock;
use std::time::Duration;

/// Leaves SQLite's locks unchanged, to show what happens then. It destroys files.
#[cfg(lock_shim)]
const WITHOUT_LOCK_SHIM: &str = "ROOTCELLAR_TEST_WITHOUT_LOCK_SHIM";

/// Names a key at which the writer's thread panics.
const PANIC_ON_KEY: &str = "ROOTCELLAR_TEST_PANIC_ON_KEY";

/// Names a step at which the process ends.
const CRASH_AT: &str = "ROOTCELLAR_TEST_CRASH_AT";

/// Sends what may have been carried out on PostgreSQL again without asking the ledger.
const BLIND_RETRY: &str = "ROOTCELLAR_TEST_BLIND_RETRY";

/// Milliseconds between two purges: a fault only in that they are few.
const PURGE_INTERVAL_MS: &str = "ROOTCELLAR_TEST_PURGE_INTERVAL_MS";

/// Faults that the tests have asked for.
#[derive(Default)]
struct Faults {
    #[cfg(lock_shim)]
    is_without_lock_shim: bool,
    is_blind: bool,
    panic_key: Option<String>,
    crash_step: Option<String>,
    purge_interval: Option<Duration>,
}

fn faults() -> &'static Faults {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    FAULTS.get_or_init(|| {
        if cfg!(not(feature = "faults")) {
            return Faults::default();
        }
        Faults {
            #[cfg(lock_shim)]
            is_without_lock_shim: std::env::var_os(WITHOUT_LOCK_SHIM).is_some(),
            is_blind: std::env::var_os(BLIND_RETRY).is_some(),
            panic_key: std::env::var(PANIC_ON_KEY).ok(),
            crash_step: std::env::var(CRASH_AT).ok(),
            purge_interval: std::env::var(PURGE_INTERVAL_MS)
                .ok()
                .and_then(|ms| ms.parse().ok().map(Duration::from_millis)),
        }
    })
}

/// Reads the environment. JavaScript may change it while another thread reads it, which ends the process: so this is called
/// on its thread before there are others.
#[cfg(feature = "node")]
pub fn read() {
    let _ = faults();
}

/// Returns `true` if the lock shim is to be left out.
#[cfg(lock_shim)]
pub fn without_lock_shim() -> bool {
    faults().is_without_lock_shim
}

/// Returns `true` if the ledger is not to be believed.
pub fn retries_blindly() -> bool {
    faults().is_blind
}

/// Interval between purges that the tests have asked for.
pub fn purge_interval() -> Option<Duration> {
    faults().purge_interval
}

/// Panics at the key that the tests have named.
pub fn panic_on(key: &str) {
    assert_ne!(faults().panic_key.as_deref(), Some(key), "the test asked for a panic");
}

/// Ends the process, as a kill would, at the step that the tests have named.
pub fn crash_at(step: &str) {
    if faults().crash_step.as_deref() == Some(step) {
        std::process::abort();
    }
}
