//! Limits that a user can notice or that several files share, with the unit in the name or type.

use std::time::Duration;

/// Maximum wait for a lock that another process or another copy of SQLite holds.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum wait of what only keeps the file in order. A write that comes behind it waits for [`BUSY_TIMEOUT`] itself.
pub const UPKEEP_LOCK_WAIT: Duration = Duration::from_millis(100);

/// Longest pause between two attempts to take a held lock. It is short because the holder may release the lock for
/// less than a millisecond at a time.
pub const BUSY_PAUSE_MAX: Duration = Duration::from_millis(2);

/// Interval between purges of expired rows. Readers never see an expired row; the purge only frees space.
pub const PURGE_INTERVAL: Duration = Duration::from_secs(30);

/// Pause before a purge is tried again that has met a lock.
pub const PURGE_RETRY: Duration = Duration::from_secs(1);

/// Expired rows that one transaction removes, so that writes never wait long for the purge.
pub const PURGE_ROWS_PER_TRANSACTION: u32 = 1_000;

/// Commands after which a group is committed although more are waiting.
pub const GROUP_COMMANDS_MAX: usize = 20_000;

/// Bytes of keys and values after which a group is committed although more are waiting.
pub const GROUP_BYTES_MAX: usize = 16 << 20;

/// Reader threads, each with a connection.
pub const READERS_MAX: usize = 4;

/// Rows of a `select` in one slice, so that parsing a slice does not stall JavaScript's event loop.
pub const SLICE_ROWS_MAX: usize = 128;

/// Rows in the first slice of a `select`, so that JavaScript parses it while the others are read.
pub const SLICE_ROWS_FIRST: usize = 32;

/// Rows that a `select` finds in the index before it reads the first of them.
pub const SCAN_ROWS_FIRST: usize = 1_024;

/// Rows that it finds then before it reads on.
pub const SCAN_ROWS_MAX: usize = 4_096;

/// Rows of user SQL in one slice.
pub const SQL_SLICE_ROWS_MAX: usize = 1_000;

/// Bytes of keys and values after which a slice ends early.
pub const SLICE_BYTES_MAX: usize = 1 << 20;

/// UTF-16 units that a JavaScript string holds in V8 (`String::kMaxLength`).
pub const TEXT_LENGTH_MAX: usize = if cfg!(target_pointer_width = "64") { (1 << 29) - 24 } else { (1 << 28) - 16 };

/// Bytes of values after which a read of several keys leaves the rest to the next read.
pub const READ_BYTES_MAX: usize = 16 << 20;

/// Frames of a log up to which reads share a snapshot that keeps it from being begun anew.
pub const SNAPSHOT_KEPT_FRAMES_MAX: u32 = 1_000;

/// Maximum wait for batches in flight when a JavaScript environment ends.
pub const CLEANUP_WAIT: Duration = Duration::from_secs(60);

/// Prepared statements that each connection caches.
pub const STATEMENTS_CACHED: usize = 128;

/// Steps of SQLite's virtual machine between two checks for cancellation: a fraction of a millisecond.
pub const STEPS_BETWEEN_CANCEL_CHECKS: i32 = 2_000;

/// Steps of matching keys with a pattern between two checks whether that was cancelled: a fraction of a millisecond.
pub const WORK_BETWEEN_CANCEL_CHECKS: u64 = 1 << 16;

/// Default interval at which commits of other writers are captured.
pub const BACKUP_INTERVAL: Duration = Duration::from_secs(1);

