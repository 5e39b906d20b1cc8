"use strict";

// Every number that bounds something, with its unit in its name. Those of the core stand in `src/limits.rs`.

module.exports = {
	/** The shortest interval of backups. */
	INTERVAL_MS_MIN: 10,

	/** The longest duration that an option may give: ten years. */
	DURATION_MS_MAX: 10 * 366 * 24 * 60 * 60 * 1_000,

	/**
	 * Batches of a store under way at a time: while the writer has one in hand, the next ones are made up, and the last
	 * ones' promises settled.
	 */
	BATCHES_IN_FLIGHT_MAX: 4,

	/** Operations in one batch, if there are few: all batches that may be under way share what is waiting. */
	BATCH_OPERATIONS_MIN: 350,

	/** Operations in one batch, if there are many. */
	BATCH_OPERATIONS_MAX: 2_500,

	/** UTF-16 units of keys and values after which a batch ends. */
	BATCH_LENGTH_MAX: 8 << 20,

	/** SQLite's limit for a row, 1,000,000,000 bytes by default (sqlite.org/limits.html), less its header. */
	ROW_BYTES_MAX: 1_000_000_000 - 1_000,

	/** No date lies further from 1970 (ECMAScript, "Time Values and Time Range"). */
	TIME_MS_MAX: 8.64e15,

	/** UTF-16 units of a key that a message shows. */
	KEY_LENGTH_SHOWN: 100,

	/** Rows that `all` returns, unless its option says otherwise. */
	ROWS_MAX: 1_000_000,

	/** UTF-16 units of rows that are parsed in one turn of the event loop; a slice more at most. */
	ROWS_LENGTH_MAX: 32 << 10,

	/** What a read in SQL takes at most that is done at once: less than it takes to have another thread do it. */
	INLINE_READ_US: 40,

	/** What one may take that was expected to be quick, and is still taken for that. */
	INLINE_READ_MS_MAX: 1,

	/** How much more often than it took longer it has to, to be done at once, and how much is remembered. */
	INLINE_SCORE_MIN: 3,
	INLINE_SCORE_MAX: 8,

	/** For how many slow ones one stands that was done at once and took long, and one that was given up. */
	LATE_RUN_PENALTY: 4,
	SLOW_RUN_PENALTY: 100,

	/** Statements of which that is known. */
	INLINE_READS_KNOWN_MAX: 500,

	/** Reads in SQL that share one snapshot. */
	READS_AT_ONCE_MAX: 1_000,

	/** How long a transaction or a reserved connection may be idle, unless its option says otherwise. */
	IDLE_LIMIT_MS: 30_000,

	/** The same once the store is being closed. */
	IDLE_LIMIT_WHEN_CLOSING_MS: 1_000,

	/** The longest time that a timer of Node takes. */
	TIMER_MS_MAX: 2 ** 31 - 1,

	/** Commands of a batch that is looked out for, instead of slept for. */
	POLL_COMMANDS_MAX: 16,

	/** For how long: a few times what a disk takes to sync. */
	POLL_MS: 0.5,

	/** Batches that are slept for after one that took longer; twice as many each time in a row. */
	POLL_PAUSE_MIN: 16,
	POLL_PAUSE_MAX: 4_096,

	/** Reads from the cache in one turn of the event loop, a millisecond's worth. */
	TURN_BUDGET: 1_000,

	/** What a read from the file costs of that. */
	READ_COST: 8,

	/** And a read in SQL that is done at once. */
	SQL_READ_COST: 16,

	/** What the read cache of a store takes, unless `cacheBytes` says otherwise. */
	CACHE_BYTES_DEFAULT: 64 << 20,

	/**
	 * What an entry of the read cache takes beside its text: an object, the headers of two strings, its place in a `Map`;
	 * and as much again for what was forgotten and waits for the garbage collector.
	 */
	CACHE_ENTRY_OVERHEAD_BYTES: 256,

	/** What the `Map` of a community takes. */
	CACHE_SCOPE_OVERHEAD_BYTES: 256,

	/** How often other copies of SQLite in the process are looked for. */
	FOREIGN_CHECK_INTERVAL_MS: 1_000,

	/** How long the end of the process waits for one batch. A lock of others is waited for no longer than 5 s. */
	EXIT_WAIT_MS: 60_000,
};
