//! Difference of two states, and what keys held at a moment. Neither needs an open store.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![allow(clippy::cast_precision_loss, reason = "JavaScript counts rows, bytes and milliseconds as numbers")]
#![cfg_attr(test, allow(dead_code, reason = "in tests napi registers nothing"))]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use napi::Status;
use napi::bindgen_prelude::{AsyncTask, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use super::ask::{Ask, ask, asked};
use super::convert::backups::date_ms;
use super::convert::failure::Failure;
use super::convert::options::RestoreTarget;
use super::destination::NativeCancel;
use crate::Error;
use crate::backup::difference::compare::{DifferenceRequest, DifferenceSummary, StateDifference};
use crate::backup::difference::keys::{KeyFilter, Lookup};
use crate::backup::difference::progress::{DifferenceProgress, DifferenceStep};
use crate::backup::difference::states::{Moment, State};
use crate::backup::difference::tables::TableDifference;
use crate::sql::{Cancel, CancelReason};
use crate::threads::lock;

/// Options of a difference.
#[napi(object)]
pub struct DifferenceOptions {
    /// Destination of the backups.
    pub url: String,
    /// File whose destination is asked instead, if it is open in this process.
    pub store: Option<String>,
    /// Earlier state.
    pub at: RestoreTarget,
    /// Later state, if it is not the file as it is now.
    pub to: Option<RestoreTarget>,
    /// File that is read as it is now.
    pub file: String,
    /// Folders for restored states, in the order in which they are tried.
    pub folders: Vec<String>,
    /// The only community, empty for the default scope.
    pub community: Option<String>,
    /// Beginning of the keys.
    pub prefix: Option<String>,
}

/// Moment of a backup.
#[napi(object)]
pub struct MomentInfo {
    /// Its last transaction.
    pub id: String,
    /// Time of its capture, in milliseconds since 1970 UTC.
    pub created_ms: f64,
}

impl From<Moment> for MomentInfo {
    fn from(moment: Moment) -> Self {
        Self { id: moment.txid.to_string(), created_ms: date_ms(moment.time_ms) }
    }
}

/// Rows of a table that differ. See `TableDifference`.
#[napi(object)]
pub struct TableDifferenceInfo {
    /// Name of the table.
    pub name: String,
    /// Its rows in the earlier state, if it was there.
    pub rows_before: Option<f64>,
    /// Its rows in the later state, if it is there.
    pub rows_after: Option<f64>,
    /// Rows that are only in the later state.
    pub added: f64,
    /// Rows that are only in the earlier state.
    pub removed: f64,
    /// Rows with other values.
    pub changed: f64,
    /// It has another definition.
    pub is_schema_changed: bool,
}

impl From<&TableDifference> for TableDifferenceInfo {
    fn from(table: &TableDifference) -> Self {
        Self {
            name: table.name.clone(),
            rows_before: table.rows_before.map(|rows| rows as f64),
            rows_after: table.rows_after.map(|rows| rows as f64),
            added: table.added as f64,
            removed: table.removed as f64,
            changed: table.changed as f64,
            is_schema_changed: table.is_schema_changed,
        }
    }
}

/// Numbers of what differs.
#[napi(object)]
pub struct SummaryInfo {
    /// Earlier state.
    pub at: Option<MomentInfo>,
    /// Later state, if it is not the file as it was then.
    pub to: Option<MomentInfo>,
    /// Keys that are only in the later state.
    pub added: f64,
    /// Keys that are only in the earlier state.
    pub removed: f64,
    /// Keys with another value or expiry.
    pub changed: f64,
    /// Tables that differ.
    pub tables: Vec<TableDifferenceInfo>,
}

impl From<&DifferenceSummary> for SummaryInfo {
    fn from(summary: &DifferenceSummary) -> Self {
        Self {
            at: summary.at.map(MomentInfo::from),
            to: summary.to.map(MomentInfo::from),
            added: summary.keys.added as f64,
            removed: summary.keys.removed as f64,
            changed: summary.keys.changed as f64,
            tables: summary.tables.iter().map(TableDifferenceInfo::from).collect(),
        }
    }
}

/// Answer to a request of this kind. Each has some of the fields.
#[napi(object)]
#[derive(Default)]
pub struct DifferenceAnswer {
    /// Numbers of what differs.
    pub summary: Option<SummaryInfo>,
    /// Differing keys, as `DifferenceSlice` has them.
    pub json: Option<String>,
    /// No key is left.
    pub is_last: Option<bool>,
    /// Moment whose keys were looked up.
    pub moment: Option<MomentInfo>,
    /// Text of each key, if it was there.
    pub texts: Option<Vec<Option<String>>>,
    /// Expiry of each key, if it has one.
    pub expiries: Option<Vec<Option<f64>>>,
    /// The error, if the request failed.
    pub error: Option<Failure>,
}

impl From<&Error> for DifferenceAnswer {
    fn from(error: &Error) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }
}

