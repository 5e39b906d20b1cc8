//! Backups of an open store: requests, and the calls of hooks.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![allow(clippy::cast_precision_loss, reason = "JavaScript counts bytes and milliseconds as numbers")]

use std::sync::{Arc, mpsc};

use napi_derive::napi;

use super::convert::backups::StatusInfo;
use super::convert::event::{EventKind, NativeEvent};
use super::convert::options::RestoreTarget;
use super::destination::NativeCancel;
use super::protocol::NO_REQUEST;
use super::state::outbox::Answers;
use super::state::store_state::StoreState;
use super::store::NativeStore;
use crate::backup::Restored;
use crate::backup::catalog::files::BackupFile;
use crate::backup::events::{BackupEvent, Hook, Observer};
use crate::engine::sqlite::Watcher;
use crate::limits::HOOK_WAIT;
use crate::threads::lock;
use crate::{BackupProblem, Error};

#[napi]
impl NativeStore {
    /// Makes a backup. Ends with `backedUp` or `failed`.
    #[napi]
    pub fn back_up(&self, id: u32) {
        let Some(service) = self.shared.service(id) else { return };
        service.create(self.shared.reply(id, move |file: BackupFile| NativeEvent {
            backup: Some((&file).into()),
            ..NativeEvent::new(id, EventKind::BackedUp)
        }));
    }

    /// Restores the store itself. Ends with `restored` or `failed`.
    #[napi]
    pub fn restore(&self, id: u32, target: RestoreTarget, cancel: &NativeCancel) {
        let Some(service) = self.shared.service(id) else { return };
        let reply = self.shared.reply(id, move |restored: Restored| NativeEvent {
            restored: Some((&restored).into()),
            ..NativeEvent::new(id, EventKind::Restored)
        });
        match target.parse() {
            Ok(target) => service.restore(target, Arc::clone(&cancel.cancel), reply),
            Err(error) => reply.send(Err(error)),
        }
    }

    /// Status of the backups; `null` if there are none.
    #[napi]
    #[must_use]
    pub fn backup_status(&self) -> Option<StatusInfo> {
        let open = lock(&self.shared.open);
        Some((&open.as_ref()?.service.as_ref()?.status()).into())
    }

    /// Makes the last backup and closes the file before it returns, because the process is ending. Returns the status of
    /// the backups then, if there are any and nobody else goes on making them.
    #[napi]
    #[must_use]
    pub fn end(&self) -> Option<StatusInfo> {
        self.shared.end().as_ref().map(StatusInfo::from)
    }

    /// Reports that the hook call with this number has ended: without or with an error's message.
    #[napi]
    pub fn hook_ended(&self, number: u32, problem: Option<String>) {
        let waiting = lock(&self.shared.hooks).waiting.remove(&number);
        if let Some(waiting) = waiting {
            // The backup thread may have stopped waiting.
            let _ = waiting.send(problem);
        }
    }
}

impl Observer for StoreState {
    fn happened(&self, event: &BackupEvent) {
        let notice = |kind| NativeEvent::new(NO_REQUEST, kind);
        if matches!(event, BackupEvent::Restored(_)) {
            self.with_watcher(Watcher::restored);
        }
        self.tell([match event {
            BackupEvent::Backup(file) => NativeEvent { backup: Some(file.into()), ..notice(EventKind::BackedUp) },
            BackupEvent::Failure(error) => NativeEvent { error: Some(error.into()), ..notice(EventKind::Failed) },
            BackupEvent::Progress(progress) => NativeEvent {
                done_bytes: Some(progress.done_bytes as f64),
                total_bytes: Some(progress.total_bytes as f64),
                ..notice(EventKind::Progress)
            },
            BackupEvent::Restored(restored) => {
                NativeEvent { restored: Some(restored.into()), ..notice(EventKind::Restored) }
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
        // A hook that has not ended is not called again: calls would only pile up.
        if !hooks.names.contains(&hook.into()) || hooks.is_ending || hooks.is_stuck(hook) {
            return Ok(());
        }
        hooks.last_number = hooks.last_number.wrapping_add(1);
        let number = hooks.last_number;
        let (ended, ends) = mpsc::channel();
        hooks.waiting.insert(number, ended);
        drop(hooks);
        self.tell([NativeEvent {
            hook: Some(hook.into()),
            hook_number: Some(number),
            ..NativeEvent::new(NO_REQUEST, EventKind::Hook)
        }]);
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
