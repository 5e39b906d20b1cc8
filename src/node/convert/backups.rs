//! Backups, restores and their status as JavaScript objects.

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

/// A backup's time, limited to the range of JavaScript's dates.
pub fn date_ms(time_ms: i64) -> f64 {
    time_ms.clamp(-DATE_MS_MAX, DATE_MS_MAX) as f64
}

/// A backup.
#[napi(object)]
pub struct BackupInfo {
    /// Its last transaction.
    pub id: String,
    /// Time of its capture, in milliseconds since 1970 UTC.
    pub created_ms: f64,
    /// Its size in bytes.
    pub bytes: f64,
    /// It is a snapshot, which needs no other backup.
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
    /// Reason why it was left out.
    pub reason: String,
}

fn skipped(skipped: &[Skipped]) -> Vec<SkippedInfo> {
    skipped.iter().map(|one| SkippedInfo { name: one.name.to_string(), reason: one.reason.clone() }).collect()
}

/// A restored state, or one that could be restored.
#[napi(object)]
pub struct RestoredInfo {
    /// The last transaction of its backup.
    pub id: String,
    /// Time of its capture, in milliseconds since 1970 UTC.
    pub created_ms: f64,
    /// The size of the database in bytes.
    pub bytes: f64,
    /// Number of files that it was made from.
    pub files: u32,
    /// No backup was left out.
    pub is_complete: bool,
    /// Backups that were left out.
    pub skipped: Vec<SkippedInfo>,
    /// Backup of the state that was replaced, if there is one.
    pub undo_id: Option<String>,
    /// Reason why a file was restored before it was opened.
    pub reason: Option<String>,
    /// Path to which the replaced file was moved.
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

/// Changes that the newest backup of a file lacks.
#[napi(object)]
pub struct LagInfo {
    /// Kind of the answer.
    pub kind: LagKind,
    /// Number of pages that have changed.
    pub pages: f64,
    /// Size of these pages in bytes.
    pub bytes: f64,
    /// Time of the newest backup, in milliseconds since 1970 UTC: the changes are younger.
    pub since_ms: Option<f64>,
    /// Reason why the changes are unknown.
    pub reason: Option<String>,
}

/// See `Lag`.
#[napi(string_enum = "camelCase")]
pub enum LagKind {
    /// None.
    None,
    /// Changed pages.
    Pages,
    /// The file is an old copy.
    OldCopy,
    /// Unknown.
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

/// Status of backups.
#[napi(object)]
pub struct StatusInfo {
    /// The destination, without credentials.
    pub destination: String,
    /// Current phase.
    pub phase: PhaseName,
    /// Age of the oldest change not yet backed up, in milliseconds; 0 if none.
    pub lag_ms: f64,
    /// Time of the last backup, in milliseconds since 1970 UTC.
    pub last_backup_ms: Option<f64>,
    /// The last error.
    pub last_error: Option<Failure>,
    /// Time of the last error, in milliseconds since 1970 UTC.
    pub last_error_ms: Option<f64>,
    /// The newest transaction at the destination.
    pub position: Option<String>,
}

/// See `Phase`.
#[napi(string_enum = "camelCase")]
pub enum PhaseName {
    /// Not started.
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

/// Name of a hook.
#[napi(string_enum = "camelCase")]
#[derive(PartialEq, Eq)]
pub enum HookName {
    /// Before a capture.
    BeforeBackup,
    /// After a backup.
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
