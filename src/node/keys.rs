//! Reads of many keys.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

use std::sync::Arc;

use napi_derive::napi;

use super::convert::event::{EventKind, NativeEvent};
use super::protocol::NO_LEASE;
use super::state::outbox::Answers;
use super::state::store_state::StoreState;
use super::store::NativeStore;
use crate::engine::sqlite::{CountQuery, KeyQuery, LeaseRequest, PageQuery, Select, SelectProgress, ValuesQuery};
use crate::kv::{KeyRange, RowFormat};

/// Keys of a scope, from one on up to another.
#[napi(object, object_to_js = false)]
pub struct KeySpan {
    /// The community; absent for the default scope.
    pub community: Option<String>,
    /// Inclusive.
    pub from: String,
    /// Exclusive; absent for no upper bound.
    pub to: Option<String>,
}

/// Options of a page.
#[napi(object, object_to_js = false)]
pub struct PageOptions {
    /// Begins with the last key.
    pub is_reverse: bool,
    /// Entries at most.
    pub limit: u32,
    /// Bytes after which it ends early.
    pub bytes_max: Option<u32>,
    /// Has no values.
    pub keys_only: bool,
}

/// Query for the entries whose keys match a pattern.
pub fn select_query(pattern: String, community: Option<String>, values_only: bool, now_ms: i64) -> KeyQuery {
    let format = if values_only { RowFormat::Value } else { RowFormat::Entry };
    KeyQuery::Select(Select { community, pattern, now_ms, format })
}

/// Query for the first entries of a range.
pub fn page_query(span: KeySpan, options: PageOptions, now_ms: i64) -> KeyQuery {
    let KeySpan { community, from, to } = span;
    let PageOptions { is_reverse, limit, bytes_max, keys_only } = options;
    KeyQuery::Page(PageQuery {
        community,
        range: KeyRange { from, to },
        is_reverse,
        limit: limit as usize,
        bytes_max: bytes_max.map_or(usize::MAX, |bytes| bytes as usize),
        now_ms,
        format: if keys_only { RowFormat::Key } else { RowFormat::Entry },
    })
}

/// Query for the number of keys of a range.
pub fn count_query(span: KeySpan, now_ms: i64) -> KeyQuery {
    let KeySpan { community, from, to } = span;
    KeyQuery::Count(CountQuery { community, range: KeyRange { from, to }, now_ms })
}

/// Each read runs within a lease if it is not `NO_LEASE`, and ends with the `last` `rows` or `failed`. Each returns `true`
/// if its snapshot is taken; if not, `started` reports it.
#[napi]
impl NativeStore {
    /// Reads the entries whose keys match a pattern. See `EntryWriter` for its rows.
    #[napi]
    pub fn select(
        &self,
        id: u32,
        lease: u32,
        pattern: String,
        community: Option<String>,
        values_only: bool,
        now: i64,
    ) -> bool {
        self.shared.ask_keys(id, lease, select_query(pattern, community, values_only, now))
    }

    /// Reads the first entries of a range. See `EntryWriter` for its rows.
    #[napi]
    pub fn page(&self, id: u32, lease: u32, span: KeySpan, options: PageOptions, now: i64) -> bool {
        self.shared.ask_keys(id, lease, page_query(span, options, now))
    }

    /// Counts the keys of a range. Its row is the number.
    #[napi]
    pub fn count(&self, id: u32, lease: u32, span: KeySpan, now: i64) -> bool {
        self.shared.ask_keys(id, lease, count_query(span, now))
    }

    /// Reads the values of keys. See `EntryWriter` for its rows; the order in the last slice has for each value the index
    /// of its key.
    #[napi]
    pub fn values(&self, id: u32, lease: u32, community: Option<String>, keys: Vec<String>, now: i64) -> bool {
        self.shared.ask_keys(id, lease, KeyQuery::Values(ValuesQuery { community, keys, now_ms: now }))
    }
}

impl StoreState {
    fn ask_keys(self: &Arc<Self>, id: u32, lease: u32, query: KeyQuery) -> bool {
        let shared = Arc::clone(self);
        let reply = shared.reply(id, move |json| NativeEvent::json_rows(id, json, true));
        if lease != NO_LEASE {
            let telling = Arc::clone(&shared);
            let send = Box::new(move |json| telling.tell([NativeEvent::json_rows(id, json, false)]));
            shared.ask(lease, LeaseRequest::Keys(query, send, reply));
            return true;
        }
        let Some(engine) = shared.engine(id) else { return true };
        let cancel = Arc::clone(&shared.sql.reads);
        let progress = move |progress| {
            shared.tell([match progress {
                SelectProgress::Started => NativeEvent::new(id, EventKind::Started),
                SelectProgress::Slice(json) => NativeEvent::json_rows(id, json, false),
            }]);
        };
        engine.ask(query, Some(cancel), progress, reply)
    }
}
