//! Requests to a destination, which need no open store.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![cfg_attr(test, allow(dead_code, reason = "in tests napi registers nothing"))]

use std::path::PathBuf;
use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::{AsyncTask, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use super::ask::{Ask, ask, asked};
use super::convert::backups::{BackupInfo, LagInfo, RestoredInfo};
use super::convert::failure::Failure;
use super::convert::options::RestoreTarget;
use crate::Error;
use crate::backup::destination::{Destination, parse};
use crate::backup::recover::{report, reset};
use crate::backup::restore::progress::RestoreProgress;
use crate::backup::{check_output, list, restore_to, verify};
use crate::clock::now_ms;
use crate::sql::{Cancel, CancelReason};

/// Answer to such a request. Each has some of the fields.
#[napi(object)]
#[derive(Default)]
pub struct Answer {
    /// Backups, the newest first.
    pub backups: Option<Vec<BackupInfo>>,
    /// The restored state, or one that could be restored.
    pub restored: Option<RestoredInfo>,
    /// Changes that the newest backup lacks.
    pub lag: Option<LagInfo>,
    /// A process makes backups of the file now.
    pub is_served: Option<bool>,
    /// Bytes that are in the write-ahead log of the file, and not in the file yet.
    pub log_bytes: Option<f64>,
    /// Opening the file would replace it while somebody has it open.
    pub replaces_open_file: Option<bool>,
    /// The file has the key-value table.
    pub is_store: Option<bool>,
    /// Nothing was set aside, because there are backups in no local folder.
    pub has_remote_backups: Option<bool>,
    /// Files that were set aside.
    pub moved: Option<Vec<MovedInfo>>,
    /// The error, if the request failed.
    pub error: Option<Failure>,
}

impl From<&Error> for Answer {
    fn from(error: &Error) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }
}

/// File or folder that was set aside.
#[napi(object)]
pub struct MovedInfo {
    /// Its path before.
    pub from: String,
    /// Its path now.
    pub to: String,
}

/// Cancels requests that it is given to. What was cancelled once stays so.
#[napi]
#[derive(Default)]
pub struct NativeCancel {
    pub(super) cancel: Arc<Cancel>,
}

#[napi]
impl NativeCancel {
    /// Makes one that has not cancelled anything.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels. Idempotent.
    #[napi]
    pub fn cancel(&self) {
        self.cancel.cancel(CancelReason::Aborted);
    }
}

/// Callback with the number of bytes read, and their total.
type Told = ThreadsafeFunction<FnArgs<(f64, f64)>, (), FnArgs<(f64, f64)>, Status, false, true>;

fn told(progress: Option<Function<FnArgs<(f64, f64)>, ()>>) -> napi::Result<Option<Told>> {
    progress.map(|progress| progress.build_threadsafe_function().weak::<true>().build()).transpose()
}

