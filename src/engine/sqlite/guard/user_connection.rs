//! Connections that user SQL may run on: statements are checked, and can be cancelled.

use std::cell::Cell;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::AuthContext;

use super::authorizer::Authorizer;
use super::modules;
use crate::Error;
use crate::engine::sqlite::interrupt::Interrupt;
use crate::limits::STEPS_BETWEEN_CANCEL_CHECKS;
use crate::sql::Cancel;
use crate::threads::lock;

type CancelList = Arc<Mutex<Vec<Arc<Cancel>>>>;

/// A connection with an authorizer.
#[derive(Debug)]
pub struct UserConnection {
    connection: Connection,
    pub authorizer: Authorizer,
    /// Cancellation flags of the statement under way.
    running: CancelList,
    interrupt: Interrupt,
    /// Statements may take no more steps than there are between two checks for cancellation.
    are_steps_limited: Arc<AtomicBool>,
    /// A statement has changed the connection's state, or made something temporary, since the last reset.
    pub is_altered: Cell<bool>,
    /// SQLite itself has rolled back a transaction that the user of a reserved connection still takes for open.
    pub has_lost_transaction: Cell<bool>,
    /// Number of users that want plans by parameter values.
    plans_by_values: Cell<u32>,
}

impl UserConnection {
    /// Adds an authorizer to a connection.
    ///
    /// # Errors
    ///
    /// With SQLite's code, if it refuses its hooks.
    pub fn new(mut connection: Connection, interrupt: Interrupt) -> Result<Self, Error> {
        let authorizer = Authorizer::default();
        let watched = authorizer.clone();
        let path = connection.path().map(PathBuf::from).unwrap_or_default();
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        modules::keep_allowed(&connection)?;
        connection.authorizer(Some(move |context: AuthContext<'_>| watched.authorize(context, &path)))?;
        let running = CancelList::default();
        let watched = Arc::clone(&running);
        let are_steps_limited = Arc::new(AtomicBool::new(false));
        let watched_too = Arc::clone(&are_steps_limited);
        let interrupted = interrupt.clone();
        let is_over = move || {
            interrupted.is_set()
                || watched_too.load(Ordering::Relaxed)
                || lock(&watched).iter().any(|cancel| cancel.check().is_err())
        };
        connection.progress_handler(STEPS_BETWEEN_CANCEL_CHECKS, Some(is_over))?;
        Ok(Self {
            connection,
            authorizer,
            running,
            interrupt,
            are_steps_limited,
            is_altered: Cell::new(false),
            has_lost_transaction: Cell::new(false),
            plans_by_values: Cell::new(0),
        })
    }

    /// Makes statements cancellable until the result is dropped.
    ///
    /// # Errors
    ///
    /// If it is cancelled already.
    pub fn cancellable(&self, cancel: Option<&Arc<Cancel>>) -> Result<Running<'_>, Error> {
        if let Some(cancel) = cancel {
            cancel.start()?;
            lock(&self.running).push(Arc::clone(cancel));
        }
        Ok(Running { connection: self, is_listed: cancel.is_some() })
    }

    /// Interrupts statements that take more than a few steps, until the result is dropped.
    pub fn limit_steps(&self) -> StepLimit<'_> {
        self.are_steps_limited.store(true, Ordering::Relaxed);
        StepLimit(&self.are_steps_limited)
    }

    /// Lets SQLite plan statements by the values of their parameters, until the result is dropped. When this begins
    /// or ends, SQLite recompiles every statement of the connection, and fails a running statement that then begins
    /// a subquery. So a statement that is read in parts must keep the result until its end.
    pub fn plan_by_values(&self) -> PlanByValues<'_> {
        let others = self.plans_by_values.get();
        if others == 0 {
            // If it is refused, only the plans are worse.
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, false);
        }
        self.plans_by_values.set(others + 1);
        PlanByValues(self)
    }

    /// [`UserConnection::plan_by_values`] if a statement has a pattern, so that `LIKE ?` can use an index.
    pub fn plan_patterns_by_values<'s>(
        &self,
        mut statements: impl Iterator<Item = &'s str>,
    ) -> Option<PlanByValues<'_>> {
        statements.any(has_pattern).then(|| self.plan_by_values())
    }

    /// Returns `true` if a statement that writes keys was compiled since the flag was last taken. Such a statement
    /// is compiled again each time it runs.
    pub fn has_written_keys(&self) -> bool {
        self.authorizer.has_written_keys()
    }

    /// [`UserConnection::has_written_keys`], and clears the flag.
    pub fn take_wrote_keys(&self) -> bool {
        self.authorizer.take_wrote_keys()
    }

    /// The cancellation that interrupted a statement, as an error.
    pub fn check_cancelled(&self) -> Result<(), Error> {
        lock(&self.running).iter().try_for_each(|cancel| cancel.check())
    }

    /// Returns `true` if work between two steps of statements is to end.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.is_set() || self.check_cancelled().is_err()
    }

    /// The error of work that was interrupted between two steps.
    pub fn interruption(&self) -> Error {
        self.check_cancelled().err().unwrap_or_else(Error::interrupted)
    }
}

/// Returns `true` if a text may have `LIKE` or `GLOB` in it.
fn has_pattern(sql: &str) -> bool {
    let is_operator = |word: &[u8]| word.eq_ignore_ascii_case(b"LIKE") || word.eq_ignore_ascii_case(b"GLOB");
    sql.as_bytes().windows(4).any(is_operator)
}

impl Deref for UserConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// Statements are cancellable while this lives.
pub struct Running<'c> {
    connection: &'c UserConnection,
    is_listed: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.is_listed {
            lock(&self.connection.running).pop();
        }
    }
}

/// Statements are planned by parameter values while this lives.
#[derive(Debug)]
pub struct PlanByValues<'c>(&'c UserConnection);

impl Drop for PlanByValues<'_> {
    fn drop(&mut self) {
        let others = self.0.plans_by_values.get() - 1;
        self.0.plans_by_values.set(others);
        if others == 0 {
            let _ = self.0.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
        }
    }
}

/// Statements with more than a few steps are interrupted while this lives.
pub struct StepLimit<'c>(&'c AtomicBool);

impl Drop for StepLimit<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
