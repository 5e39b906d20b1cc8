//! What can be asked of a destination without a store.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![cfg_attr(test, allow(dead_code, reason = "in tests napi registers nothing"))]

use std::path::PathBuf;

use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};
use napi_derive::napi;

use super::backup::RestoreTarget;
use super::event::Failure;
use super::info::{BackupInfo, RestoredInfo};
use crate::Error;
use crate::backup::destination::{Destination, parse};
use crate::backup::files::restorable;
use crate::backup::{restore_to, verify};

/// What asynchronous requests without a store answer: one of these.
#[napi(object)]
pub struct Answer {
    /// Backups, the newest first.
    pub backups: Option<Vec<BackupInfo>>,
    /// What was restored, or could be.
    pub restored: Option<RestoredInfo>,
    /// Why neither.
    pub error: Option<Failure>,
}

type Work = Box<dyn FnOnce(&dyn Destination) -> Result<Answer, Error> + Send>;

/// A request on a thread of Node's own.
pub struct Ask {
    url: String,
    work: Option<Work>,
}

impl Task for Ask {
    type Output = Answer;
    type JsValue = Answer;

    fn compute(&mut self) -> napi::Result<Answer> {
        let work = self.work.take().ok_or_else(|| napi::Error::from_reason("asked twice"))?;
        let answer = parse(&self.url).and_then(|destination| work(&*destination));
        Ok(answer.unwrap_or_else(|error| Answer { backups: None, restored: None, error: Some((&error).into()) }))
    }

    fn resolve(&mut self, _env: Env, answer: Answer) -> napi::Result<Answer> {
        Ok(answer)
    }
}

fn ask(
    url: String,
    work: impl FnOnce(&dyn Destination) -> Result<Answer, Error> + Send + 'static,
) -> AsyncTask<Ask> {
    AsyncTask::new(Ask { url, work: Some(Box::new(work)) })
}

/// The states at a destination that can be restored.
#[napi]
#[must_use]
pub fn list_backups(url: String) -> AsyncTask<Ask> {
    ask(url, |destination| {
        let backups = restorable(&destination.list()?).iter().map(BackupInfo::from).collect();
        Ok(Answer { backups: Some(backups), restored: None, error: None })
    })
}

/// Restores to a file that is not open.
#[napi]
#[must_use]
pub fn restore_backup(url: String, target: RestoreTarget, output: String, overwrites: bool) -> AsyncTask<Ask> {
    ask(url, move |destination| {
        let output = PathBuf::from(output);
        let restored = restore_to(destination, target.parse()?, &output, overwrites, &mut |_| {})?;
        Ok(Answer { backups: None, restored: Some((&restored).into()), error: None })
    })
}

/// Restores the newest state to a file in `folder` that is removed again.
#[napi]
#[must_use]
pub fn verify_backups(url: String, folder: String) -> AsyncTask<Ask> {
    ask(url, move |destination| {
        let verified = verify(destination, &PathBuf::from(folder), &mut |_| {})?;
        Ok(Answer { backups: None, restored: Some((&verified).into()), error: None })
    })
}
