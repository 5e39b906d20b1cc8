//! Trying again: with pauses that grow and differ between processes, until a time limit.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use crate::engine::postgres::failure::ServerFailure;
use crate::limits::{RETRY_PAUSE_FIRST, RETRY_PAUSE_MAX};

/// Attempts at one operation.
#[derive(Debug)]
pub struct Retry {
    deadline: Instant,
    pause: Duration,
    /// The failure that says most about why none succeeds.
    told: ServerFailure,
}

impl Retry {
    /// Attempts for this long.
    pub fn within(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, pause: RETRY_PAUSE_FIRST, told: ServerFailure::Lost }
    }

    /// The time that is left.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Reason why no attempt has succeeded.
    pub fn told(&self) -> &ServerFailure {
        &self.told
    }

    /// Waits before the next attempt, after one that has failed. Returns `false` if there is to be none.
    pub async fn pause(&mut self, failure: ServerFailure) -> bool {
        // The last attempt is cut short by the time limit, and says nothing then.
        if !matches!(failure, ServerFailure::Lost) {
            self.told = failure;
        }
        let left = self.left();
        if left.is_zero() {
            return false;
        }
        tokio::time::sleep(jittered(self.pause).min(left)).await;
        self.pause = (2 * self.pause).min(RETRY_PAUSE_MAX);
        true
    }
}

/// Between half of a pause and all of it.
fn jittered(pause: Duration) -> Duration {
    // The hasher's keys are random.
    let random = RandomState::new().build_hasher().finish();
    let nanos = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(nanos / 2 + random % (nanos / 2).max(1))
}
