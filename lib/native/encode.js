"use strict";

const {
	BIG_INTEGER,
	BLOB,
	DELETE,
	DELETE_LIKE,
	DELETE_RANGE,
	EXPECTS_PREVIOUS,
	EXPIRE,
	FIRST_ONLY,
	GET_AND_DELETE,
	HAS_COMMUNITY,
	HAS_EXPECTED,
	HAS_EXPIRY,
	INCREMENT,
	INTEGER,
	IS_INTERNAL,
	IS_NAMED,
	KEEP,
	MAY_LACK_ROWS,
	NO_CANCEL,
	NULL,
	REAL,
	ROWS_ARE_ARRAYS,
	SET,
	SET_IF_ABSENT,
	SET_MANY,
	SQL,
	SQL_MANY,
	SQL_SCRIPT,
	SWAP,
	SWAP_MANY,
	SWAP_PERMANENT,
	TEXT,
	WANTS_BIGINTS,
	WANTS_LARGE_BIGINTS,
	WANTS_ROWS,
} = require("./protocol.js");

/**
 * @typedef {import("../base/key-entry.js").Address} Address
 * @typedef {import("../base/key-entry.js").Entry} Entry
 */

/**
 * Commands, encoded: a code for each, and what they take from the front of the other arrays. `src/node/protocol.rs`
 * decodes them. Flat arrays cost a fraction of an object per command.
 *
 * @typedef {object} Batch
 * @property {number[]} codes
 * @property {string[]} texts those that are not joined yet
 * @property {string[]} joined pieces of which the texts before them are joined
 * @property {number[]} lengths of the texts that are joined, in UTF-16 units
 * @property {number[]} numbers
 * @property {Uint8Array[]} blobs
 * @property {number} length UTF-16 units of all texts, and bytes of all blobs
 * @property {boolean} hasSql
 * @property {boolean} isAlone its one command shares no transaction
 */

/**
 * Cancellation of an operation: the number by which the core knows it, and why it was cancelled, if it was.
 *
 * @typedef {{ readonly number: number, readonly error: Error | undefined }} CancelToken
 */

/**
 * Value of a parameter.
 *
 * @typedef {null | number | bigint | string | Uint8Array} SqlValue
 */

/**
 * Use of a statement: whether its rows are wanted, and of them the first alone; whether it may be one that returns none;
 * whether it is this package's own.
 *
 * @typedef {{ rows: boolean, firstOnly: boolean, mayLackRows: boolean, isInternal: boolean }} StatementUse
 */

/**
 * Form in which rows are wanted.
 *
 * @typedef {{ maxRows: number, bigint: boolean | "large", arrays: boolean }} RowOptions
 */

/**
 * Statement with its parameters, checked, whose values nobody changes any more.
 *
 * @typedef {object} Statement
 * @property {string} sql
 * @property {StatementUse} use
 * @property {RowOptions} options
 * @property {string[] | undefined} names of the parameters, if they are named
 * @property {SqlValue[]} values
 */

/** Statements that take effect together, or a script. */
class SqlJob {
	/**
	 * @param {Statement[]} statements
	 * @param {string | undefined} script
	 * @param {CancelToken | undefined} cancel
	 */
	constructor(statements, script, cancel) {
		this.statements = statements;
		this.script = script;
		this.cancel = cancel;
	}
}

/**
 * The live value that a change was made from: the one that the `previous` command on the key in this batch has left, or
 * this.
 *
 * @typedef {{ previous: boolean, text: string | undefined }} Expected
 */

/** @returns {Batch} */
function emptyBatch() {
	return {
		codes: [],
		texts: [],
		joined: [],
		lengths: [],
		numbers: [],
		blobs: [],
		length: 0,
		hasSql: false,
		isAlone: false,
	};
}

/**
 * The arrays of a batch as the addon takes them.
 *
 * @param {Batch} batch
 * @returns {import("./addon").EncodedSql}
 */
function toArrays(batch) {
	const { codes, numbers, blobs } = batch;
	return { codes: new Uint8Array(codes), texts: textsOf(batch), numbers: new Float64Array(numbers), blobs };
}

/**
 * The arrays of a batch without SQL, with its texts as one, because each text that crosses has a price of its own.
 *
 * @param {Batch} batch
 */
function toJoined(batch) {
	joinTexts(batch);
	const { codes, joined, lengths, numbers } = batch;
	return {
		codes: new Uint8Array(codes),
		texts: joined.join(""),
		lengths: new Uint32Array(lengths),
		numbers: new Float64Array(numbers),
	};
}

/**
 * Joins the texts that were pushed until now: in one piece they take less memory, and cross for the price of one.
 *
 * @param {Batch} batch
 */
function joinTexts({ texts, joined, lengths }) {
	for (const text of texts) {
		lengths.push(text.length);
	}
	joined.push(texts.join(""));
	texts.length = 0;
}

/**
 * All texts of a batch, one by one.
 *
 * @param {Batch} batch
 */
