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
	BATCH_OPERATIONS_MIN: 250,

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

	/** What the read cache of a store takes, unless `cacheBytes` says otherwise. */
	CACHE_BYTES_DEFAULT: 64 << 20,

	/** What an entry of the read cache takes beside its text: an object, two strings' headers, its place in a `Map`. */
	CACHE_ENTRY_OVERHEAD_BYTES: 128,

	/** How often other copies of SQLite in the process are looked for. */
	FOREIGN_CHECK_INTERVAL_MS: 1_000,

	/** How long the end of the process waits for one batch. A lock of others is waited for no longer than 5 s. */
	EXIT_WAIT_MS: 60_000,
};
