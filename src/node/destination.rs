//! What can be asked of a destination without a store.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![cfg_attr(test, allow(dead_code, reason = "in tests napi registers nothing"))]

use std::path::PathBuf;

use napi::bindgen_prelude::{AsyncTask, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, Task};
use napi_derive::napi;

use super::convert::backups::{BackupInfo, LagInfo, RestoredInfo};
use super::convert::failure::Failure;
use super::convert::options::RestoreTarget;
use crate::Error;
use crate::backup::destination::{Destination, parse};
use crate::backup::recover::report;
use crate::backup::restore::progress::RestoreProgress;
use crate::backup::{check_output, destination_of, list, restore_to, verify};

/// What asynchronous requests without a store answer, as far as it was asked.
#[napi(object)]
#[derive(Default)]
pub struct Answer {
    /// Backups, the newest first.
    pub backups: Option<Vec<BackupInfo>>,
    /// What was restored, or could be.
    pub restored: Option<RestoredInfo>,
    /// What the newest backup lacks.
    pub lag: Option<LagInfo>,
    /// Whether a process makes backups of the file now.
    pub is_served: Option<bool>,
    /// Whether opening the file would take it away from somebody who has it open.
    pub replaces_open_file: Option<bool>,
    /// Whether the file has the key-value table.
    pub is_store: Option<bool>,
    /// Why nothing of that.
    pub error: Option<Failure>,
}

type AskWork = Box<dyn FnOnce() -> Result<Answer, Error> + Send>;

/// Is told how many bytes of how many were read.
type Told = ThreadsafeFunction<FnArgs<(f64, f64)>, (), FnArgs<(f64, f64)>, Status, false, true>;

fn told(progress: Option<Function<FnArgs<(f64, f64)>, ()>>) -> napi::Result<Option<Told>> {
    progress.map(|progress| progress.build_threadsafe_function().weak::<true>().build()).transpose()
}

/// What tells JavaScript of a restore's progress.
#[allow(clippy::cast_precision_loss, reason = "JavaScript counts bytes as numbers")]
fn teller(told: Option<Told>) -> impl FnMut(RestoreProgress) {
    move |RestoreProgress { done_bytes, total_bytes }| {
        if let Some(told) = &told {
            told.call((done_bytes as f64, total_bytes as f64).into(), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// A request on a thread of Node's own.
pub struct Ask {
    work: Option<AskWork>,
}

impl Task for Ask {
    type Output = Answer;
    type JsValue = Answer;

    fn compute(&mut self) -> napi::Result<Answer> {
        let work = self.work.take().ok_or_else(|| napi::Error::from_reason("asked twice"))?;
        Ok(work().unwrap_or_else(|error| Answer { error: Some((&error).into()), ..Answer::default() }))
    }

    fn resolve(&mut self, _env: Env, answer: Answer) -> napi::Result<Answer> {
        Ok(answer)
    }
}

/// Asks the destination that `url` names; or that of `store`, a file, if the file is open in this process.
fn ask(
    url: String,
    store: Option<String>,
    work: impl FnOnce(&dyn Destination) -> Result<Answer, Error> + Send + 'static,
) -> AsyncTask<Ask> {
    let work = move || match store.and_then(|path| destination_of(&PathBuf::from(path))) {
        Some(destination) => work(&*destination),
        None => work(&*parse(&url)?),
    };
    AsyncTask::new(Ask { work: Some(Box::new(work)) })
}

/// The states at a destination that can be restored.
#[napi]
#[must_use]
pub fn list_backups(url: String, store: Option<String>) -> AsyncTask<Ask> {
    ask(url, store, |destination| {
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
    progress: Option<Function<FnArgs<(f64, f64)>, ()>>,
    store: Option<String>,
) -> napi::Result<AsyncTask<Ask>> {
    let told = told(progress)?;
    Ok(ask(url, store, move |destination| {
        let output = PathBuf::from(output);
        let restored = restore_to(destination, target.parse()?, &output, overwrites, &mut teller(told))?;
        Ok(Answer { restored: Some((&restored).into()), ..Answer::default() })
    }))
}

/// Checks that a file may be written to `output`: it must not be what belongs to a database, or lie in a folder of backups.
#[napi]
#[must_use]
pub fn check_output_path(url: Option<String>, output: String) -> Option<Failure> {
    // A destination that cannot be used has no folder.
    let destination = url.and_then(|url| parse(&url).ok());
    check_output(destination.as_deref(), &PathBuf::from(output)).err().map(|error| (&error).into())
}

/// Restores the newest state to a file in `folder` that is removed again.
///
/// # Errors
///
/// If Node refuses the callback.
#[napi]
pub fn verify_backups(
    url: String,
    folder: String,
    progress: Option<Function<FnArgs<(f64, f64)>, ()>>,
    store: Option<String>,
) -> napi::Result<AsyncTask<Ask>> {
    let told = told(progress)?;
    Ok(ask(url, store, move |destination| {
        let verified = verify(destination, &PathBuf::from(folder), &mut teller(told))?;
        Ok(Answer { restored: Some((&verified).into()), ..Answer::default() })
    }))
}

/// How the file at `path` stands against its backups.
#[napi]
#[must_use]
pub fn report_backups(url: String, path: String) -> AsyncTask<Ask> {
    ask(url, None, move |destination| {
        let report = report::report(&PathBuf::from(path), destination)?;
        Ok(Answer {
            backups: Some(report.backups.iter().map(BackupInfo::from).collect()),
            lag: Some((&report.lag).into()),
            is_served: Some(report.is_served),
            ..Answer::default()
        })
    })
}

/// Whether opening the file at `path` as a store would take it away from somebody who has it open.
#[napi]
#[must_use]
pub fn would_replace_open_file(url: String, path: String) -> AsyncTask<Ask> {
    ask(url, None, move |destination| {
        let replaces_open_file = report::would_replace_open_file(&PathBuf::from(path), destination)?;
        Ok(Answer { replaces_open_file: Some(replaces_open_file), ..Answer::default() })
    })
}

/// Whether the file at `path` has the key-value table.
#[napi]
#[must_use]
pub fn look_for_keys(path: String) -> AsyncTask<Ask> {
    let work = move || {
        let is_store = report::is_store(&PathBuf::from(path))?;
        Ok(Answer { is_store: Some(is_store), ..Answer::default() })
    };
    AsyncTask::new(Ask { work: Some(Box::new(work)) })
}

/// Whether a process makes backups of the file at `path` now.
#[napi]
#[must_use]
pub fn is_backed_up(path: String) -> bool {
    report::is_served(&PathBuf::from(path))
}

/// Forgets what backups know of the file at `path`: another was put in its place.
#[napi]
#[must_use]
pub fn forget_backup_state(path: String) -> AsyncTask<Ask> {
    let work = move || report::forget(&PathBuf::from(path)).map(|()| Answer::default());
    AsyncTask::new(Ask { work: Some(Box::new(work)) })
}
