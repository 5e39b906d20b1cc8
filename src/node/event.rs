//! What the threads of the core tell JavaScript.

use std::time::Duration;

use napi_derive::napi;

use super::convert::backups::{BackupInfo, HookName, RestoredInfo};
use super::convert::failure::Failure;
use super::convert::rows::{RowSlice, Rows, StatementDescription, changes};
use super::convert::values::ReadValues;
use crate::Error;
use crate::batch::{BatchOutcome, Stop};
use crate::engine::sqlite::Values;
use crate::sql::Slice;

/// What happened to a request.
#[napi(string_enum = "camelCase")]
#[derive(Default)]
pub enum EventKind {
    /// The store is open.
    Opened,
    /// A batch has ended: `committed` and, if it stopped early, `stop`.
    Batch,
    /// A read has its `values`.
    Values,
    /// A select has taken its snapshot, later than it was submitted.
    Started,
    /// A slice of a select's rows, as JSON in `text`; `last` with the last.
    Slice,
    /// Some `rows` of a statement's; `last` with the last.
    Rows,
    /// A statement is described: `description`.
    Described,
    /// A lease has begun.
    Leased,
    /// A request is done that has no more to tell.
    #[default]
    Done,
    /// A lease has ended, of itself if there is an `error`.
    Ended,
    /// The store is closed.
    Closed,
    /// The request failed: `error`.
    Failed,
    /// What there is is safe: `backup`.
    BackedUp,
    /// The store was restored: `restored`.
    Restored,
    /// A restore has come further: `doneBytes` of `totalBytes`.
    Progress,
    /// A function of the user is to be called: `hook`. When it has ended, its `hookNumber` is to be told.
    Hook,
}

/// Why a batch ended early; see `batch::Stop`.
#[napi(string_enum = "camelCase")]
pub enum StopKind {
    /// A swap met another value than it expected.
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

/// Something that happened.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeEvent {
    /// The request, as JavaScript numbered it; `NO_REQUEST` for what happened without one.
    pub id: u32,
    /// What happened.
    pub kind: EventKind,
    /// How many commands of a batch are on disk.
    pub committed: Option<u32>,
    /// Why a batch stopped early.
    pub stop: Option<StopKind>,
    /// What failed.
    pub error: Option<Failure>,
    /// A slice of rows.
    pub text: Option<String>,
    /// Whether a slice is the last.
    pub last: Option<bool>,
    /// What a read has found.
    pub values: Option<ReadValues>,
    /// A backup.
    pub backup: Option<BackupInfo>,
    /// What was restored.
    pub restored: Option<RestoredInfo>,
    /// A function of the user.
    pub hook: Option<HookName>,
    /// Its number.
    pub hook_number: Option<u32>,
    /// Bytes that were read.
    pub done_bytes: Option<f64>,
    /// Bytes that there are.
    pub total_bytes: Option<f64>,
    /// What the statements of a batch changed; see [`changes`].
    pub changes: Option<String>,
    /// The rows of those statements of a batch whose rows were wanted, in order.
    pub results: Option<Vec<Rows>>,
    /// Some rows.
    pub rows: Option<RowSlice>,
    /// How many microseconds a read took, with its last rows.
    pub took_us: Option<u32>,
    /// What is known of a statement.
    pub description: Option<StatementDescription>,
}

impl NativeEvent {
    /// An event without more to say.
    pub fn new(id: u32, kind: EventKind) -> Self {
        Self { id, kind, ..Self::default() }
    }

    /// A request failed.
    pub fn failed(id: u32, error: &Error) -> Self {
        Self { error: Some(error.into()), ..Self::new(id, EventKind::Failed) }
    }

    /// A batch has ended.
    pub fn batch(id: u32, outcome: BatchOutcome) -> Self {
        let (stop, error) = match &outcome.stopped {
            None => (None, None),
            Some(Stop::Conflict) => (Some(StopKind::Conflict), None),
            Some(Stop::Deferred) => (Some(StopKind::Deferred), None),
            Some(Stop::Alone) => (Some(StopKind::Alone), None),
            Some(Stop::Command(error)) => (Some(StopKind::Command), Some(error.into())),
            Some(Stop::Transaction(error)) => (Some(StopKind::Transaction), Some(error.into())),
        };
        // A batch never holds more commands than fit: JavaScript arrays end at 2^32.
        let committed = u32::try_from(outcome.committed).ok();
        let changes = (!outcome.statements.is_empty()).then(|| changes(&outcome.statements));
        let results: Vec<Rows> =
            outcome.statements.into_iter().filter_map(|one| one.rows).map(Rows::from).collect();
        let results = (!results.is_empty()).then_some(results);
        Self { committed, stop, error, changes, results, ..Self::new(id, EventKind::Batch) }
    }

    /// Some rows of a statement's.
    pub fn rows(id: u32, slice: Slice, last: bool) -> Self {
        Self { rows: Some(slice.into()), last: Some(last), ..Self::new(id, EventKind::Rows) }
    }

    /// Some rows of a read.
    pub fn part(id: u32, slice: Slice, took: Option<Duration>) -> Self {
        // What takes more than an hour may as well take an hour.
        let took_us = took.map(|took| u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        Self { took_us, ..Self::rows(id, slice, took.is_some()) }
    }

    /// A read has found what keys hold.
    pub fn values(id: u32, values: Values) -> Self {
        Self { values: Some(values.into()), ..Self::new(id, EventKind::Values) }
    }

    /// A slice of rows.
    pub fn slice(id: u32, text: String, last: bool) -> Self {
        Self { text: Some(text), last: Some(last), ..Self::new(id, EventKind::Slice) }
    }
}
