//! Every number that bounds something, with its unit in its name.

use std::time::Duration;

/// How long a lock that another process or another copy of SQLite holds is waited for.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest pause between two attempts at a held lock. Short, because the holder may leave it for less than
/// a millisecond at a time.
pub const BUSY_PAUSE_MAX: Duration = Duration::from_millis(2);

/// How often expired rows are looked for. Readers never see one; this only frees their space.
pub const PURGE_INTERVAL: Duration = Duration::from_secs(30);

/// Expired rows removed in one transaction, so that writes never wait long behind the purge.
pub const PURGE_ROWS_PER_TRANSACTION: u32 = 1_000;

/// Commands after which a group is committed although more are waiting.
pub const GROUP_COMMANDS_MAX: usize = 20_000;

/// Bytes of keys and values after which a group is committed although more are waiting.
pub const GROUP_BYTES_MAX: usize = 16 << 20;

/// Threads, each with a connection, that answer reads beside the writer.
pub const READERS_MAX: usize = 4;

/// Rows of a `select` that reach JavaScript at a time, so that parsing them does not stall its event loop.
pub const SLICE_ROWS_MAX: usize = 128;

/// Rows that reach it first, so that it parses while the others are read.
pub const SLICE_ROWS_FIRST: usize = 32;

/// Rows of a statement's result that reach it at a time.
pub const SQL_SLICE_ROWS_MAX: usize = 1_000;

/// Bytes of keys and values after which a slice ends early.
pub const SLICE_BYTES_MAX: usize = 1 << 20;

/// UTF-16 units that a JavaScript string holds in V8 (`String::kMaxLength`).
pub const TEXT_LENGTH_MAX: usize = if cfg!(target_pointer_width = "64") { (1 << 29) - 24 } else { (1 << 28) - 16 };

/// Bytes of values after which a read of several keys leaves the rest to the next.
pub const READ_BYTES_MAX: usize = 16 << 20;

/// How long the end of a JavaScript environment waits for batches that are being written.
pub const CLEANUP_WAIT: Duration = Duration::from_secs(60);

/// Statements that each connection keeps prepared.
pub const STATEMENTS_CACHED: usize = 128;

/// Steps of SQLite's virtual machine after which it looks whether the statement was cancelled: a fraction of a
/// millisecond.
pub const STEPS_BETWEEN_CANCEL_CHECKS: i32 = 2_000;

/// How often other writers' commits are looked for and captured, unless an option says otherwise.
pub const BACKUP_INTERVAL: Duration = Duration::from_secs(1);

/// How long backups are kept, unless an option says otherwise.
pub const BACKUP_RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How old the newest snapshot gets. Litestream's default.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The intervals that files of levels 1 to 4 cover. The first three are Litestream's defaults.
pub const COMPACTION_INTERVALS: [Duration; 4] = [
    Duration::from_secs(30),
    Duration::from_secs(5 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(6 * 60 * 60),
];

/// Files that are merged at a time. All are open at once, as they are when Litestream restores.
pub const COMPACTION_FILES_MAX: usize = 100;

/// How long files of levels 0 to 3 are kept although they are merged. Those of level 4 are kept as long as the retention. The first is Litestream's default.
pub const LEVEL_AGES_MIN: [Duration; 4] = [
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(3 * 60 * 60),
];

/// How far the time of day may run ahead of a clock that nobody sets, and still be believed.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(60);

/// How long the time of day has to stay ahead to be believed: what is past the retention by it is kept until then.
pub const CLOCK_BELIEVED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes that the files of each of levels 1 to 3 may take however small the database is.
pub const LEVEL_BYTES_MIN: u64 = 3 << 20;

/// Bytes after which files of a level give way although they have not reached the age of [`LEVEL_AGES_MIN`].
pub const YOUNG_LEVEL_BYTES_MIN: u64 = 14 << 20;

/// Files that each of levels 1 to 3 may have.
pub const LEVEL_FILES_MAX: usize = 500;

/// Files up to this size are checked as a whole before they are opened; larger ones in the background, unless they
/// were not closed as they should be.
pub const QUICK_CHECK_BYTES_MAX: u64 = 50 << 20;

/// How long the last backup of a file may take when it is closed, unless an option says otherwise.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a last backup that failed waits until it is tried again.
pub const SHUTDOWN_PAUSE: Duration = Duration::from_millis(200);

/// How often it is looked whether the process that makes a file's backups has ended.
pub const ELSEWHERE_INTERVAL: Duration = Duration::from_secs(2);

/// How often backups are merged and removed, while there are new ones.
pub const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(30);

/// How often it is looked for backups to remove while there are no new ones.
pub const IDLE_MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How long a store that is being restored is kept from being written while what has just been written to it is backed up:
/// well below [`BUSY_TIMEOUT`], after which writes fail.
pub const LOCKED_BACKUP_WAIT: Duration = Duration::from_secs(2);

/// How long a function of the user that is called before or after a backup is waited for.
pub const HOOK_WAIT: Duration = Duration::from_secs(10);

/// Commits of the writer that are remembered, to be told from those of others. A client has a few batches under way
/// at a time.
pub const COMMIT_LOG_LENGTH: usize = 64;

/// Rows whose place the writer keeps in mind, some 150 bytes each.
pub const ROWID_CACHE_ROWS_MAX: usize = 50_000;

/// Pages that the write-ahead log grows to before they are copied into the database. Pages that were written several times
/// by then are copied once. Fewer in a build for debugging, so that tests which try every write meet the copying early.
pub const WAL_PAGES: i64 = if cfg!(debug_assertions) { 1_000 } else { 4_000 };

/// How much longer the log is made when a small commit would not fit. Less is written for nothing by a bot that writes
/// little.
pub const WAL_GROWTH_BYTES: u64 = 1 << 20;

/// Beyond this the log is not made longer in advance: [`WAL_PAGES`] of SQLite's usual size.
pub const WAL_BYTES_MAX: u64 = 16 << 20;

/// What each reader keeps of the database in memory.
pub const READER_CACHE_KIB: i64 = 4 << 10;

/// What the writer keeps of the database in memory (sqlite.org/pragma.html, `cache_size`).
pub const WRITER_CACHE_KIB: i64 = 8 << 10;

/// How long the writer looks out for the next request before it goes to sleep.
pub const REQUEST_SPIN: Duration = Duration::from_micros(100);
