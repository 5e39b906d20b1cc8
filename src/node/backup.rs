//! The backups of an open store as `lib/` sees them.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![allow(clippy::cast_precision_loss, reason = "JavaScript counts bytes and milliseconds as numbers")]
#![allow(clippy::cast_possible_truncation, reason = "as do times that it hands over")]

use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use napi_derive::napi;

use super::event::{Event, EventKind};
use super::info::{RestoredInfo, StatusInfo};
use super::store::{NativeStore, Shared};
use crate::backup::RestoredStore;
use crate::backup::destination::parse;
use crate::backup::files::BackupFile;
use crate::backup::opening::Outcome;
use crate::backup::plan::Target;
use crate::backup::service::{self, Hook, Observer};
use crate::limits::{BACKUP_INTERVAL, BACKUP_RETENTION, HOOK_WAIT, SHUTDOWN_TIMEOUT};
use crate::ltx::Txid;
use crate::threads::lock;
use crate::{BackupProblem, Error, Reply};

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
pub fn parse_options(options: &BackupOptions) -> Result<service::Options, Error> {
    let duration = |ms: Option<f64>, default| {
        ms.map_or(default, |ms| Duration::from_secs_f64(ms.clamp(0.0, MILLISECONDS_MAX) / 1000.0))
    };
    Ok(service::Options {
        destination: parse(&options.url)?,
        interval: duration(options.interval_ms, BACKUP_INTERVAL),
        retention: duration(options.retention_ms, BACKUP_RETENTION),
        shutdown_timeout: duration(options.shutdown_timeout_ms, SHUTDOWN_TIMEOUT),
    })
}

#[napi]
impl NativeStore {
    /// Backs up what there is. Ends with `backedUp` or `failed`.
    #[napi]
    pub fn back_up(&self, id: u32) {
        let Some(service) = self.shared.service(id) else { return };
        let shared = Arc::clone(&self.shared);
        service.create(Reply::new(move |result: Result<BackupFile, Error>| {
            shared.tell([match result {
                Ok(file) => Event { backup: Some((&file).into()), ..Event::new(id, EventKind::BackedUp) },
                Err(error) => Event::failed(id, &error),
            }]);
        }));
    }

    /// Restores the store itself. Ends with `restored` or `failed`.
    #[napi]
    pub fn restore(&self, id: u32, target: RestoreTarget) {
        let Some(service) = self.shared.service(id) else { return };
        let shared = Arc::clone(&self.shared);
        let reply = Reply::new(move |result: Result<RestoredStore, Error>| {
            shared.tell([match result {
                Ok(restored) => Event { restored: Some((&restored).into()), ..Event::new(id, EventKind::Restored) },
                Err(error) => Event::failed(id, &error),
            }]);
        });
        match target.parse() {
            Ok(target) => service.restore(target, reply),
            Err(error) => reply.send(Err(error)),
        }
    }

    /// How backups stand; `null` if there are none.
    #[napi]
    #[must_use]
    pub fn backup_status(&self) -> Option<StatusInfo> {
        let open = lock(&self.shared.open);
        Some((&open.as_ref()?.service.as_ref()?.status()).into())
    }

    /// Makes the last backup without returning to JavaScript before: the process is ending.
    #[napi]
    pub fn finish_backups(&self) {
        self.shared.finish_backups();
    }

    /// A function of the user has ended: the `hook` with this number, without or with an error's message.
    #[napi]
    pub fn hook_ended(&self, number: u32, problem: Option<String>) {
        let waiting = lock(&self.shared.hooks).waiting.remove(&number);
        if let Some(waiting) = waiting {
            // Nobody may wait any more.
            let _ = waiting.send(problem);
        }
    }
}

/// The functions of the user.
#[derive(Default)]
pub struct Hooks {
    /// Those that there are.
    pub names: Vec<HookName>,
    /// The environment is ending: none will ever be called again.
    pub is_ending: bool,
    last_number: u32,
    /// Who waits for the end of each.
    waiting: HashMap<u32, mpsc::Sender<Option<String>>>,
    /// Those that were not waited for any more.
    stuck: Vec<(Hook, mpsc::Receiver<Option<String>>)>,
}

impl Hooks {
    /// Whether a function was called and has still not ended.
    fn is_stuck(&mut self, hook: Hook) -> bool {
        self.stuck.retain(|(_, ends)| matches!(ends.try_recv(), Err(mpsc::TryRecvError::Empty)));
        self.stuck.iter().any(|(stuck, _)| *stuck == hook)
    }
}

impl Observer for Shared {
    fn happened(&self, event: &service::Event) {
        let notice = |kind| Event::new(0, kind);
        self.tell([match event {
            service::Event::Backup(file) => Event { backup: Some(file.into()), ..notice(EventKind::BackedUp) },
            service::Event::Failure(error) => Event { error: Some(error.into()), ..notice(EventKind::Failed) },
            service::Event::Progress(progress) => Event {
                done_bytes: Some(progress.done_bytes as f64),
                total_bytes: Some(progress.total_bytes as f64),
                ..notice(EventKind::Progress)
            },
            service::Event::Opened(Outcome::Kept) => return,
            service::Event::Opened(Outcome::Restored(file)) => {
                Event { restored: Some(RestoredInfo::from(file)), ..notice(EventKind::Restored) }
            }
            service::Event::Restored(restored) => {
                Event { restored: Some(restored.into()), ..notice(EventKind::Restored) }
            }
        }]);
    }

    fn ending(&self) {
        let mut hooks = lock(&self.hooks);
        hooks.is_ending = true;
        hooks.waiting.clear();
    }

    fn hook(&self, hook: Hook) -> Result<(), Error> {
        let mut hooks = lock(&self.hooks);
        // One that has not ended is not called again: it would only pile up.
        if !hooks.names.contains(&hook.into()) || hooks.is_ending || hooks.is_stuck(hook) {
            return Ok(());
        }
        hooks.last_number = hooks.last_number.wrapping_add(1);
        let number = hooks.last_number;
        let (ended, ends) = mpsc::channel();
        hooks.waiting.insert(number, ended);
        drop(hooks);
        self.tell([Event { hook: Some(hook.into()), hook_number: Some(number), ..Event::new(0, EventKind::Hook) }]);
        let failed = |what: &str| Error::backup(BackupProblem::Hook, format!("the hook {} {what}", hook.name()));
        match ends.recv_timeout(HOOK_WAIT) {
            Ok(None) => Ok(()),
            Ok(Some(problem)) => Err(failed(&format!("failed: {problem}"))),
            Err(_) => {
                lock(&self.hooks).stuck.push((hook, ends));
                Err(failed("has not ended; backups go on without waiting for it"))
            }
        }
    }
}