function textsOf({ texts, joined, lengths }) {
	if (lengths.length === 0) {
		return texts;
	}
	const all = joined.join("");
	let end = 0;
	const split = lengths.map((length) => {
		end += length;
		return all.slice(end - length, end);
	});
	return split.concat(texts);
}

/**
 * Keys as they cross: two lists instead of one of objects.
 *
 * @param {readonly Address[]} addresses
 */
function toColumns(addresses) {
	return { keys: addresses.map(({ key }) => key), communities: addresses.map(({ community }) => community) };
}

/**
 * @param {Batch} batch
 * @param {string} text
 */
function pushText(batch, text) {
	batch.texts.push(text);
	batch.length += text.length;
}

/**
 * @param {Batch} batch
 * @param {Entry} entry
 * @param {number} [kind]
 */
function pushSet(batch, { community, key, text, expiresAt }, kind = SET) {
	batch.codes.push(kind | pushCommunity(batch, community) | pushExpiry(batch, expiresAt));
	pushText(batch, key);
	pushText(batch, text);
}

/**
 * @param {Batch} batch
 * @param {Entry} entry
 */
function pushSetIfAbsent(batch, entry) {
	pushSet(batch, entry, SET_IF_ABSENT);
}

/**
 * Begins a set of several entries, which follow.
 *
 * @param {Batch} batch
 * @param {number} count how many
 */
function pushSetMany(batch, count) {
	batch.codes.push(SET_MANY);
	batch.numbers.push(count);
}

/**
 * @param {Batch} batch
 * @param {Address & { text: string, expiresAt: number | null | undefined }} entry the new value; without an expiry the key
 *   keeps the one that it has, and with `null` it has none
 * @param {Expected} expected
 */
function pushSwap(batch, { community, key, text, expiresAt }, expected) {
	const kind = expiresAt === null ? SWAP_PERMANENT : SWAP;
	const flags = pushCommunity(batch, community) | pushExpiry(batch, expiresAt ?? undefined) | flagOf(expected);
	batch.codes.push(kind | flags);
	pushText(batch, key);
	pushText(batch, text);
	pushExpected(batch, expected);
}

/**
 * Begins a swap of several keys, whose parts follow.
 *
 * @param {Batch} batch
 * @param {number} count how many
 */
function pushSwapMany(batch, count) {
	batch.codes.push(SWAP_MANY);
	batch.numbers.push(count);
}

/**
 * Part of a swap of several keys that leaves a key as it is, or deletes it.
 *
 * @param {Batch} batch
 * @param {Address} address
 * @param {Expected} expected
 * @param {boolean} isDeleted
 */
function pushSwapPart(batch, { community, key }, expected, isDeleted) {
	batch.codes.push((isDeleted ? DELETE : KEEP) | pushCommunity(batch, community) | flagOf(expected));
	pushText(batch, key);
	pushExpected(batch, expected);
}

/**
 * @param {Expected} expected
 */
function flagOf({ previous, text }) {
	if (previous) {
		return EXPECTS_PREVIOUS;
	}
	return text === undefined ? 0 : HAS_EXPECTED;
}

/**
 * @param {Batch} batch
 * @param {Expected} expected
 */
function pushExpected(batch, { previous, text }) {
	if (!previous && text !== undefined) {
		pushText(batch, text);
	}
}

/**
 * @param {Batch} batch
 * @param {Address} address
 */
function pushDelete(batch, { community, key }) {
	batch.codes.push(DELETE | pushCommunity(batch, community));
	pushText(batch, key);
}

/**
 * @param {Batch} batch
 * @param {Address} address
 */
function pushGetAndDelete(batch, { community, key }) {
	batch.codes.push(GET_AND_DELETE | pushCommunity(batch, community));
	pushText(batch, key);
}

/**
 * @param {Batch} batch
 * @param {Address} address
 * @param {{ by: number, min: number, max: number, expiresAt: number | undefined }} increment
 */
function pushIncrement(batch, { community, key }, { by, min, max, expiresAt }) {
	batch.codes.push(INCREMENT | pushCommunity(batch, community) | pushExpiry(batch, expiresAt));
	pushText(batch, key);
	batch.numbers.push(by, min, max);
}

/**
 * @param {Batch} batch
 * @param {Address} address
 * @param {number | undefined} expiresAt `undefined` for never
 */
function pushExpire(batch, { community, key }, expiresAt) {
	batch.codes.push(EXPIRE | pushCommunity(batch, community) | pushExpiry(batch, expiresAt));
	pushText(batch, key);
}

/**
 * @param {Batch} batch
 * @param {string | undefined} community
 * @param {string} pattern
 */
function pushDeleteLike(batch, community, pattern) {
	batch.codes.push(DELETE_LIKE | pushCommunity(batch, community));
	pushText(batch, pattern);
}

/**
 * @param {Batch} batch
 * @param {string | undefined} community
 * @param {{ from: string, to: string | undefined }} range
 */