/// Default retention of backups.
pub const BACKUP_RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Age of the newest snapshot at which a new one is made: Litestream's default.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Time that a file of levels 1 to 4 covers. The first three are Litestream's defaults.
pub const COMPACTION_INTERVALS: [Duration; 4] = [
    Duration::from_secs(30),
    Duration::from_secs(5 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(6 * 60 * 60),
];

/// Files that one compaction merges. All are open at once, as in a restore by Litestream.
pub const COMPACTION_FILES_MAX: usize = 100;

/// Minimum age at which merged files of levels 0 to 3 are removed. Files of level 4 stay for the retention. The
/// first is Litestream's default.
pub const LEVEL_AGES_MIN: [Duration; 4] = [
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(3 * 60 * 60),
];

/// Maximum lead of the time of day over a clock that nobody sets, without being doubted.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(60);

/// Time for which the time of day must stay ahead to be believed. Until then nothing is removed because of it.
pub const CLOCK_BELIEVED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes that the files of each of levels 1 to 3 may take, however small the database is.
pub const LEVEL_BYTES_MIN: u64 = 3 << 20;

/// Bytes of a level after which its files are removed although they are younger than [`LEVEL_AGES_MIN`].
pub const YOUNG_LEVEL_BYTES_MIN: u64 = 14 << 20;

/// Files that each of levels 1 to 3 may have.
pub const LEVEL_FILES_MAX: usize = 500;

/// Maximum size of a file that is checked completely before it is opened. A larger file is checked in the
/// background, unless it was not closed properly.
pub const QUICK_CHECK_BYTES_MAX: u64 = 50 << 20;

/// Default time limit of the last backup when a file is closed.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause before a failed last backup is retried.
pub const SHUTDOWN_PAUSE: Duration = Duration::from_millis(200);

/// Interval at which a process checks whether the one that makes a file's backups has ended.
pub const ELSEWHERE_INTERVAL: Duration = Duration::from_secs(2);

/// Interval of compaction and retention while there are new backups.
pub const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(30);

/// Interval of retention while there are no new backups.
pub const IDLE_MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Time for which a restore blocks writes while the newest changes are backed up: well below [`BUSY_TIMEOUT`],
/// after which writes fail.
pub const LOCKED_BACKUP_WAIT: Duration = Duration::from_secs(2);

/// Time for which a restore blocks writes while another process backs up the newest changes: an interval of backups and
/// what one takes, and less than [`BUSY_TIMEOUT`].
pub const ELSEWHERE_LOCKED_WAIT: Duration = Duration::from_secs(3);

/// Time for which a restore waits for the backup of another process before it blocks writes.
pub const ELSEWHERE_BACKUP_WAIT: Duration = Duration::from_secs(30);

/// Polling interval of what another process has backed up.
pub const ELSEWHERE_PAUSE: Duration = Duration::from_millis(25);

/// Maximum wait for a hook.
pub const HOOK_WAIT: Duration = Duration::from_secs(10);

/// Commits in the commit log. A client has only a few batches in flight.
pub const COMMIT_LOG_LENGTH: usize = 64;

/// Ranges of keys that are known to have one row each.
pub const SINGLE_ROW_RANGES_MAX: usize = 16;

/// Rows in the rowid cache, some 150 bytes each.
pub const ROWID_CACHE_ROWS_MAX: usize = 50_000;

/// Bytes in the write-ahead log at which the writer itself runs a checkpoint, and restarts the log. Debug builds have
/// fewer, so that tests which stop at every write meet checkpoints early.
pub const WAL_COPIED_BYTES: i64 = if cfg!(debug_assertions) { 4 << 20 } else { 16 << 20 };

/// Time without a commit after which the log is copied into the file.
pub const CHECKPOINT_IDLE: Duration = Duration::from_millis(300);

/// Time after which the log is copied although commits keep coming.
pub const CHECKPOINT_AGE_MAX: Duration = Duration::from_secs(2);

/// Times of the copies after the first commit that follows a pause, each counted from the copy before.
pub const CHECKPOINTS_SOON: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(20), Duration::from_millis(60), Duration::from_millis(150)];

/// Time without a commit after which a log that is copied completely is emptied.
pub const CHECKPOINT_QUIET: Duration = Duration::from_millis(20);

/// Polling interval for commits of others.
pub const CHECKPOINT_LOOK: Duration = Duration::from_millis(500);

/// Polling interval while the file lacks something.
pub const CHECKPOINT_TICK: Duration = Duration::from_millis(100);

/// Time for which the first write waits until its mark is in the file.
pub const FIRST_MARK_WAIT: Duration = Duration::from_millis(250);

/// Pause between attempts to empty the log at the end of the process.
pub const CHECKPOINT_RETRY: Duration = Duration::from_millis(5);

/// Time for which the end of the process tries to empty the log of a file that others read or write.
pub const END_WAIT: Duration = Duration::from_secs(1);

/// Time for the last backups when Windows' console is closed: with [`END_WAIT`] less than the five seconds after which the
/// system ends the process.
pub const CONSOLE_CLOSE_WAIT: Duration = Duration::from_secs(3);

/// Bytes by which the log grows when a small commit would not fit. More would be written in vain by a bot that
/// writes little.
pub const WAL_GROWTH_BYTES: u64 = 1 << 20;

/// Size of the log up to which it grows in advance: [`WAL_COPIED_BYTES`] of other builds than those for debugging.
pub const WAL_BYTES_MAX: u64 = 16 << 20;

/// Longest suffix that the name of a file beside the database has: that of a file which is being restored.
pub const SUFFIX_BYTES_MAX: usize = 48;

/// Longest name of a file, where the file system does not say.
pub const NAME_BYTES_MAX: usize = 255;

/// Longest path that SQLite opens (`MAX_PATHNAME` in its `os_unix.c`, less the suffix of a journal).
pub const PATH_BYTES_MAX: usize = 504;

/// Page cache of each reader thread (sqlite.org/pragma.html, `cache_size`).
pub const POOL_CACHE_KIB: i64 = 4 << 10;

/// Page cache of the reader on a client's own thread, which looks keys up. Like every page cache it takes no more than the
/// database.
pub const LOOKUP_CACHE_KIB: i64 = 16 << 10;

/// Page cache of the writer: holds the index of a million keys, which every write searches.
pub const WRITER_CACHE_KIB: i64 = 32 << 10;

/// Page cache of a difference of two states, which is kept in a temporary file.
pub const SCRATCH_CACHE_KIB: i64 = 16 << 10;

/// Rows of a difference in one slice.
pub const DIFFERENCE_SLICE_ROWS_MAX: usize = 1_000;

/// Rows that are compared between two reports of the progress of a difference.
pub const DIFFERENCE_ROWS_PER_REPORT: u64 = 20_000;

