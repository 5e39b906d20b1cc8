//! Answers to reads of many keys: JSON text in slices.

use super::count::count;
use super::page::page;
use super::scan::scan;
use super::values::values;
use crate::Error;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::wal::commit_log::CommitLog;
use crate::reads::KeyQuery;

/// Answers a query. Returns the last slice, and passes those before it to `send`. `commit_log` is that of the snapshot,
/// where it is one of committed keys alone.
pub fn answer(
    connection: &UserConnection,
    query: &KeyQuery,
    commit_log: Option<&CommitLog>,
    send: impl FnMut(String),
) -> Result<String, Error> {
    match query {
        KeyQuery::Select(select) => scan(connection, select, send),
        KeyQuery::Page(query) => page(connection, query, send),
        KeyQuery::Count(query) => Ok(count(connection, query, commit_log)?.to_string()),
        KeyQuery::Values(query) => values(connection, query, send),
    }
}
