//! Transactions that only make a mark of the file.

use std::thread;
use std::time::Instant;

use rusqlite::TransactionBehavior;

use crate::Error;
use crate::engine::sqlite::connection::ShortWait;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::wal::commit_log::{self, Author, Recorder};
use crate::engine::sqlite::wal::file_mark::MarkKeeper;
use crate::limits::{CHECKPOINT_RETRY, FIRST_MARK_WAIT};

/// Makes a mark before the first write, and brings it into the file: so the file differs from every copy that was made of it
/// before it was opened. What fails otherwise than below is left to the transactions that follow.
///
/// # Errors
///
/// `SQLITE_BUSY`: then it is to be tried again, before the next write.
pub fn begin(connection: &UserConnection, recorder: &Recorder, marks: &mut MarkKeeper) -> Result<(), Error> {
    if !marks.begin() {
        return Ok(());
    }
    match mark(connection, recorder, marks).map_err(Error::from) {
        Ok(()) => {}
        Err(error) if error.is_busy() => {
            marks.begin_again();
            return Err(error);
        }
        Err(_) => return Ok(()),
    }
    // The first capture of a backup may be reading the file.
    let began = Instant::now();
    while connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).is_ok()
        && !marks.is_log_copied()
        && began.elapsed() < FIRST_MARK_WAIT
    {
        thread::sleep(CHECKPOINT_RETRY);
    }
    Ok(())
}

/// Makes a mark if one is due, before work that has the connection for itself, and may need no lock. What fails is left to
/// that.
pub fn mark_if_due(connection: &UserConnection, recorder: &Recorder, marks: &mut MarkKeeper) {
    let _short = ShortWait::begin();
    if begin(connection, recorder, marks).is_ok() && marks.is_due() {
        drop(mark(connection, recorder, marks));
    }
}

fn mark(connection: &UserConnection, recorder: &Recorder, marks: &mut MarkKeeper) -> rusqlite::Result<()> {
    let mut recording = recorder.prepare();
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    recording.begin(commit_log::data_version(&transaction)?);
    let marked = marks.before_write(&transaction).and_then(|()| transaction.commit());
    match marked {
        Ok(()) => recording.committed(connection, Author::Nobody),
        Err(_) => marks.failed(),
    }
    marked
}
