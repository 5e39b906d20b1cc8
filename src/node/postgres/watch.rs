//! Watches of a store on PostgreSQL, and what an operator asks of it.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

use std::sync::Arc;

use napi_derive::napi;
use tokio::sync::mpsc::unbounded_channel;

use super::store::NativePostgres;
use crate::engine::postgres::{AdminRequest, KeyWatch, rows_of};
use crate::node::convert::event::{EventKind, NativeEvent};
use crate::node::state::outbox::Answers;
use crate::reads::Scope;
use crate::threads::lock;
use crate::{Error, Reply};

#[napi]
impl NativePostgres {
    /// Watches keys, see `NativeStore`. Its snapshot is never taken at once.
    #[napi]
    pub fn watch(
        &self,
        id: u32,
        keys: Option<Vec<String>>,
        start: String,
        end: Option<String>,
        community: Option<String>,
        _now: i64,
    ) -> bool {
        let scope = Scope::new(keys, start, end);
        // A store that was dropped is told nothing, and kept by nobody.
        let (beginning, telling) = (Arc::downgrade(&self.shared), Arc::downgrade(&self.shared));
        let begun = move || {
            if let Some(shared) = beginning.upgrade() {
                shared.tell([NativeEvent::new(id, EventKind::Started), NativeEvent::new(id, EventKind::Done)]);
            }
        };
        let tell = move |report: Result<_, Error>| {
            if let Some(shared) = telling.upgrade() {
                shared.tell_result(id, report.map(|report| NativeEvent::changed(id, report)));
            }
        };
        let (sender, next) = unbounded_channel();
        lock(&self.shared.watches).insert(id, sender);
        let watch = KeyWatch { community, scope, begun: Box::new(begun), tell: Box::new(tell), next };
        self.shared.with_engine(id, |engine| engine.watch(watch));
        false
    }

    /// Asks for the next report of a watch.
    #[napi]
    pub fn watch_next(&self, id: u32, _now: i64) {
        if let Some(next) = lock(&self.shared.watches).get(&id) {
            let _ = next.send(());
        }
    }

    /// Ends a watch.
    #[napi]
    pub fn unwatch(&self, id: u32) {
        lock(&self.shared.watches).remove(&id);
    }

    /// Reports the state of the server as JSON. Ends, as the next ones do, with `rows` or `failed`.
    #[napi]
    pub fn status(&self, id: u32) {
        self.administer(id, AdminRequest::Status);
    }

    /// Makes or adopts the tables, whatever their size.
    #[napi]
    pub fn adopt(&self, id: u32) {
        self.administer(id, AdminRequest::Adopt);
    }

    /// Reads the first rows of an export, or the next.
    #[napi]
    pub fn export_rows(&self, id: u32, is_first: bool) {
        self.administer(id, |reply| AdminRequest::Export(is_first, reply));
    }

    /// Adds rows, JSON as `exportRows` has it.
    #[napi]
    pub fn import_rows(&self, id: u32, rows: String, overwrites: bool) {
        match rows_of(&rows) {
            Ok(rows) => self.administer(id, |reply| AdminRequest::Import(rows, overwrites, reply)),
            Err(error) => self.shared.tell([NativeEvent::failed(id, &error)]),
        }
    }

    fn administer(&self, id: u32, request: impl FnOnce(Reply<String>) -> AdminRequest) {
        let reply = self.shared.reply(id, move |json| NativeEvent::json_rows(id, json, true));
        self.shared.with_engine(id, |engine| engine.administer(request(reply)));
    }
}
