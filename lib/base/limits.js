"use strict";

// Limits that a user can notice or that several files share, with the unit in the name. The core's are in `src/limits.rs`.

/** Interval at which the core is told what time it is for JavaScript; a part of the minute within which rows are purged. */
const CLOCK_REPORT_INTERVAL_MS = 10_000;

module.exports = {
	CLOCK_REPORT_INTERVAL_MS,
	/** The shortest interval of backups. */
	INTERVAL_MS_MIN: 10,

	/** Default of the time for which an operation on PostgreSQL is tried while no server can be reached. */
	POSTGRES_TIMEOUT_MS: 30_000,

	/** Bytes of UTF-8 of a key and of a community's name on PostgreSQL: an entry of its indexes ends at 2,704 bytes. */
	POSTGRES_KEY_BYTES_MAX: 2_000,
	POSTGRES_COMMUNITY_BYTES_MAX: 500,

	/** Difference between the clocks of the process and of a server from which a warning tells of it. */
	CLOCK_SKEW_WARNED_MS: 1_000,

	/** The longest duration that an option may give: ten years. */
	DURATION_MS_MAX: 10 * 366 * 24 * 60 * 60 * 1_000,

	/**
	 * Batches of a store in flight at a time: while the writer has one in hand, the next are encoded, and the promises of
	 * the last are settled.
	 */
	BATCHES_IN_FLIGHT_MAX: 4,

	/** Operations in one batch, if few are waiting: all batches that may be in flight share them. */
	BATCH_OPERATIONS_MIN: 350,

	/** Operations in one batch, if many are waiting. */
	BATCH_OPERATIONS_MAX: 2_500,

	/** UTF-16 units of keys and values after which a batch ends. */
	BATCH_LENGTH_MAX: 8 << 20,

	/** SQLite's limit for a row, 1,000,000,000 bytes by default (sqlite.org/limits.html), less its header. */
	ROW_BYTES_MAX: 1_000_000_000 - 1_000,

	/** No date lies further from 1970 (ECMAScript, "Time Values and Time Range"). */
	TIME_MS_MAX: 8.64e15,

	/** UTF-16 units of a key that a message shows. */
	KEY_LENGTH_SHOWN: 100,

	/** Room in memory from which a store in memory is kept there, and not in the folder for temporary files. */
	MEMORY_ROOM_BYTES_MIN: 256 << 20,

	/** Default of `maxRows`. */
	ROWS_MAX: 1_000_000,

	/** Default and maximum of the option `limit` of lists. */
	LIST_ROWS_DEFAULT: 100,
	LIST_ROWS_MAX: 1_000,

	/** Bytes of keys and values after which a page of an iterator ends early. */
	PAGE_BYTES_MAX: 4 << 20,

	/** Keys that one watch may name. */
	WATCH_KEYS_MAX: 1_000,

	/** UTF-16 units of the texts of a batch that cross as one: far less than the longest string. */
	JOINED_LENGTH_MAX: 64 << 20,

	/** Keys of one `updateMany`. */
	UPDATE_KEYS_MAX: 1_000,

	/** Keys of one `restoreKeys`. */
	RESTORED_KEYS_MAX: 10_000,

	/** UTF-16 units of rows that are parsed in one turn of the event loop; a slice more at most. */
	ROWS_LENGTH_MAX: 128 << 10,

	/** Duration of a read in SQL that counts as quick: less than handing it to another thread takes. */
	INLINE_READ_US: 40,

	/** Duration of an inline read that does not count against its statement. */
	INLINE_READ_MS_MAX: 1,

	/** Score, quick runs less slow ones, from which a statement is read inline; and the bound of the score. */
	INLINE_SCORE_MIN: 3,
	INLINE_SCORE_MAX: 8,

	/** Slow runs that an inline read counts for which took long, or which was given up. */
	LATE_RUN_PENALTY: 4,
	SLOW_RUN_PENALTY: 100,

	/** Statements whose score is kept. */
	INLINE_READS_KNOWN_MAX: 500,

	/** Reads in SQL that share one snapshot. */
	READS_AT_ONCE_MAX: 1_000,

	/** Default of the time for which a transaction or a reserved connection may be idle. */
	IDLE_LIMIT_MS: 30_000,

	/** Idle limit while the store is being closed. */
	IDLE_LIMIT_WHEN_CLOSING_MS: 1_000,

	/** The longest time that a timer of Node takes. */
	TIMER_MS_MAX: 2 ** 31 - 1,

	/** Commands of a batch, or keys of a read, that are polled for. */
	POLL_COMMANDS_MAX: 16,

	/** Duration of polling: a few times that of a sync of the disk. */
	POLL_MS: 0.7,

	/** Requests without polling after one that took longer; twice as many each time in a row. */
	POLL_PAUSE_MIN: 2,
	POLL_PAUSE_MAX: 64,

	/** Budget of reads in one turn of the event loop: as many hits of the cache as take a millisecond. */
	TURN_BUDGET: 1_000,

	/** Cost of a read from the file, a hit being 1. */
	READ_COST: 8,

	/** Cost of the reads of a turn from which on those from the file share a snapshot: a turn with a few reads keeps none. */
	SNAPSHOT_KEPT_FROM: 40,

	/** Keys of one call that are looked up inline. */
	MANY_READ_INLINE_MAX: 1_000,

	/** Cost of a read in SQL that is done inline. */
	SQL_READ_COST: 16,

	/** Default of `cacheBytes`, the size of the read cache of a store. */
	CACHE_BYTES_DEFAULT: 64 << 20,

	/**
	 * Memory of an entry of the read cache beside its text: an object, the headers of two strings, its place in a `Map`; and
	 * as much again for forgotten entries that wait for the garbage collector.
	 */
	CACHE_ENTRY_OVERHEAD_BYTES: 256,

	/** Entries of an array that is set in bulk. It does not go into the cache, because it would push out what is read. */
	BULK_SET_ENTRIES_MIN: 1_001,

	/** Texts of a set in bulk that are joined at a time: so many that joining pays, so few that they are garbage while young. */
	TEXTS_JOINED: 256,

	/** Memory of the `Map` of a community. */
	CACHE_SCOPE_OVERHEAD_BYTES: 256,

	/** Interval of looking for other copies of SQLite in the process. */
	FOREIGN_CHECK_INTERVAL_MS: 1_000,

	/** Time for which the end of the process waits for one batch. A lock of others is waited for 5 s at most. */
	EXIT_WAIT_MS: 60_000,
};
