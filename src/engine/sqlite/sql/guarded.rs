//! A connection whose statements are guarded and can be cancelled.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::guard::Guard;
use crate::Error;
use crate::limits::STEPS_BETWEEN_CANCEL_CHECKS;
use crate::sql::Cancel;
use crate::threads::lock;

type Cancels = Arc<Mutex<Vec<Arc<Cancel>>>>;

/// A connection with its guard.
#[derive(Debug)]
pub struct Guarded {
    connection: Connection,
    pub(super) guard: Guard,
    /// What may cancel the statement under way.
    running: Cancels,
    /// A statement has set a state of the connection, or made something temporary, since it was last reset.
    pub(super) is_altered: Cell<bool>,
}

impl Guarded {
    /// Guards a connection.
    ///
    /// # Errors
    ///
    /// With SQLite's code, if it refuses its hooks.
    pub fn new(mut connection: Connection) -> Result<Self, Error> {
        let guard = Guard::default();
        let watched = guard.clone();
        connection.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| watched.authorize(context)))?;
        let running = Cancels::default();
        let watched = Arc::clone(&running);
        let is_cancelled = move || lock(&watched).iter().any(|cancel| cancel.check().is_err());
        connection.progress_handler(STEPS_BETWEEN_CANCEL_CHECKS, Some(is_cancelled))?;
        Ok(Self { connection, guard, running, is_altered: Cell::new(false) })
    }

    /// Lets what runs until the result is dropped be cancelled.
    ///
    /// # Errors
    ///
    /// If it was cancelled already.
    pub fn cancellable(&self, cancel: Option<&Arc<Cancel>>) -> Result<Running<'_>, Error> {
        if let Some(cancel) = cancel {
            cancel.start()?;
            lock(&self.running).push(Arc::clone(cancel));
        }
        Ok(Running { connection: self, is_listed: cancel.is_some() })
    }

    /// Lets SQLite plan statements by the values of their parameters until the result is dropped, so that `LIKE ?` can
    /// use an index. This package's own statements are planned without, and compiled once.
    pub fn plan_by_values(&self) -> PlanByValues<'_> {
        // If it is refused, plans are worse and results the same.
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, false);
        PlanByValues(&self.connection)
    }

    /// Whether a statement was compiled that writes keys, since this was last taken. One that does is compiled anew each
    /// time that it is run.
    pub fn has_written_keys(&self) -> bool {
        self.guard.has_written_keys()
    }

    /// As [`Guarded::has_written_keys`], which is then no longer so.
    pub fn take_wrote_keys(&self) -> bool {
        self.guard.take_wrote_keys()
    }

    /// What a statement that SQLite says was interrupted failed with.
    pub(super) fn check_cancelled(&self) -> Result<(), Error> {
        lock(&self.running).iter().try_for_each(|cancel| cancel.check())
    }
}

impl Deref for Guarded {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// While it lives, what runs on the connection can be cancelled.
pub struct Running<'c> {
    connection: &'c Guarded,
    is_listed: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.is_listed {
            lock(&self.connection.running).pop();
        }
    }
}

/// While it lives, statements are planned by the values of their parameters.
pub struct PlanByValues<'c>(&'c Connection);

impl Drop for PlanByValues<'_> {
    fn drop(&mut self) {
        let _ = self.0.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
    }
}
