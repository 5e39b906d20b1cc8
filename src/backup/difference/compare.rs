//! Comparison of two states as a whole.

use std::path::PathBuf;
use std::sync::Arc;

use super::keys::{self, KeyCounts, KeyFilter};
use super::progress::{Compared, DifferenceProgress};
use super::spool::{DifferenceSlice, Spool};
use super::states::{Moment, State};
use super::tables::{self, TableDifference, Tables};
use crate::Error;
use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;
use crate::sql::Cancel;

/// States to compare, and what of them.
#[derive(Debug, Clone)]
pub struct DifferenceRequest {
    /// Earlier state.
    pub at: Target,
    /// Later state; `None` for the file as it is now.
    pub to: Option<Target>,
    /// File that is read as it is now. Temporary files lie beside it.
    pub file: PathBuf,
    /// Folders for restored states, in the order in which they are tried.
    pub folders: Vec<PathBuf>,
    /// Keys to compare.
    pub filter: KeyFilter,
}

/// Numbers of what differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceSummary {
    /// Earlier state.
    pub at: Option<Moment>,
    /// Later state; `None` for the file as it was then.
    pub to: Option<Moment>,
    /// Keys that differ.
    pub keys: KeyCounts,
    /// Tables that differ, by name.
    pub tables: Vec<TableDifference>,
}

/// Difference of two states. Neither is needed any more.
pub struct StateDifference {
    /// Numbers of what differs.
    pub summary: DifferenceSummary,
    spool: Spool,
}

impl StateDifference {
    /// Compares two states. Takes long.
    ///
    /// # Errors
    ///
    /// As a restore; with SQLite's code; `ABORT_ERR` if it was cancelled.
    pub fn between(
        destination: &dyn Destination,
        request: &DifferenceRequest,
        cancel: &Arc<Cancel>,
        told: &mut dyn FnMut(DifferenceProgress),
    ) -> Result<Self, Error> {
        let compared = compare(destination, request, cancel, told);
        // A failure because of a cancellation has an error of its own.
        cancel.check()?;
        compared
    }

    /// Takes the next differing keys.
    ///
    /// # Errors
    ///
    /// With SQLite's code; `ERR_VALUE_TOO_LONG` if a value does not fit a JavaScript string.
    pub fn next_slice(&mut self) -> Result<DifferenceSlice, Error> {
        self.spool.next_slice()
    }
}

fn compare(
    destination: &dyn Destination,
    request: &DifferenceRequest,
    cancel: &Arc<Cancel>,
    told: &mut dyn FnMut(DifferenceProgress),
) -> Result<StateDifference, Error> {
    let mut restored = |target| {
        State::restored(destination, target, &request.folders, cancel, &mut |progress| told(progress.into()))
    };
    let before = restored(request.at)?;
    let after = match request.to {
        Some(target) => restored(target)?,
        // As late as possible: it is kept from being checkpointed while it is read.
        None => State::now(&request.file, cancel)?,
    };
    let spool = Spool::create(&request.file)?;
    let (tables_before, tables_after) = (Tables::read(&before.connection)?, Tables::read(&after.connection)?);
    let rows = |state: &State, tables: &Tables| keys::count(&state.connection).map(|keys| keys + tables.rows());
    let total = rows(&before, &tables_before)?.max(rows(&after, &tables_after)?);
    let mut compared = Compared::new(total, told);
    let keys = keys::compare(&before, &after, &request.filter, &spool, &mut compared)?;
    let tables = tables::compare((&before, &tables_before), (&after, &tables_after), &mut compared)?;
    compared.finish();
    Ok(StateDifference { summary: DifferenceSummary { at: before.moment, to: after.moment, keys, tables }, spool })
}
