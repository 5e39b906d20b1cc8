//! A connection whose statements are guarded and can be cancelled.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::authorizer::Authorizer;
use crate::Error;
use crate::limits::STEPS_BETWEEN_CANCEL_CHECKS;
use crate::sql::Cancel;
use crate::threads::lock;

type CancelList = Arc<Mutex<Vec<Arc<Cancel>>>>;

/// A connection with its authorizer.
#[derive(Debug)]
pub struct UserConnection {
    connection: Connection,
    pub authorizer: Authorizer,
    /// What may cancel the statement under way.
    running: CancelList,
    /// Statements may take no more steps than lie between two looks at [`UserConnection::running`].
    are_steps_limited: Arc<AtomicBool>,
    /// A statement has set a state of the connection, or made something temporary, since it was last reset.
    pub is_altered: Cell<bool>,
    /// How many want statements planned by their values.
    plans_by_values: Cell<u32>,
}

impl UserConnection {
    /// Guards a connection.
    ///
    /// # Errors
    ///
    /// With SQLite's code, if it refuses its hooks.
    pub fn new(mut connection: Connection) -> Result<Self, Error> {
        let authorizer = Authorizer::default();
        let watched = authorizer.clone();
        connection.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| watched.authorize(context)))?;
        let running = CancelList::default();
        let watched = Arc::clone(&running);
        let are_steps_limited = Arc::new(AtomicBool::new(false));
        let watched_too = Arc::clone(&are_steps_limited);
        let is_over = move || {
            watched_too.load(Ordering::Relaxed) || lock(&watched).iter().any(|cancel| cancel.check().is_err())
        };
        connection.progress_handler(STEPS_BETWEEN_CANCEL_CHECKS, Some(is_over))?;
        Ok(Self {
            connection,
            authorizer,
            running,
            are_steps_limited,
            is_altered: Cell::new(false),
            plans_by_values: Cell::new(0),
        })
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

    /// Interrupts what takes more than some steps, until the result is dropped.
    pub fn limit_steps(&self) -> StepLimit<'_> {
        self.are_steps_limited.store(true, Ordering::Relaxed);
        StepLimit(&self.are_steps_limited)
    }

    /// Lets SQLite plan statements by the values of their parameters until the result is dropped. Whenever this begins or
    /// ends, SQLite takes every statement of the connection for outdated and compiles it anew, and fails one that is under
    /// way and begins a subquery then. So a statement that is not read to its end keeps it until it is.
    pub fn plan_by_values(&self) -> PlanByValues<'_> {
        let others = self.plans_by_values.get();
        if others == 0 {
            // If it is refused, plans are worse and results the same.
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, false);
        }
        self.plans_by_values.set(others + 1);
        PlanByValues(self)
    }

    /// [`UserConnection::plan_by_values`] where a statement has a pattern, so that `LIKE ?` can use an index.
    pub fn plan_patterns_by_values<'s>(
        &self,
        mut statements: impl Iterator<Item = &'s str>,
    ) -> Option<PlanByValues<'_>> {
        statements.any(has_pattern).then(|| self.plan_by_values())
    }

    /// Whether a statement was compiled that writes keys, since this was last taken. One that does is compiled anew each
    /// time that it is run.
    pub fn has_written_keys(&self) -> bool {
        self.authorizer.has_written_keys()
    }

    /// As [`UserConnection::has_written_keys`], which is then no longer so.
    pub fn take_wrote_keys(&self) -> bool {
        self.authorizer.take_wrote_keys()
    }

    /// What a statement that SQLite says was interrupted failed with.
    pub fn check_cancelled(&self) -> Result<(), Error> {
        lock(&self.running).iter().try_for_each(|cancel| cancel.check())
    }
}

/// Whether a text may have `LIKE` or `GLOB` in it.
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

/// While it lives, what runs on the connection can be cancelled.
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

/// While it lives, statements are planned by the values of their parameters.
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

/// While it lives, what takes more than some steps is interrupted.
pub struct StepLimit<'c>(&'c AtomicBool);

impl Drop for StepLimit<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
