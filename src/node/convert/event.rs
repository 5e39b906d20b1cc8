//! Events that the threads of the core send to JavaScript.

use std::time::Duration;

use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;

use super::backups::{BackupInfo, HookName, RestoredInfo};
use super::failure::Failure;
use super::outcomes::flatten;
use super::rows::{RowSlice, Rows, StatementDescription, changes};
use super::values::ReadValues;
use crate::Error;
use crate::batch::{BatchOutcome, Stop};
use crate::engine::sqlite::{Values, WatchReport};
use crate::sql::Slice;

/// Kind of an event.
#[napi(string_enum = "camelCase")]
#[derive(Default)]
pub enum EventKind {
    /// The store is open.
    Opened,
    /// A batch has ended: `committed` and, if it stopped early, `stop`.
    Batch,
    /// A read has its `values`.
    Values,
    /// A read has taken its snapshot, later than its call.
    Started,
    /// Some `rows` of a statement's; `last` with the last.
    Rows,
    /// A statement is described: `description`.
    Described,
    /// A lease has begun.
    Leased,
    /// A request without a result is done.
    #[default]
    Done,
    /// A lease has ended; with an `error` if not at its holder's request.
    Ended,
    /// The store is closed.
    Closed,
    /// The request failed: `error`.
    Failed,
    /// A backup was made: `backup`.
    BackedUp,
    /// The store was restored: `restored`.
    Restored,
    /// A restore makes progress: `doneBytes` of `totalBytes`.
    Progress,
    /// Keys that are watched have changed: `rows`, see `ChangeWriter`; without them, all have to be read again.
    Changed,
    /// A hook is to be called: `hook`. When it has ended, `hookEnded` is to be called with its `hookNumber`.
    Hook,
}

/// Reason why a batch ended early: see `batch::Stop`.
#[napi(string_enum = "camelCase")]
pub enum StopKind {
    /// The key of a swap holds another value than it expects.
    Conflict,
    /// A command failed: `error`.
    Command,
    /// The rest is to be sent again.
    Deferred,
    /// The next command is to be sent again on its own.
    Alone,
    /// The transaction failed: `error`.
    Transaction,
}

/// An event.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeEvent {
    /// Number of the request; `NO_REQUEST` for an event without one.
    pub id: u32,
    /// Kind of the event.
    pub kind: EventKind,
    /// Number of commands of a batch that are on disk.
    pub committed: Option<u32>,
    /// Reason why a batch ended early.
    pub stop: Option<StopKind>,
    /// The error.
    pub error: Option<Failure>,
    /// The slice of rows is the last.
    pub last: Option<bool>,
    /// Result of a read of keys.
    pub values: Option<ReadValues>,
    /// A backup.
    pub backup: Option<BackupInfo>,
    /// The restored state.
    pub restored: Option<RestoredInfo>,
    /// A hook.
    pub hook: Option<HookName>,
    /// Number of the hook's call.
    pub hook_number: Option<u32>,
    /// Number of bytes read.
    pub done_bytes: Option<f64>,
    /// Total number of bytes.
    pub total_bytes: Option<f64>,
    /// Changes of the statements of a batch, see [`changes`].
    pub changes: Option<String>,
    /// Rows of those statements of a batch whose rows were wanted, in order.
    pub results: Option<Vec<Rows>>,
    /// Results of the commands of a batch on keys, see [`flatten`].
    pub numbers: Option<Float64Array>,
    /// The texts to which the numbers refer.
    pub texts: Option<Vec<String>>,
    /// Some rows.
    pub rows: Option<RowSlice>,
    /// Duration of a read in microseconds, with its last rows.
    pub took_us: Option<u32>,
    /// Description of a statement.
    pub description: Option<StatementDescription>,
}

impl NativeEvent {
    /// An event with nothing but its kind.
    pub fn new(id: u32, kind: EventKind) -> Self {
        Self { id, kind, ..Self::default() }
    }

    /// The event of a failed request.
    pub fn failed(id: u32, error: &Error) -> Self {
        Self { error: Some(error.into()), ..Self::new(id, EventKind::Failed) }
    }

    /// The event of a batch that has ended.
    pub fn batch(id: u32, outcome: BatchOutcome) -> Self {
        let (stop, error) = match &outcome.stopped {
            None => (None, None),
            Some(Stop::Conflict) => (Some(StopKind::Conflict), None),
            Some(Stop::Deferred) => (Some(StopKind::Deferred), None),
            Some(Stop::Alone) => (Some(StopKind::Alone), None),
            Some(Stop::Command(error)) => (Some(StopKind::Command), Some(error.into())),
            Some(Stop::Transaction(error)) => (Some(StopKind::Transaction), Some(error.into())),
        };
        // A batch never has more commands: JavaScript arrays end at 2^32 elements.
        let committed = u32::try_from(outcome.committed).ok();
        let changes = (!outcome.statements.is_empty()).then(|| changes(&outcome.statements));
        let results: Vec<Rows> =
            outcome.statements.into_iter().filter_map(|one| one.rows).map(Rows::from).collect();
        let results = (!results.is_empty()).then_some(results);
        let (numbers, texts) = flatten(outcome.keys).unzip();
        let numbers = numbers.map(Float64Array::new);
        Self { committed, stop, error, changes, results, numbers, texts, ..Self::new(id, EventKind::Batch) }
    }

    /// Some rows of a statement's.
    pub fn rows(id: u32, slice: Slice, last: bool) -> Self {
        Self { rows: Some(slice.into()), last: Some(last), ..Self::new(id, EventKind::Rows) }
    }

    /// Part of the rows of a read.
    pub fn part(id: u32, slice: Slice, took: Option<Duration>) -> Self {
        // A longer read counts as 2^32 microseconds, more than an hour.
        let took_us = took.map(|took| u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        Self { took_us, ..Self::rows(id, slice, took.is_some()) }
    }

    /// The result of a read of keys.
    pub fn values(id: u32, values: Values) -> Self {
        Self { values: Some(values.into()), ..Self::new(id, EventKind::Values) }
    }

    /// Report of a watch.
    pub fn changed(id: u32, report: WatchReport) -> Self {
        let rows = match report {
            WatchReport::Changes(json) => Some(RowSlice { json, patches: None, bytes: None }),
            WatchReport::Resync => None,
        };
        Self { rows, ..Self::new(id, EventKind::Changed) }
    }

    /// Rows of a select, which are JSON alone.
    pub fn json_rows(id: u32, json: String, last: bool) -> Self {
        let rows = RowSlice { json, patches: None, bytes: None };
        Self { rows: Some(rows), last: Some(last), ..Self::new(id, EventKind::Rows) }
    }
}
