//! What is told of backups, as JavaScript has it.

#![allow(clippy::cast_precision_loss, reason = "JavaScript counts bytes and milliseconds as numbers")]

use napi_derive::napi;

use super::failure::Failure;
use crate::backup::Restored;
use crate::backup::catalog::files::BackupFile;
use crate::backup::events::Hook;
use crate::backup::recover::report::Lag;
use crate::backup::restore::restored::Skipped;
use crate::backup::service::status::{Phase, Status};
use crate::clock::{DATE_MS_MAX, now_ms};
use crate::ltx::Txid;

/// A time that a backup names, which need not be one that JavaScript has.
fn date_ms(time_ms: i64) -> f64 {
    time_ms.clamp(-DATE_MS_MAX, DATE_MS_MAX) as f64
}

/// A backup.
#[napi(object)]
pub struct BackupInfo {
    /// The transaction that it ends with.
    pub id: String,
    /// When it was captured, in milliseconds since 1970 UTC.
    pub created_ms: f64,
    /// Its size in bytes.
    pub bytes: f64,
    /// Whether it needs no other.
    pub is_snapshot: bool,
}

impl From<&BackupFile> for BackupInfo {
    fn from(file: &BackupFile) -> Self {
        Self {
            id: file.name.max.to_string(),
            created_ms: date_ms(file.time_ms),
            bytes: file.bytes as f64,
            is_snapshot: file.name.min == Txid::FIRST,
        }
    }
}

/// A backup that was left out of a restore.
#[napi(object)]
pub struct SkippedInfo {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

fn skipped(skipped: &[Skipped]) -> Vec<SkippedInfo> {
    skipped.iter().map(|one| SkippedInfo { name: one.name.to_string(), reason: one.reason.clone() }).collect()
}

/// What was restored, or could be.
#[napi(object)]
pub struct RestoredInfo {
    /// The backup.
    pub id: String,
    /// When it was captured, in milliseconds since 1970 UTC.
    pub created_ms: f64,
    /// The size of the database in bytes.
    pub bytes: f64,
    /// The number of files that it is made of.
    pub files: u32,
    /// Whether nothing was left out.
    pub is_complete: bool,
    /// What was left out.
    pub skipped: Vec<SkippedInfo>,
    /// The backup of what was there before, where something was replaced.
    pub undo_id: Option<String>,
    /// Why a file was restored before it was opened.
    pub reason: Option<String>,
    /// Where what was there is now.
    pub set_aside: Option<String>,
}

impl From<&Restored> for RestoredInfo {
    fn from(restored: &Restored) -> Self {
        Self {
            id: restored.txid.to_string(),
            created_ms: date_ms(restored.time_ms),
            bytes: restored.bytes as f64,
            files: u32::try_from(restored.files).unwrap_or(u32::MAX),
            is_complete: restored.is_complete(),
            skipped: skipped(&restored.skipped),
            undo_id: restored.undo.map(|txid| txid.to_string()),
            reason: restored.reason.clone(),
            set_aside: restored.set_aside.as_ref().map(|path| path.display().to_string()),
        }
    }
}

/// What the newest backup of a file lacks.
#[napi(object)]
pub struct LagInfo {
    /// What kind of answer this is.
    pub kind: LagKind,
    /// Pages that have changed since.
    pub pages: f64,
    /// Their size in bytes.
    pub bytes: f64,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: Option<f64>,
    /// Why it cannot be told.
    pub reason: Option<String>,
}

/// See `Lag`.
#[napi(string_enum = "camelCase")]
pub enum LagKind {
    /// It lacks nothing.
    None,
    /// Pages have changed since.
    Pages,
    /// The file is an old copy.
    OldCopy,
    /// That cannot be told.
    Unknown,
}

impl From<&Lag> for LagInfo {
    fn from(lag: &Lag) -> Self {
        let info = |kind| Self { kind, pages: 0.0, bytes: 0.0, since_ms: None, reason: None };
        match lag {
            Lag::None => info(LagKind::None),
            Lag::Pages { pages, bytes, since_ms } => Self {
                pages: *pages as f64,
                bytes: *bytes as f64,
                since_ms: Some(date_ms(*since_ms)),
                ..info(LagKind::Pages)
            },
            Lag::OldCopy => info(LagKind::OldCopy),
            Lag::Unknown(reason) => Self { reason: Some(reason.clone()), ..info(LagKind::Unknown) },
        }
    }
}

/// How backups stand.
#[napi(object)]
pub struct StatusInfo {
    /// The destination, without credentials.
    pub destination: String,
    /// What they are about.
    pub phase: PhaseName,
    /// How long there has been something that is not safe.
    pub lag_ms: f64,
    /// When the last one was made, in milliseconds since 1970 UTC.
    pub last_backup_ms: Option<f64>,
    /// What last went wrong.
    pub last_error: Option<Failure>,
    /// When.
    pub last_error_ms: Option<f64>,
    /// The newest transaction at the destination.
    pub position: Option<String>,
}

/// See `Phase`.
#[napi(string_enum = "camelCase")]
pub enum PhaseName {
    /// Nobody has looked yet.
    Starting,
    /// Backups are made.
    Active,
    /// Another process makes them.
    Elsewhere,
    /// The last attempt failed.
    Failing,
    /// Another writer uses the destination.
    Conflict,
}

impl From<Phase> for PhaseName {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Starting => Self::Starting,
            Phase::Active => Self::Active,
            Phase::Elsewhere => Self::Elsewhere,
            Phase::Failing => Self::Failing,
            Phase::Conflict => Self::Conflict,
        }
    }
}

impl From<&Status> for StatusInfo {
    fn from(status: &Status) -> Self {
        Self {
            lag_ms: status.lag_ms(now_ms()) as f64,
            destination: status.destination.clone(),
            phase: status.phase.into(),
            last_backup_ms: status.last_backup_ms.map(date_ms),
            last_error: status.last_error.as_ref().map(|(error, _)| error.into()),
            last_error_ms: status.last_error.as_ref().map(|(_, ms)| *ms as f64),
            position: status.position.map(|txid| txid.to_string()),
        }
    }
}

/// A function of the user.
#[napi(string_enum = "camelCase")]
#[derive(PartialEq, Eq)]
pub enum HookName {
    /// Before a capture.
    BeforeBackup,
    /// When a capture is safe.
    AfterBackup,
    /// Before a restore.
    BeforeRestore,
    /// After a restore.
    AfterRestore,
}

impl From<Hook> for HookName {
    fn from(hook: Hook) -> Self {
        match hook {
            Hook::BeforeBackup => Self::BeforeBackup,
            Hook::AfterBackup => Self::AfterBackup,
            Hook::BeforeRestore => Self::BeforeRestore,
            Hook::AfterRestore => Self::AfterRestore,
        }
    }
}
