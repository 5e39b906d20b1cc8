"use strict";

const { checkUpdateResult } = require("../base/arguments.js");
const batches = require("../native/encode.js");
const { decode } = require("../base/json.js");
const { liveText } = require("./pending.js");
const { jobLength } = require("./sql-job.js");

/**
 * @typedef {import("../base/arguments.js").Entry} Entry
 * @typedef {import("../native/addon").Batch} Batch
 * @typedef {InstanceType<typeof import("./pending.js").Change>} KeyChange
 */

/**
 * How a promise is settled.
 *
 * @typedef {{ resolve(value?: any): void, reject(error: unknown): void }} Promised
 */

/**
 * A write that was issued and is not on disk.
 *
 * @typedef {Promised & { kind: "set", change: KeyChange, entry: Entry }} SetOperation
 * @typedef {Promised & { kind: "setMany", changes: KeyChange[], entries: Entry[] }} SetManyOperation
 * @typedef {Promised & { kind: "delete", change: KeyChange }} DeleteOperation
 * @typedef {Promised & { kind: "deleteLike", pattern: string, community: string | undefined }} DeleteLikeOperation
 * @typedef {Promised & { kind: "update", change: KeyChange, update: Update }} UpdateOperation
 * @typedef {Promised & { kind: "sql", job: import("./sql-job.js").Job, isAlone: boolean }} SqlOperation
 * @typedef {SetOperation | SetManyOperation | DeleteOperation | DeleteLikeOperation | UpdateOperation | SqlOperation} Write
 */

/**
 * An `update`: its function, and what it made of which value, so that it is not called again for the same.
 *
 * @typedef {object} Update
 * @property {(data: any) => unknown} updateFunc
 * @property {string | undefined} defaultText
 * @property {number | undefined} expiresAt what it was given; without it the entry keeps what it has
 * @property {{ from: string | undefined, text: string, result: unknown } | undefined} made
 * @property {boolean} isRunning its function is being called
 */

/** @type {KeyChange[]} */
const NONE = [];

/**
 * @param {Batch} batch
 * @param {Write} write
 * @param {number} now
 */
function encodeWrite(batch, write, now) {
	for (const change of changesOf(write)) {
		change.batch = batch;
	}
	switch (write.kind) {
		case "set":
			batches.pushSet(batch, write.entry);
			break;
		case "setMany":
			batches.pushSetMany(batch, write.entries);
			break;
		case "update":
			encodeUpdate(batch, write, now);
			break;
		case "delete":
			batches.pushDelete(batch, write.change.community, write.change.key);
			break;
		case "deleteLike":
			batches.pushDeleteLike(batch, write.community, write.pattern);
			break;
		case "sql":
			if (write.job.cancel?.error) {
				throw write.job.cancel.error;
			}
			batches.pushJob(batch, write.job);
			batch.isAlone = write.isAlone;
			break;
	}
}

/**
 * Calls the function of an update, unless it was called with the same value before.
 *
 * @param {Batch} batch
 * @param {UpdateOperation} write
 * @param {number} now
 */
function encodeUpdate(batch, { change, update }, now) {
	const before = change.pendingBefore();
	if (!before && change.onDisk?.error) {
		throw change.onDisk.error;
	}
	const base = before ?? change.onDisk?.stored;
	const from = base && liveText(base, now);
	if (update.isRunning) {
		throw new Error("the process ended in the function");
	}
	if (update.made?.from !== from || update.made === undefined) {
		update.isRunning = true;
		try {
			const result = update.updateFunc(decode(from ?? update.defaultText, change.key));
			update.made = { from, text: checkUpdateResult(result, change.key), result };
		} finally {
			update.isRunning = false;
		}
	}
	const { community, key } = change;
	const { text } = update.made;
	change.text = text;
	change.expiresAt = update.expiresAt ?? (from === undefined ? undefined : base?.expiresAt);
	const previous = before !== undefined && before.batch === batch;
	batches.pushSwap(batch, { community, key, text, expiresAt: update.expiresAt }, { previous, text: from });
}

/**
 * Whether a write can only be made up when its key has been read from disk.
 *
 * @param {Write} write
 * @returns {write is UpdateOperation}
 */
function needsRead(write) {
	// In this order: looking for the change before may find what was read for one that was dropped.
	return write.kind === "update" && !write.change.pendingBefore() && write.change.onDisk === undefined;
}

/**
 * What was read is good for one attempt.
 *
 * @param {Write} write
 */
function forgetRead(write) {
	if (write.kind === "update") {
		write.change.onDisk = undefined;
	}
}

/**
 * @param {Write} write
 * @returns {KeyChange[]}
 */
function changesOf(write) {
	if (write.kind === "setMany") {
		return write.changes;
	}
	return concernsAnyKey(write) ? NONE : [write.change];
}

/**
 * Whether only the writer can tell which keys a write concerns. SQL may write rows of the key-value store, or have a
 * trigger do it.
 *
 * @param {Write} write
 * @returns {write is import("./writes.js").DeleteLikeOperation | import("./writes.js").SqlOperation}
 */
function concernsAnyKey(write) {
	return write.kind === "deleteLike" || write.kind === "sql";
}

/**
 * Whether a write shares neither a batch nor a transaction with others.
 *
 * @param {Write} write
 */
function isAlone(write) {
	return write.kind === "sql" && write.isAlone;
}

/**
 * @param {Write} write
 * @returns {number} UTF-16 units
 */
function lengthOf(write) {
	switch (write.kind) {
		case "set":
			return entryLength(write.entry);
		case "setMany":
			return write.entries.reduce((length, entry) => length + entryLength(entry), 0);
		case "sql":
			return jobLength(write.job);
		default:
			// An update's value is not known yet.
			return 0;
	}
}

/**
 * @param {Entry} entry
 */
function entryLength({ key, text }) {
	return key.length + text.length;
}

module.exports = { changesOf, concernsAnyKey, encodeWrite, forgetRead, isAlone, lengthOf, needsRead };