function pushDeleteRange(batch, community, { from, to }) {
	batch.codes.push(DELETE_RANGE | pushCommunity(batch, community) | (to === undefined ? 0 : HAS_EXPECTED));
	pushText(batch, from);
	if (to !== undefined) {
		pushText(batch, to);
	}
}

/**
 * @param {Batch} batch
 * @param {string | undefined} community
 */
function pushCommunity(batch, community) {
	if (community === undefined) {
		return 0;
	}
	pushText(batch, community);
	return HAS_COMMUNITY;
}

/**
 * @param {Batch} batch
 * @param {number | undefined} expiresAt
 */
function pushExpiry(batch, expiresAt) {
	if (expiresAt === undefined) {
		return 0;
	}
	batch.numbers.push(expiresAt);
	return HAS_EXPIRY;
}

/**
 * @param {Batch} batch
 * @param {SqlJob} job
 */
function pushJob(batch, { statements, script, cancel }) {
	batch.hasSql = true;
	if (script !== undefined) {
		batch.codes.push(SQL_SCRIPT);
		pushText(batch, script);
	} else if (statements.length === 1) {
		batch.codes.push(SQL);
	} else {
		batch.codes.push(SQL_MANY);
		batch.numbers.push(statements.length);
	}
	for (const statement of statements) {
		pushStatement(batch, statement);
	}
	pushCancel(batch, cancel);
}

/**
 * @param {Batch} batch
 * @param {Statement} statement
 */
function pushStatement(batch, { sql, use, options, names, values }) {
	pushText(batch, sql);
	batch.numbers.push(flagsOf(use, options, names !== undefined), options.maxRows, values.length);
	for (let index = 0; index < values.length; index++) {
		if (names !== undefined) {
			batch.texts.push(/** @type {string} */ (names[index]));
		}
		pushValue(batch, /** @type {SqlValue} */ (values[index]));
	}
}

/**
 * @param {StatementUse} use
 * @param {RowOptions} options
 * @param {boolean} isNamed
 */
function flagsOf({ rows, firstOnly, mayLackRows, isInternal }, { bigint, arrays }, isNamed) {
	return (
		(rows ? WANTS_ROWS : 0) |
		(arrays ? ROWS_ARE_ARRAYS : 0) |
		(bigint === true ? WANTS_BIGINTS : 0) |
		(bigint === "large" ? WANTS_LARGE_BIGINTS : 0) |
		(firstOnly ? FIRST_ONLY : 0) |
		(isNamed ? IS_NAMED : 0) |
		(mayLackRows ? MAY_LACK_ROWS : 0) |
		(isInternal ? IS_INTERNAL : 0)
	);
}

/**
 * @param {Batch} batch
 * @param {SqlValue} value
 */
function pushValue(batch, value) {
	switch (typeof value) {
		case "number":
			batch.numbers.push(isInteger(value) ? INTEGER : REAL, value);
			break;
		case "string":
			batch.numbers.push(TEXT);
			pushText(batch, value);
			break;
		case "bigint":
			batch.numbers.push(BIG_INTEGER);
			pushText(batch, String(value));
			break;
		default:
			if (value === null) {
				batch.numbers.push(NULL);
			} else {
				batch.numbers.push(BLOB);
				batch.blobs.push(value);
				batch.length += value.length;
			}
	}
}

/**
 * @param {number} value
 */
function isInteger(value) {
	return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/**
 * @param {Batch} batch
 * @param {CancelToken | undefined} cancel
 */
function pushCancel(batch, cancel) {
	batch.numbers.push(cancel?.number ?? NO_CANCEL);
}

/**
 * @param {{ statement: Statement, cancel: CancelToken | undefined }[]} reads
 */
function encodeReads(reads) {
	const batch = emptyBatch();
	for (const { statement, cancel } of reads) {
		pushStatement(batch, statement);
		pushCancel(batch, cancel);
	}
	return toArrays(batch);
}

/**
 * Approximate length of a job, in UTF-16 units.
 *
 * @param {SqlJob} job
 * @returns {number}
 */
function jobLength({ statements, script = "" }) {
	return statements.reduce((sum, statement) => sum + statementLength(statement), script.length);
}

/**
 * @param {Statement} statement
 * @returns {number}
 */
function statementLength({ sql, values }) {
	const lengthOf = (/** @type {any} */ value) => value?.length ?? 1;
	return values.reduce((/** @type {number} */ sum, value) => sum + lengthOf(value), sql.length);
}

module.exports = {
	SqlJob,
	emptyBatch,
	encodeReads,
	jobLength,
	joinTexts,
	pushDelete,
	pushDeleteLike,
	pushDeleteRange,
	pushExpire,
	pushGetAndDelete,
	pushIncrement,
	pushJob,
	pushSet,
	pushSetIfAbsent,
	pushSetMany,
	pushStatement,
	pushSwap,
	pushSwapMany,
	pushSwapPart,
	toArrays,
	toColumns,
	toJoined,
};
