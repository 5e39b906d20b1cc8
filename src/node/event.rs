//! What the threads of the core tell JavaScript.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use napi_derive::napi;

use super::backup::HookName;
use super::info::{BackupInfo, RestoredInfo};
use super::rows::{RowSlice, Rows, changes};
use crate::Error;
use crate::engine::sqlite::{Description, Stored, Values};
use crate::kv::{BatchOutcome, Stop};
use crate::sql::{Slice, SqlError};
use crate::threads;

/// What happened to a request.
#[napi(string_enum = "camelCase")]
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
    /// A request to a lease is done.
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

/// Why a batch ended early; see `kv::Stop`.
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

/// See `Standing` of the engine.
#[napi(string_enum = "camelCase")]
pub enum StandingKind {
    /// What is cached is valid.
    Current,
    /// It may not be.
    Changed,
    /// It cannot be told now.
    Unknown,
}

/// An error as JavaScript makes one of it.
#[napi(object)]
pub struct Failure {
    /// See [`Error::code`].
    pub code: String,
    /// A sentence without its full stop.
    pub message: String,
    /// Where in the SQL, in UTF-16 units.
    pub position: Option<u32>,
    /// The argument that is to blame.
    pub argument: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let sql = error.sql();
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            position: sql.and_then(SqlError::position).and_then(|position| u32::try_from(position).ok()),
            argument: sql.and_then(SqlError::argument).map(str::to_owned),
        }
    }
}

/// What keys hold, in the order in which they were asked for.
#[napi(object, object_from_js = false)]
pub struct ReadValues {
    /// A value's text for each key, `null` where there is none.
    pub texts: Vec<Option<String>>,
    /// The expiries of those that have one.
    pub expiries: Vec<ReadExpiry>,
    /// Keys that could not be read.
    pub failures: Vec<ReadFailure>,
}

/// The expiry of an entry, past or to come.
#[napi(object, object_from_js = false)]
pub struct ReadExpiry {
    /// The place of its key among those that were asked for.
    pub index: u32,
    /// Milliseconds since 1970 UTC.
    pub at: i64,
}

/// A key that could not be read.
#[napi(object, object_from_js = false)]
pub struct ReadFailure {
    /// Its place among those that were asked for.
    pub index: u32,
    /// Why.
    pub error: Failure,
}

impl From<Values> for ReadValues {
    fn from(values: Values) -> Self {
        let (mut expiries, mut failures) = (Vec::new(), Vec::new());
        let texts = (0..)
            .zip(values)
            .map(|(index, value)| {
                let Stored { text, expires_at } = value.unwrap_or_else(|error| {
                    failures.push(ReadFailure { index, error: (&error).into() });
                    Stored::default()
                });
                expiries.extend(expires_at.map(|at| ReadExpiry { index, at }));
                text
            })
            .collect();
        Self { texts, expiries, failures }
    }
}

/// Something that happened.
#[napi(object, object_from_js = false)]
pub struct Event {
    /// The request, as JavaScript numbered it; 0 for what happened without one.
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

/// See [`Description`].
#[napi(object, object_from_js = false)]
pub struct StatementDescription {
    /// See [`Description::columns`].
    pub columns: Vec<String>,
    /// See [`Description::is_readonly`].
    pub is_readonly: bool,
    /// See [`Description::parameters`].
    pub parameters: u32,
}

impl From<Description> for StatementDescription {
    fn from(Description { columns, is_readonly, parameters }: Description) -> Self {
        // SQLite allows 32,766 parameters.
        Self { columns, is_readonly, parameters: u32::try_from(parameters).unwrap_or(u32::MAX) }
    }
}

impl Event {
    /// An event without more to say.
    pub fn new(id: u32, kind: EventKind) -> Self {
        Self {
            id,
            kind,
            committed: None,
            stop: None,
            error: None,
            text: None,
            last: None,
            values: None,
            backup: None,
            restored: None,
            hook: None,
            hook_number: None,
            done_bytes: None,
            total_bytes: None,
            changes: None,
            results: None,
            rows: None,
            took_us: None,
            description: None,
        }
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

    /// What became of a request that has nothing more to tell.
    pub fn done(id: u32, result: Result<(), Error>) -> Self {
        match result {
            Ok(()) => Self::new(id, EventKind::Done),
            Err(error) => Self::failed(id, &error),
        }
    }

    /// A slice of rows.
    pub fn slice(id: u32, text: String, last: bool) -> Self {
        Self { text: Some(text), last: Some(last), ..Self::new(id, EventKind::Slice) }
    }
}

/// Events that JavaScript has not taken yet.
#[derive(Default)]
pub struct EventQueue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

/// Slices come after everything else, so that a large select delays nothing. Each goes its way in order.
#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    slices: VecDeque<Event>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.slices.is_empty()
    }

    fn add(&mut self, event: Event) {
        let queue = if event.text.is_some() { &mut self.slices } else { &mut self.events };
        queue.push_back(event);
    }

    fn take(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| self.slices.pop_front())
    }
}

impl EventQueue {
    /// Adds events. Returns whether there were none before, so that JavaScript has to be woken.
    pub fn push(&self, new: impl IntoIterator<Item = Event>) -> bool {
        let mut waiting = self.lock();
        let was_empty = waiting.is_empty();
        new.into_iter().for_each(|event| waiting.add(event));
        self.arrived.notify_all();
        was_empty
    }

    /// The oldest event that is no slice, else the oldest slice, waited for up to `wait`.
    pub fn take(&self, wait: Duration) -> Option<Event> {
        if wait.is_zero() {
            return self.lock().take();
        }
        let deadline = Instant::now() + wait;
        let mut waiting = self.lock();
        loop {
            if let Some(event) = waiting.take() {
                return Some(event);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            waiting = self.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        threads::lock(&self.waiting)
    }
}
