"use strict";

const { pushStatement } = require("../api/statement.js");

// The encoding of a batch; `src/node/batch.rs` is the other side and says what each code takes.

const SET = 0;
const SET_MANY = 1;
const SWAP = 2;
const DELETE = 3;
const DELETE_LIKE = 4;
const SQL = 5;
const SQL_MANY = 6;
const SQL_SCRIPT = 7;
const HAS_COMMUNITY = 1 << 3;
const HAS_EXPIRY = 1 << 4;
const HAS_EXPECTED = 1 << 5;
const EXPECTS_PREVIOUS = 1 << 6;

/**
 * @typedef {import("./addon").Batch} Batch
 * @typedef {import("../base/arguments.js").Entry} Entry
 */

/** @returns {Batch} */
function emptyBatch() {
	return { codes: [], texts: [], numbers: [], blobs: [], length: 0, hasSql: false, isAlone: false };
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
 */
function pushSet(batch, { community, key, text, expiresAt }) {
	batch.codes.push(SET | pushCommunity(batch, community) | pushExpiry(batch, expiresAt));
	pushText(batch, key);
	pushText(batch, text);
}

/**
 * @param {Batch} batch
 * @param {Entry[]} entries
 */
function pushSetMany(batch, entries) {
	batch.codes.push(SET_MANY);
	batch.numbers.push(entries.length);
	for (const entry of entries) {
		pushSet(batch, entry);
	}
}

/**
 * @param {Batch} batch
 * @param {Entry} entry the new value; no expiry keeps the one that there is
 * @param {{ previous: boolean, text: string | undefined }} expected the live value that the new one was made from: what
 *   the `previous` command on the key in this batch has left, or this
 */
function pushSwap(batch, { community, key, text, expiresAt }, expected) {
	const code = SWAP | pushCommunity(batch, community) | pushExpiry(batch, expiresAt);
	pushText(batch, key);
	pushText(batch, text);
	if (expected.previous) {
		batch.codes.push(code | EXPECTS_PREVIOUS);
	} else if (expected.text === undefined) {
		batch.codes.push(code);
	} else {
		batch.codes.push(code | HAS_EXPECTED);
		pushText(batch, expected.text);
	}
}

/**
 * @param {Batch} batch
 * @param {string | undefined} community
 * @param {string} key
 */
function pushDelete(batch, community, key) {
	batch.codes.push(DELETE | pushCommunity(batch, community));
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
 * @param {import("../queue/sql-job.js").Job} job
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
	batch.numbers.push(cancel?.number ?? 0);
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

module.exports = { emptyBatch, pushDelete, pushDeleteLike, pushJob, pushSet, pushSetMany, pushSwap };
