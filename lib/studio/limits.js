"use strict";

// Bounds of what the studio answers, with their units. A route that reaches one says so; none cuts silently.

module.exports = {
	/** Bytes of a request's body, unless its route says otherwise. */
	BODY_BYTES_MAX: 1 << 20,

	/** Bytes of a body that holds a value. */
	VALUE_BODY_BYTES_MAX: 256 << 20,

	/** Bytes of a value that the page is sent to be edited; a longer one can be downloaded. */
	VALUE_BYTES_MAX: 64 << 20,

	/** Duration of a route, unless it says otherwise. */
	ROUTE_MS: 10_000,

	/** Duration of what goes through a whole file or a destination; it can be cancelled at any time. */
	LONG_ROUTE_MS: 3_600_000,

	/** Rows of a page of keys or of a table. */
	PAGE_ROWS: 200,

	/** Nodes of a level of the tree, and communities, that are read at a time. */
	LEVEL_NODES: 200,
	COMMUNITIES_MAX: 1_000,

	/** Keys or rows up to which they are counted without being asked to. */
	COUNT_MAX: 10_000,

	/** Characters of a value in a list, and bytes of a BLOB. */
	PREVIEW_LENGTH: 200,
	PREVIEW_BYTES: 64,

	/** Rows of a result of SQL that are sent at a time, and the most that are gone through for the next. */
	SQL_ROWS: 1_000,

	/** Characters of a cell of a result, and of all of an answer's cells. */
	CELL_LENGTH: 1_000,
	ANSWER_LENGTH: 8 << 20,

	/** Time for which a transaction of the page waits to be committed. */
	UNDECIDED_MS: 30_000,

	/** Letters of a pattern whose two cases are searched for one by one. */
	CASES_LETTERS_MAX: 6,

	/** Interval of looking whether the file has changed, which takes a `stat` and no query, and of a sign of life. */
	LOOK_INTERVAL_MS: 500,
	ALIVE_INTERVAL_MS: 15_000,

	/** Keys that one page watches. */
	WATCH_KEYS_MAX: 1_000,

	/** Backups of which the page is told, the newest. */
	BACKUPS_MAX: 20_000,

	/** Keys of a difference that are shown, and characters of each of their values. */
	DIFFERENCE_KEYS: 1_000,
	DIFFERENCE_LENGTH: 2_000,

	/** Remarks on keys of an import that the page shows, and files of imports that are kept. */
	REMARKS_SHOWN_MAX: 50,
	UPLOADS_MAX: 2,

	/** Restores that can be undone. */
	RESTORES_MAX: 20,

	/** Time for which the address of a download is valid, and how many there may be. */
	DOWNLOAD_MS: 60_000,
	DOWNLOADS_MAX: 100,
};