/// Size of a compiled pattern of `REGEXP`: a text takes time in proportion to it.
pub const REGEXP_BYTES_MAX: usize = 64 << 10;

/// Time for which the writer spins for the next request before it sleeps.
pub const REQUEST_SPIN: Duration = Duration::from_micros(100);

/// Attempts to rename or to remove a file that another program has open for a moment, on Windows, and the pause between two.
pub const RENAME_ATTEMPTS: u32 = 25;
/// See [`RENAME_ATTEMPTS`].
pub const RENAME_PAUSE: Duration = Duration::from_millis(20);

/// Longest wait for an object store's next answer before a sound file is opened without it.
pub const OPENING_ANSWER_WAIT: Duration = Duration::from_secs(3);

/// Longest wait for all of its answers then.
pub const OPENING_LISTING_WAIT: Duration = Duration::from_secs(15);

/// Polling interval for commits of others while something is watched.
pub const WATCH_LOOK: Duration = Duration::from_millis(150);

/// Interval at which the checkpointer and the backup thread still look for commits themselves while a watch tells them.
pub const LOOK_BESIDE_WATCH: Duration = Duration::from_secs(10);

/// Shortest pause between two reports of changes, so that a storm of commits is read in few steps.
pub const WATCH_PAUSE: Duration = Duration::from_millis(5);

/// Changed keys of a watch after which it is told to read everything again.
pub const WATCH_CHANGES_MAX: usize = 10_000;

/// Bytes of changed keys and values after which the rest is left to the next report; on PostgreSQL, bytes of changed values
/// after which a watch is told to read everything again.
pub const WATCH_BYTES_MAX: usize = 16 << 20;

/// Frames of the log that are read to find what has changed. Of more, reading the watched keys takes less.
pub const WATCH_FRAMES_MAX: u32 = 8_192;

/// Oldest version of PostgreSQL that is supported, as `server_version_num` has it. It is the first with `NULLS NOT DISTINCT`.
pub const SERVER_VERSION_MIN: i32 = 150_000;

/// Longest wait for one host of PostgreSQL to let a connection in.
pub const CONNECT_TIMEOUT_POSTGRES: Duration = Duration::from_secs(5);

/// Silence of a connection to PostgreSQL after which the system asks whether the other end is there, how often it asks
/// then, and how many times.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// See [`KEEPALIVE_IDLE`].
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// See [`KEEPALIVE_IDLE`].
pub const KEEPALIVE_RETRIES: u32 = 3;

/// Pause before the first repetition of what failed on PostgreSQL, and the longest.
pub const RETRY_PAUSE_FIRST: Duration = Duration::from_millis(10);
/// See [`RETRY_PAUSE_FIRST`].
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Time for which the ledger is asked after the time limit of a write whose connection was lost.
pub const LEDGER_WAIT: Duration = Duration::from_secs(5);

/// Time before the end of an attempt to write at which the server stops waiting for a lock, if that is less than a quarter of it.
pub const LOCK_WAIT_MARGIN: Duration = Duration::from_secs(1);

/// Time for which a transaction on PostgreSQL may be idle that this package began for itself: it guards against a process
/// that is stopped in the middle.
pub const OWN_TRANSACTION_IDLE_MAX: Duration = Duration::from_secs(20);

/// Time after the limit of a user's transaction that is idle at which the server ends it on PostgreSQL, too.
pub const LEASE_IDLE_MARGIN: Duration = Duration::from_secs(5);

/// Time for which a bot that makes or adopts the tables waits for a lock before it begins anew. Whoever else wants the table
/// waits behind it.
pub const ADOPTION_LOCK_WAIT: Duration = Duration::from_secs(2);

/// Time after which a statement is prepared anew: its plan may be from when there were few keys.
pub const PREPARED_MAX_AGE: Duration = Duration::from_secs(10);

/// Statements that are prepared on a connection to PostgreSQL.
pub const PREPARED_STATEMENTS_MAX: usize = 16;

/// Time for which the rows of contended updates stay locked until the batch comes that is made of them.
pub const HOLD_MAX: Duration = Duration::from_secs(1);

/// Bytes that one statement on PostgreSQL writes. The server takes messages of less than 1 GiB (PostgreSQL, `MaxAllocSize`).
pub const STATEMENT_BYTES_MAX: usize = 1_000_000_000;

/// Rows of the SDK's table on PostgreSQL up to which a bot adopts it at its start: that locks the table for a second.
pub const ADOPTED_ROWS_MAX: i64 = 100_000;

/// Difference of the clocks of the server and the process up to which they count as one: measuring it is no more exact.
pub const CLOCKS_DIFFER_MIN: Duration = Duration::from_millis(250);

/// Interval of looking for what has changed of watched keys on PostgreSQL.
pub const WATCH_POLL: Duration = Duration::from_secs(1);

/// The same where there are more than [`WATCH_CHANGES_MAX`] of them.
pub const WATCH_POLL_LARGE: Duration = Duration::from_secs(5);

/// Characters of a key that the index for patterns on PostgreSQL has.
pub const PATTERN_PREFIX_CHARACTERS: usize = 64;
