//! States to compare: backups that are restored to temporary files, and the file as it is now.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;
use crate::backup::fs::temporary::Temporary;
use crate::backup::local::inspection::open_for_inspection;
use crate::backup::restore::image::{Care, cannot_write, end_when_cancelled, restore_with};
use crate::backup::restore::listing::timed;
use crate::backup::restore::progress::RestoreProgress;
use crate::clock::now_ms;
use crate::engine::sqlite::open_detached;
use crate::ltx::Txid;
use crate::sql::Cancel;
use crate::{BackupProblem, Error};

/// Name of the temporary files.
const NAME: &str = "rootcellar-compared";

/// Moment whose state was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Last transaction of the state.
    pub txid: Txid,
    /// Time of its capture, in milliseconds since 1970 UTC.
    pub time_ms: i64,
}

/// State of a database that does not change while it is read.
pub struct State {
    /// Connection whose snapshot is this state.
    pub connection: Connection,
    /// Moment of a backup; `None` for the file as it is now.
    pub moment: Option<Moment>,
    /// Time of the state, in milliseconds since 1970 UTC: what had expired by then is not there.
    pub time_ms: i64,
    /// Declared last: removed after the connection is closed.
    _file: Option<Temporary>,
}

impl State {
    /// Restores a state to a temporary file in the first of some folders that takes one. On Unix nothing of it is left
    /// behind, however the process ends from then on.
    ///
    /// # Errors
    ///
    /// As a restore; `ABORT_ERR` if it was cancelled.
    pub fn restored(
        destination: &dyn Destination,
        target: Target,
        folders: &[PathBuf],
        cancel: &Arc<Cancel>,
        progress: &mut dyn FnMut(RestoreProgress),
    ) -> Result<Self, Error> {
        let file = temporary(folders)?;
        let files = timed(destination, target)?;
        let care = Care { is_brief: true, cancel: Some(cancel) };
        let restored = restore_with(destination, &files, target, file.path(), care, progress)?;
        let mut connection = open_detached(file.path())?;
        // SQLite opens the file here at the latest.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        end_when_cancelled(&mut connection, cancel)?;
        let moment = Moment { txid: restored.txid, time_ms: restored.time_ms };
        let file = if cfg!(unix) { None } else { Some(file) };
        Ok(Self { connection, moment: Some(moment), time_ms: moment.time_ms, _file: file })
    }

    /// Reads the file as it is now, in one transaction.
    ///
    /// # Errors
    ///
    /// With SQLite's code.
    pub fn now(path: &Path, cancel: &Arc<Cancel>) -> Result<Self, Error> {
        let mut connection = open_for_inspection(path)?;
        connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
        end_when_cancelled(&mut connection, cancel)?;
        Ok(Self { connection, moment: None, time_ms: now_ms(), _file: None })
    }
}

fn temporary(folders: &[PathBuf]) -> Result<Temporary, Error> {
    let mut refused = None;
    for folder in folders {
        match Temporary::create(&folder.join(NAME)) {
            Ok(file) => return Ok(file),
            Err(error) => refused = refused.or(Some(cannot_write(folder, &error))),
        }
    }
    Err(refused.unwrap_or_else(|| Error::backup(BackupProblem::State, "there is no folder for a temporary file")))
}
