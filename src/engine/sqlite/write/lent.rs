//! The writer's connection, lent for a while, and what belongs to it.

use super::purge::Purge;
use crate::engine::sqlite::checkpoint::control::Control;
use crate::engine::sqlite::file::DatabaseFile;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::wal::commit_log::Recorder;
use crate::engine::sqlite::wal::file_mark::MarkKeeper;

/// The connection, lent between two transactions, and what belongs to it.
pub struct Lent<'a> {
    pub connection: &'a UserConnection,
    pub file: &'a DatabaseFile,
    pub control: &'a Control,
    pub recorder: &'a Recorder,
    pub marks: &'a mut MarkKeeper,
    pub purge: &'a mut Purge,
}
