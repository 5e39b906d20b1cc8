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

/// No time span is longer than JavaScript's whole time range (ECMAScript, "Time Values and Time Range").
const MILLISECONDS_MAX: f64 = 8.64e15;

/// How backups are made; what is left out is as `limits` has it.
#[napi(object)]
pub struct BackupOptions {
    /// The destination: a path or a URL.
    pub url: String,
    /// How long a change waits for its backup at most.
    pub interval_ms: Option<f64>,
    /// How long backups are kept.
    pub retention_ms: Option<f64>,
    /// How long the last one may take when the store is closed.
    pub shutdown_timeout_ms: Option<f64>,
    /// The functions of the user that there are.
    pub hooks: Vec<HookName>,
}

/// The state to restore: the newest, unless one of these is given.
#[napi(object)]
pub struct RestoreTarget {
    /// A backup.
    pub id: Option<String>,
    /// A time in milliseconds since 1970 UTC; what was captured then is included.
    pub at_ms: Option<f64>,
}

impl RestoreTarget {
    /// What the core needs of a target.
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

/// What the core needs of options.
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
