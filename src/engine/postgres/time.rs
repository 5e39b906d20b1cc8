//! Times: the server's, in its own format, and what they are on the clock of this process.

use std::error::Error;
use std::time::Duration;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::limits::CLOCKS_DIFFER_MIN;

/// Milliseconds from 1970, JavaScript's beginning, to 2000, the server's (PostgreSQL, `timestamp.h`).
const EPOCH_MS: i64 = 946_684_800_000;

/// The earliest time that the server has, 4713 BC, and the latest, 294276 AD.
const LEAST_MS: i64 = -210_866_803_200_000;
const GREATEST_MS: i64 = 9_224_318_015_999_999;

/// A `timestamptz`: microseconds since 2000 UTC, by the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PgTime(pub i64);

impl PgTime {
    /// The time so many milliseconds after 1970 UTC, or the nearest that the server has.
    pub fn from_ms(ms: i64) -> Self {
        Self((ms.clamp(LEAST_MS, GREATEST_MS) - EPOCH_MS) * 1_000)
    }

    /// Milliseconds since 1970 UTC, rounded up; `None` for `infinity`, which never comes.
    pub fn ms(self) -> Option<i64> {
        match self.0 {
            i64::MAX => None,
            i64::MIN => Some(LEAST_MS),
            micros => Some(micros.div_euclid(1_000) + i64::from(micros.rem_euclid(1_000) > 0) + EPOCH_MS),
        }
    }
}

impl<'a> FromSql<'a> for PgTime {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

impl ToSql for PgTime {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

/// Conversion of this process's times to the server's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clocks {
    ahead_ms: i64,
}

impl Clocks {
    /// These clocks, after the server's was found to be so far ahead, within the time that asking took. What differs by
    /// less than can be told is no difference: so a time that is stored comes back as it was.
    pub fn measured(self, ahead_ms: i64, took: Duration) -> Self {
        let unsure = i64::try_from((CLOCKS_DIFFER_MIN + took).as_millis()).unwrap_or(i64::MAX);
        let moved = (ahead_ms - self.ahead_ms).abs();
        if moved <= unsure {
            self
        } else if ahead_ms.abs() <= unsure {
            Self::default()
        } else {
            Self { ahead_ms }
        }
    }

    /// The server's time at a time of this process, in milliseconds since 1970 UTC.
    pub fn to_server(self, ms: i64) -> PgTime {
        PgTime::from_ms(ms.saturating_add(self.ahead_ms))
    }

    /// The time of this process at a time of the server.
    pub fn to_client(self, time: PgTime) -> Option<i64> {
        time.ms().map(|ms| ms - self.ahead_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_javascript_come_back() {
        for ms in [0, 1, -1, 1_700_000_000_123, EPOCH_MS, 8_640_000_000_000_000] {
            assert_eq!(PgTime::from_ms(ms).ms(), Some(ms));
        }
        assert_eq!(PgTime::from_ms(i64::MIN).ms(), Some(LEAST_MS));
        assert_eq!(PgTime(i64::MAX).ms(), None);
        assert_eq!(PgTime(1).ms(), Some(EPOCH_MS + 1));
    }

    #[test]
    fn only_a_difference_that_can_be_measured_counts() {
        let took = Duration::from_millis(10);
        let same = Clocks::default().measured(200, took);
        assert_eq!(same.to_server(5), PgTime::from_ms(5));
        let ahead = same.measured(5_000, took);
        assert_eq!(ahead.to_server(5), PgTime::from_ms(5_005));
        assert_eq!(ahead.measured(5_100, took).to_client(PgTime::from_ms(5_005)), Some(5));
        assert_eq!(ahead.measured(3, took).to_server(5), PgTime::from_ms(5));
    }
}