/// A callback for the progress of a restore.
#[allow(clippy::cast_precision_loss, reason = "JavaScript counts bytes as numbers")]
fn teller(told: Option<Told>) -> impl FnMut(RestoreProgress) {
    move |RestoreProgress { done_bytes, total_bytes }| {
        if let Some(told) = &told {
            told.call((done_bytes as f64, total_bytes as f64).into(), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// Lists the states at a destination that can be restored.
#[napi]
#[must_use]
pub fn list_backups(url: String, store: Option<String>) -> AsyncTask<Ask<Answer>> {
    ask(&url, store, |destination| {
        let backups = list(destination)?.iter().map(BackupInfo::from).collect();
        Ok(Answer { backups: Some(backups), ..Answer::default() })
    })
}

/// Restores to a file that is not open.
///
/// # Errors
///
/// If Node refuses the callback.
#[napi]
pub fn restore_backup(
    url: String,
    target: RestoreTarget,
    output: String,
    overwrites: bool,
    cancel: &NativeCancel,
    progress: Option<Function<FnArgs<(f64, f64)>, ()>>,
    store: Option<String>,
) -> napi::Result<AsyncTask<Ask<Answer>>> {
    let (told, cancel) = (told(progress)?, Arc::clone(&cancel.cancel));
    Ok(ask(&url, store, move |destination| {
        let output = PathBuf::from(output);
        let target = target.parse()?;
        let restored = restore_to(destination, target, &output, overwrites, &cancel, &mut teller(told))?;
        Ok(Answer { restored: Some((&restored).into()), ..Answer::default() })
    }))
}

/// Checks that a file may be written to `output`: it must not belong to a database, or lie in a folder of backups.
#[napi]
#[must_use]
pub fn check_output_path(url: Option<String>, output: String) -> Option<Failure> {
    // A destination with an invalid address has no folder.
    let destination = url.and_then(|url| parse(&url).ok());
    check_output(destination.as_deref(), &PathBuf::from(output)).err().map(|error| (&error).into())
}

/// Checks the backups: restores the newest state to a file in `folder`, which is removed again.
///
/// # Errors
///
/// If Node refuses the callback.
#[napi]
pub fn verify_backups(
    url: String,
    folder: String,
    cancel: &NativeCancel,
    progress: Option<Function<FnArgs<(f64, f64)>, ()>>,
    store: Option<String>,
) -> napi::Result<AsyncTask<Ask<Answer>>> {
    let (told, cancel) = (told(progress)?, Arc::clone(&cancel.cancel));
    Ok(ask(&url, store, move |destination| {
        let verified = verify(destination, &PathBuf::from(folder), &cancel, &mut teller(told))?;
        Ok(Answer { restored: Some((&verified).into()), ..Answer::default() })
    }))
}

/// Compares the file at `path` with its backups.
#[napi]
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "JavaScript counts bytes as numbers")]
pub fn report_backups(url: String, path: String) -> AsyncTask<Ask<Answer>> {
    ask(&url, None, move |destination| {
        let report = report::report(&PathBuf::from(path), destination)?;
        Ok(Answer {
            backups: Some(report.backups.iter().map(BackupInfo::from).collect()),
            lag: Some((&report.lag).into()),
            is_served: Some(report.is_served),
            log_bytes: Some(report.log_bytes as f64),
            ..Answer::default()
        })
    })
}

/// Tells how much of the file at `path` lies in its log, and if a process makes backups of it now.
#[napi]
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "JavaScript counts bytes as numbers")]
pub fn report_log(path: String) -> AsyncTask<Ask<Answer>> {
    let work = move || {
        let path = PathBuf::from(path);
        let (is_served, log_bytes) = (report::is_served(&path), report::log_bytes(&path));
        Ok(Answer { is_served: Some(is_served), log_bytes: Some(log_bytes as f64), ..Answer::default() })
    };
    asked(work)
}

/// Finds out if opening the file at `path` as a store would replace it while somebody has it open.
#[napi]
#[must_use]
pub fn would_replace_open_file(url: String, path: String) -> AsyncTask<Ask<Answer>> {
    ask(&url, None, move |destination| {
        let replaces_open_file = report::would_replace_open_file(&PathBuf::from(path), destination)?;
        Ok(Answer { replaces_open_file: Some(replaces_open_file), ..Answer::default() })
    })
}

/// Finds out if the file at `path` has the key-value table.
#[napi]
#[must_use]
pub fn look_for_keys(path: String) -> AsyncTask<Ask<Answer>> {
    let work = move || {
        let is_store = report::is_store(&PathBuf::from(path))?;
        Ok(Answer { is_store: Some(is_store), ..Answer::default() })
    };
    asked(work)
}

/// Returns `true` if a process makes backups of the file at `path` now.
#[napi]
#[must_use]
pub fn is_backed_up(path: String) -> bool {
    report::is_served(&PathBuf::from(path))
}

/// Removes the backup state beside the file at `path`, because another file was put in its place.
#[napi]
#[must_use]
pub fn forget_backup_state(path: String) -> AsyncTask<Ask<Answer>> {
    let work = move || report::forget(&PathBuf::from(path)).map(|()| Answer::default());
    asked(work)
}

/// Sets aside the file at `path` with all that belongs to it, unless there are backups at `url` that are in no folder.
#[napi]
#[must_use]
pub fn set_aside(path: String, url: Option<String>) -> AsyncTask<Ask<Answer>> {
    // On this thread, because it reads the environment.
    let destination = url.map(|url| parse(&url)).transpose();
    let work = move || {
        let destination = destination?;
        let root = destination.as_deref().and_then(Destination::root);
        if let Some(destination) = &destination
            && root.is_none()
            && !destination.list()?.is_empty()
        {
            return Ok(Answer { has_remote_backups: Some(true), ..Answer::default() });
        }
        let moved = reset::reset(&PathBuf::from(path), root, now_ms())?;
        let shown = |path: &std::path::Path| path.display().to_string();
        let moved = moved.iter().map(|one| MovedInfo { from: shown(&one.from), to: shown(&one.to) }).collect();
        Ok(Answer { moved: Some(moved), ..Answer::default() })
    };
    asked(work)
}