/// Callback with whether rows are compared already, what is done of the step, and all of it.
type DifferenceTold<'a> = Function<'a, FnArgs<(bool, f64, f64)>, ()>;
type ToldSteps = ThreadsafeFunction<FnArgs<(bool, f64, f64)>, (), FnArgs<(bool, f64, f64)>, Status, false, true>;

/// Difference of two states. What is in it is removed when it is closed or collected.
#[napi]
#[derive(Default)]
pub struct NativeDifference {
    cancel: Arc<Cancel>,
    made: Arc<Mutex<Option<StateDifference>>>,
}

#[napi]
impl NativeDifference {
    /// Makes one that holds nothing yet.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Compares. Called once.
    ///
    /// # Errors
    ///
    /// If Node refuses the callback.
    #[napi]
    pub fn compare(
        &self,
        options: DifferenceOptions,
        progress: Option<DifferenceTold>,
    ) -> napi::Result<AsyncTask<Ask<DifferenceAnswer>>> {
        let told: Option<ToldSteps> =
            progress.map(|progress| progress.build_threadsafe_function().weak::<true>().build()).transpose()?;
        let (cancel, made) = (Arc::clone(&self.cancel), Arc::clone(&self.made));
        let DifferenceOptions { url, store, at, to, file, folders, community, prefix } = options;
        Ok(ask(&url, store, move |destination| {
            let request = DifferenceRequest {
                at: at.parse()?,
                to: to.map(|to| to.parse()).transpose()?,
                file: file.into(),
                folders: folders.into_iter().map(PathBuf::from).collect(),
                filter: KeyFilter { community, prefix: prefix.unwrap_or_default() },
            };
            let mut tell = |DifferenceProgress { step, done, total }| {
                if let Some(told) = &told {
                    let arguments = (step == DifferenceStep::Compare, done as f64, total as f64);
                    told.call(arguments.into(), ThreadsafeFunctionCallMode::NonBlocking);
                }
            };
            let difference = StateDifference::between(destination, &request, &cancel, &mut tell)?;
            let summary = (&difference.summary).into();
            let mut made = lock(&made);
            // Closed meanwhile, it must hold nothing.
            cancel.check()?;
            *made = Some(difference);
            Ok(DifferenceAnswer { summary: Some(summary), ..DifferenceAnswer::default() })
        }))
    }

    /// Takes the next differing keys.
    #[napi]
    #[must_use]
    pub fn next(&self) -> AsyncTask<Ask<DifferenceAnswer>> {
        let (cancel, made) = (Arc::clone(&self.cancel), Arc::clone(&self.made));
        asked(move || {
            let mut made = lock(&made);
            if cancel.check().is_err() {
                *made = None;
            }
            let Some(difference) = made.as_mut() else {
                return Ok(DifferenceAnswer { is_last: Some(true), ..DifferenceAnswer::default() });
            };
            let slice = difference.next_slice()?;
            if slice.is_last || cancel.check().is_err() {
                *made = None;
            }
            Ok(DifferenceAnswer {
                json: Some(slice.json),
                is_last: Some(slice.is_last),
                ..DifferenceAnswer::default()
            })
        })
    }

    /// Stops what is being done, and removes what is held. Idempotent.
    #[napi]
    pub fn close(&self) {
        self.cancel.cancel(CancelReason::Aborted);
        // A state that is being read is removed by whoever reads it.
        if let Ok(mut made) = self.made.try_lock() {
            *made = None;
        }
    }
}

/// Looks up what keys held at a moment. `keys[i]` is one of the community `communities[i]`, empty for the default scope.
#[napi]
#[must_use]
pub fn keys_at(
    url: String,
    target: RestoreTarget,
    folders: Vec<String>,
    keys: Vec<String>,
    communities: Vec<String>,
    cancel: &NativeCancel,
    store: Option<String>,
) -> AsyncTask<Ask<DifferenceAnswer>> {
    let cancel = Arc::clone(&cancel.cancel);
    ask(&url, store, move |destination| {
        let folders: Vec<PathBuf> = folders.into_iter().map(PathBuf::from).collect();
        let state = State::restored(destination, target.parse()?, &folders, &cancel, &mut |_| {})?;
        let lookup = Lookup::new(&state)?;
        let (mut texts, mut expiries) = (Vec::new(), Vec::new());
        for (key, community) in keys.iter().zip(&communities) {
            let held = lookup.held(community, key)?;
            expiries.push(held.as_ref().and_then(|held| held.expires_at).map(|at| at as f64));
            texts.push(held.map(|held| held.text));
        }
        Ok(DifferenceAnswer {
            moment: state.moment.map(MomentInfo::from),
            texts: Some(texts),
            expiries: Some(expiries),
            ..DifferenceAnswer::default()
        })
    })
}
