//! State of a store, shared by JavaScript's calls and the threads of the core.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::hooks::Hooks;
use super::outbox::{Answers, Outbox};
use super::sql_state::SqlState;
use crate::backup::events::Observer;
use crate::backup::service::ending::{Closing, wait_for_closing};
use crate::backup::service::handle::Service;
use crate::backup::service::status::Status as BackupStatus;
use crate::batch::ClientId;
use crate::clock::ScriptClock;
use crate::engine::sqlite::checkpoint::control::EngineUser;
use crate::engine::sqlite::stray_log::StrayLog;
use crate::engine::sqlite::{Engine, Reader, Values, Watcher};
use crate::kv::Address;
use crate::node::convert::event::NativeEvent;
use crate::private_folder::PrivateFolder;
use crate::sql::{Slice, Statement};
use crate::threads::lock;
use crate::{BackupProblem, Error};

/// Code of what SQLite refuses on a connection that only reads.
const READ_ONLY: &str = "SQLITE_READONLY";

/// State of one store.
pub struct StoreState {
    pub path: PathBuf,
    pub client: ClientId,
    pub outbox: Outbox,
    /// The clock of its environment.
    pub clock: ScriptClock,
    pub open: Mutex<Option<Open>>,
    pub hooks: Mutex<Hooks>,
    pub sql: SqlState,
    pub is_read_only: AtomicBool,
}

pub struct Open {
    pub engine: Arc<Engine>,
    /// The backup service, if the store has backups.
    pub service: Option<Arc<Service>>,
    /// Write-ahead log of another file that was set aside before.
    pub stray_log: Option<StrayLog>,
    /// Reader for the JavaScript thread, which must not wait.
    pub reader: Reader,
    /// Folder that goes when the file is closed.
    pub folder: Option<PrivateFolder>,
}

/// A store that is about to be closed, and its folder if that goes with it.
pub struct ClosingStore {
    closing: Closing,
    _folder: Option<PrivateFolder>,
}

impl ClosingStore {
    /// See [`Closing::finish`].
    pub fn finish(self) {
        self.closing.finish();
    }
}

impl StoreState {
    /// The backup service. If there is none, the request fails.
    pub fn service(&self, id: u32) -> Option<Arc<Service>> {
        let service = lock(&self.open).as_ref().and_then(|open| open.service.clone());
        if service.is_none() {
            let message = "the store was opened without backups, because what they need beside it could not be used: \
                           status() says why";
            let error = Error::backup(BackupProblem::State, message.to_owned());
            self.tell([NativeEvent::failed(id, &error)]);
        }
        service
    }

    /// Closes the file, however long it takes, because JavaScript is ending. Others who have it open go on.
    pub fn end(&self) -> Option<BackupStatus> {
        self.ending();
        self.sql.clear();
        self.sql.stop_reads();
        if let Some(ClosingStore { closing, _folder }) = self.begin_closing() {
            closing.finish_at_exit()
        } else {
            // It may be closed just now, by a thread that would end with the process.
            wait_for_closing();
            None
        }
    }

    /// Begins to close the file; `None` if it is not open.
    pub fn begin_closing(&self) -> Option<ClosingStore> {
        let Open { engine, service, reader, folder, .. } = lock(&self.open).take()?;
        drop(reader);
        engine.forget(self.client);
        Some(ClosingStore { closing: Closing::begin(engine, service), _folder: folder })
    }

    /// See [`Reader::read_now`].
    pub fn read_sql_now(&self, statement: &Statement, file_seen: bool, keeps: bool) -> Option<Slice> {
        lock(&self.open).as_ref()?.reader.read_now(statement, file_seen, keeps).ok()
    }

    pub fn read_now(
        &self,
        addresses: &[Address],
        now_ms: i64,
        file_seen: bool,
        keeps: bool,
    ) -> Result<Values, Error> {
        let open = lock(&self.open);
        let reader = &open.as_ref().ok_or_else(not_open)?.reader;
        if file_seen {
            reader.get_many_unchecked(addresses, now_ms, keeps)
        } else {
            reader.get_many(addresses, now_ms)
        }
    }

    /// Does something with the thread that looks for commits, if the file is open.
    pub fn with_watcher(&self, act: impl FnOnce(&Watcher)) {
        if let Some(open) = lock(&self.open).as_ref() {
            act(open.engine.watcher());
        }
    }

    /// The engine. If there is none, which only a defect of `lib/` can cause, the request fails.
    pub fn engine(&self, id: u32) -> Option<Arc<Engine>> {
        let engine = lock(&self.open).as_ref().map(|open| Arc::clone(&open.engine));
        if engine.is_none() {
            self.tell([NativeEvent::failed(id, &not_open())]);
        }
        engine
    }
}

impl Answers for StoreState {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn revised(&self, mut event: NativeEvent) -> NativeEvent {
        let is_read_only = self.is_read_only.load(Ordering::Relaxed);
        if let Some(failure) = event.error.as_mut().filter(|failure| is_read_only && failure.code == READ_ONLY) {
            let refused = Error::read_only_store();
            (failure.code, failure.message) = (refused.code().to_owned(), refused.to_string());
        }
        event
    }
}

impl EngineUser for StoreState {
    fn let_go(&self) {
        self.outbox.mute();
        self.sql.clear();
        self.sql.stop_reads();
    }
}

fn not_open() -> Error {
    Error::internal("the store is not open")
}
