"use strict";

const { checkUpdateResult } = require("../base/arguments.js");
const { liveText } = require("../base/entry.js");
const { decode } = require("../base/json.js");
const {
	jobLength,
	pushDelete,
	pushDeleteLike,
	pushJob,
	pushSet,
	pushSetMany,
	pushSwap,
} = require("../native/encode.js");

/**
 * @typedef {import("../base/entry.js").Entry} Entry
 * @typedef {import("../native/encode.js").Batch} Batch
 * @typedef {import("../native/encode.js").SqlJob} SqlJob
 * @typedef {InstanceType<typeof import("./change.js").Change>} KeyChange
 */

/**
 * Promise of an operation, to be settled.
 *
 * @typedef {{ resolve(value?: any): void, reject(error: unknown): void }} Promised
 */

/**
 * Write that was issued and is not on disk, with the changes of keys that it is known to make. Pattern deletes and SQL
 * have none, as only the writer can tell which keys they concern.
 *
 * @typedef {Promised & { kind: "set", changes: KeyChange[] }} SetOperation
 * @typedef {Promised & { kind: "delete", changes: [KeyChange] }} DeleteOperation
 * @typedef {Promised & { kind: "update", changes: [KeyChange], update: Update }} UpdateOperation
 * @typedef {Promised & { kind: "deleteLike", changes: never[], pattern: string, community: string | undefined }} DeleteLikeOperation
 * @typedef {Promised & { kind: "sql", changes: never[], job: SqlJob, isAlone: boolean }} SqlOperation
 * @typedef {SetOperation | DeleteOperation | DeleteLikeOperation | UpdateOperation | SqlOperation} Write
 */

/**
 * Function of an `update`, and the result that it made of a value, so that it is not called again for the same value.
 *
 * @typedef {object} Update
 * @property {(data: any) => unknown} updateFunc
 * @property {string | undefined} defaultText
 * @property {number | null | undefined} expiresAt as it was given; without it the entry keeps the one that it has, and
 *   with `null` it has none
 * @property {{ from: string | undefined, text: string, result: unknown } | undefined} made
 * @property {boolean} isRunning its function is being called
 */

/** @type {never[]} */
const NO_CHANGES = [];

/**
 * @param {Batch} batch
 * @param {Write} write
 * @param {number} now
 */
function encodeWrite(batch, write, now) {
	for (const change of write.changes) {
		change.batch = batch;
	}
	switch (write.kind) {
		case "set":
			encodeSet(batch, write);
			break;
		case "update":
			encodeUpdate(batch, write, now);
			break;
		case "delete":
			pushDelete(batch, write.changes[0]);
			break;
		case "deleteLike":
			pushDeleteLike(batch, write.community, write.pattern);
			break;
		case "sql":
			if (write.job.cancel?.error) {
				throw write.job.cancel.error;
			}
			pushJob(batch, write.job);
			batch.isAlone = write.isAlone;
			break;
	}
}

/**
 * @param {Batch} batch
 * @param {SetOperation} write
 */
function encodeSet(batch, { changes }) {
	// The text of a set is known from the beginning.
	const entries = /** @type {Entry[]} */ (changes);
	const [first] = entries;
	if (first && entries.length === 1) {
		pushSet(batch, first);
	} else {
		pushSetMany(batch, entries);
	}
}

/**
 * Calls the function of an update, unless it was called with the same value before.
 *
 * @param {Batch} batch
 * @param {UpdateOperation} write
 * @param {number} now
 */
function encodeUpdate(batch, { changes: [change], update }, now) {
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
	change.expiresAt = expiryAfter(update, from === undefined ? undefined : base?.expiresAt);
	const previous = before !== undefined && before.batch === batch;
	pushSwap(batch, { community, key, text, expiresAt: update.expiresAt }, { previous, text: from });
}

/**
 * The expiry that an update leaves where the live value has `live`.
 *
 * @param {Update} update
 * @param {number | undefined} live
 */
function expiryAfter({ expiresAt }, live) {
	return expiresAt === undefined ? live : (expiresAt ?? undefined);
}

/**
 * True if a write can be encoded only when its key has been read from disk.
 *
 * @param {Write} write
 * @returns {write is UpdateOperation}
 */
function needsRead(write) {
	if (write.kind !== "update") {
		return false;
	}
	const [change] = write.changes;
	// In this order: looking for the change before may find a value that was read for one that was dropped.
	return !change.pendingBefore() && change.onDisk === undefined;
}

/**
 * Forgets the value that was read for an update: it is good for one batch.
 *
 * @param {Write} write
 */
function forgetRead(write) {
	if (write.kind === "update") {
		write.changes[0].onDisk = undefined;
	}
}

/**
 * True if only the writer can tell which keys a write concerns. SQL may write rows of the key-value store, or have a
 * trigger do it.
 *
 * @param {Write} write
 * @returns {write is import("./writes.js").DeleteLikeOperation | import("./writes.js").SqlOperation}
 */
function concernsAnyKey(write) {
	return write.kind === "deleteLike" || write.kind === "sql";
}

/**
 * True if a write shares neither a batch nor a transaction with others.
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
			return write.changes.reduce((length, { key, text = "" }) => length + key.length + text.length, 0);
		case "sql":
			return jobLength(write.job);
		default:
			// The value of an update is not known yet.
			return 0;
	}
}

module.exports = { NO_CHANGES, concernsAnyKey, encodeWrite, forgetRead, isAlone, lengthOf, needsRead };
