//! Watches of a store.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

use std::sync::Arc;

use napi_derive::napi;

use super::convert::event::{EventKind, NativeEvent};
use super::state::outbox::Answers;
use super::store::NativeStore;
use crate::Error;
use crate::clock::now_ms;
use crate::engine::sqlite::{Scope, WatchNumber, WatchReport, Watched};

#[napi]
impl NativeStore {
    /// Watches keys, or those of a range from `start` to `end`. Returns `true` if its snapshot is taken; if not, `started`
    /// reports it. From `done` on, each call of `watchNext` has one event: `changed`, without rows if all keys have to be read
    /// again; or `failed`, which ends the watch.
    #[napi]
    pub fn watch(
        &self,
        id: u32,
        keys: Option<Vec<String>>,
        start: String,
        end: Option<String>,
        community: Option<String>,
        now: i64,
    ) -> bool {
        let Some(engine) = self.shared.engine(id) else { return true };
        let scope = Scope::new(keys, start, end);
        // A store that was dropped is told nothing, and kept by nobody.
        let told = Arc::downgrade(&self.shared);
        let notice = |kind| {
            let told = Arc::downgrade(&self.shared);
            move || {
                if let Some(shared) = told.upgrade() {
                    shared.tell([NativeEvent::new(id, kind)]);
                }
            }
        };
        let tell = move |report: Result<WatchReport, Error>| {
            if let Some(shared) = told.upgrade() {
                shared.tell_result(id, report.map(|report| NativeEvent::changed(id, report)));
            }
        };
        let (started, begun) = (notice(EventKind::Started), notice(EventKind::Done));
        engine.watch(self.number(id), Watched::new(community, scope), now, started, begun, Box::new(tell))
    }

    /// Asks for the next report of a watch. There is none if the file is not open.
    #[napi]
    pub fn watch_next(&self, id: u32, now: i64) {
        self.shared.with_watcher(|watcher| watcher.next(self.number(id), now.saturating_sub(now_ms())));
    }

    /// Ends a watch.
    #[napi]
    pub fn unwatch(&self, id: u32) {
        self.shared.with_watcher(|watcher| watcher.remove(self.number(id)));
    }

    fn number(&self, id: u32) -> WatchNumber {
        (self.shared.client, id)
    }
}
