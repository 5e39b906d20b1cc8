//! Options of backups and restores as JavaScript gives them.

#![allow(clippy::cast_possible_truncation, reason = "JavaScript hands over times as numbers")]

use std::time::Duration;

use napi_derive::napi;

use super::backups::HookName;
use crate::backup::catalog::plan::Target;
use crate::backup::destination::parse;
use crate::backup::events::ServiceOptions;
use crate::limits::{BACKUP_INTERVAL, BACKUP_RETENTION, SHUTDOWN_TIMEOUT};
use crate::ltx::Txid;
use crate::{BackupProblem, Error};

/// The longest time span: JavaScript's whole range of dates (ECMAScript, "Time Values and Time Range").
const MILLISECONDS_MAX: f64 = 8.64e15;

/// Options of backups. The defaults are in `limits`.
#[napi(object)]
pub struct BackupOptions {
    /// The destination: a path or a URL.
    pub url: String,
    /// Maximum time in milliseconds until a change is backed up.
    pub interval_ms: Option<f64>,
    /// Retention of backups in milliseconds.
    pub retention_ms: Option<f64>,
    /// Time limit in milliseconds of the last backup, when the store is closed.
    pub shutdown_timeout_ms: Option<f64>,
    /// Hooks that the user has given.
    pub hooks: Vec<HookName>,
}

/// The state to restore: the newest, unless one of these is given.
#[napi(object)]
pub struct RestoreTarget {
    /// Id of a backup.
    pub id: Option<String>,
    /// A time in milliseconds since 1970 UTC; changes captured at that time are included.
    pub at_ms: Option<f64>,
}

impl RestoreTarget {
    /// Converts the target.
    pub fn parse(&self) -> Result<Target, Error> {
        match (&self.id, self.at_ms) {
            (Some(id), _) => Txid::parse(id).map(Target::Txid).ok_or_else(|| {
                Error::backup(BackupProblem::NotFound, "there is no such backup: an id has 16 hexadecimal digits")
            }),
            (None, Some(at_ms)) => Ok(Target::Before((at_ms as i64).saturating_add(1))),
            (None, None) => Ok(Target::Newest),
        }
    }
}

/// Converts the options.
pub fn parse_options(options: &BackupOptions) -> Result<ServiceOptions, Error> {
    let duration = |ms: Option<f64>, default| {
        ms.map_or(default, |ms| Duration::from_secs_f64(ms.clamp(0.0, MILLISECONDS_MAX) / 1000.0))
    };
    Ok(ServiceOptions {
        destination: parse(&options.url)?,
        interval: duration(options.interval_ms, BACKUP_INTERVAL),
        retention: duration(options.retention_ms, BACKUP_RETENTION),
        shutdown_timeout: duration(options.shutdown_timeout_ms, SHUTDOWN_TIMEOUT),
    })
}
