"use strict";

const { jobLength } = require("../native/encode.js");

/**
 * @typedef {import("../base/kv-arguments.js").Increment} Increment
 * @typedef {import("../base/kv-arguments.js").KeyRange} KeyRange
 * @typedef {import("../native/encode.js").Batch} Batch
 * @typedef {InstanceType<typeof import("../native/encode.js").SqlJob>} SqlJob
 * @typedef {InstanceType<typeof import("./change.js").Change>} KeyChange
 */

/**
 * Write that was issued and is not on disk, with the changes of keys that it is known to make. Deletes by a pattern or a
 * range and SQL have none, as only the writer can tell which keys they concern.
 *
 * @typedef {WriteOperation<"set", KeyChange[]>} SetOperation
 * @typedef {WriteOperation<"delete", [KeyChange]>} DeleteOperation
 * @typedef {WriteOperation<"update", [KeyChange]> & { update: Update }} UpdateOperation
 * @typedef {WriteOperation<"updateMany", KeyChange[]> & { update: UpdateMany }} UpdateManyOperation
 * @typedef {Promised & { kind: "deleteLike", changes: never[], pattern: string, community: string | undefined }} DeleteLikeOperation
 * @typedef {WriteOperation<"sql", never[]> & { job: SqlJob, isAlone: boolean }} SqlOperation
 * @typedef {SetOperation | DeleteOperation | DeleteLikeOperation | UpdateOperation | UpdateManyOperation | SqlOperation | BulkSetOperation | TellingOperation} Write
 */

/**
 * Set of a long array: its batch, and its keys by scope.
 *
 * @typedef {Promised & { kind: "bulkSet", changes: never[], batch: Batch, keys: Map<string | undefined, Set<string>> }} BulkSetOperation
 */

/**
 * Writes of which the writer tells a result, `told` once they are on disk.
 *
 * @typedef {WriteOperation<"increment", [KeyChange]> & { increment: Increment, told: number | undefined }} IncrementOperation
 * @typedef {WriteOperation<"setIfAbsent", [KeyChange]> & { told: boolean | undefined }} SetIfAbsentOperation
 * @typedef {WriteOperation<"expire", [KeyChange]> & { told: boolean | undefined }} ExpireOperation
 * @typedef {WriteOperation<"getAndDelete", [KeyChange]> & { told: string | undefined }} GetAndDeleteOperation
 * @typedef {Promised & { kind: "deleteRange", changes: never[], range: KeyRange, community: string | undefined, told: number | undefined }} DeleteRangeOperation
 * @typedef {IncrementOperation | SetIfAbsentOperation | ExpireOperation | GetAndDeleteOperation | DeleteRangeOperation} TellingOperation
 */

/**
 * Function of an `updateMany`, and what it made of the values of its keys, in the order of its changes: values to store,
 * with their texts. A text of `null` leaves the key as it is, and `undefined` deletes it.
 *
 * @typedef {object} UpdateMany
 * @property {(values: any) => unknown} updateFunc
 * @property {{ from: (string | undefined)[], texts: (string | null | undefined)[], values: unknown[] } | undefined} made
 * @property {boolean} isRunning its function is being called
 */

/** @type {never[]} */
const NO_CHANGES = [];

/** Promise of an operation, to be settled. */
class Promised {
	/**
	 * @param {(value?: any) => void} resolve
	 * @param {(error: unknown) => void} reject
	 */
	constructor(resolve, reject) {
		this.resolve = resolve;
		this.reject = reject;
	}
}

/**
 * Write that was issued, with what it is known to change.
 *
 * It has a constructor, as has whatever belongs to an operation in flight. Of objects that are written as literals V8 keeps
 * count: if most of one place are alive when it collects garbage, as a thousand in flight are, it takes those to come for
 * long-lived and makes them where only a full collection looks. Dead, they keep all that they lead to until then. `Array.of`
 * is such a constructor, too.
 *
 * @template {string} K
 * @template {KeyChange[]} C
 */
class WriteOperation {
	/**
	 * @param {K} kind
	 * @param {C} changes
	 * @param {Promised} promised
	 */
	constructor(kind, changes, { resolve, reject }) {
		this.kind = kind;
		this.changes = changes;
		this.resolve = resolve;
		this.reject = reject;
	}
}

/**
 * Write of one key.
 *
 * @template {string} K
 * @param {K} kind
 * @param {KeyChange} change
 * @param {Promised} promised
 * @returns {WriteOperation<K, [KeyChange]>}
 */
function writeOfOne(kind, change, promised) {
	return new WriteOperation(kind, /** @type {[KeyChange]} */ (Array.of(change)), promised);
}

/** Function of an `update`, and the result that it made of a value, so that it is not called again for the same value. */
class Update {
	/**
	 * @param {(data: any) => unknown} updateFunc
	 * @param {string | undefined} defaultText
	 * @param {number | null | undefined} expiresAt as it was given; without it the entry keeps the one that it has, and
	 *   with `null` it has none
	 */
	constructor(updateFunc, defaultText, expiresAt) {
		this.updateFunc = updateFunc;
		this.defaultText = defaultText;
		this.expiresAt = expiresAt;
		/** @type {UpdateResult | undefined} */
		this.made = undefined;
		/** True while its function is being called. */
		this.isRunning = false;
	}
}

/** Result of an update function, and its text, of the value with another text. */
class UpdateResult {
	/**
	 * @param {string | undefined} from
	 * @param {string} text
	 * @param {unknown} result
	 */
	constructor(from, text, result) {
		this.from = from;
		this.text = text;
		this.result = result;
	}
}

/**
 * True if a write is made from what its keys hold.
 *
 * @param {Write} write
 * @returns {write is UpdateOperation | UpdateManyOperation}
 */
function isUpdate(write) {
	return write.kind === "update" || write.kind === "updateMany";
}

/**
 * True if a write can be encoded only when its keys have been read from disk.
 *
 * @param {Write} write
 */
function needsRead(write) {
	return isUpdate(write) && write.changes.some(isUnread);
}

/**
 * True if it is not known what a change of an update starts from.
 *
 * @param {KeyChange} change
 */
function isUnread(change) {
	// In this order: looking for the change before may find a value that was read for one that was dropped.
	return !change.pendingBefore() && change.onDisk === undefined;
}

/**
 * True if a write starts from what a write leaves that is not on disk, and of which only the writer can tell.
 *
 * @param {Write} write
 */
function needsOutcome(write) {
	return isUpdate(write) && write.changes.some((change) => change.pendingBefore()?.isForeseen === false);
}

/**
 * Forgets the values that were read for an update: they are good for one batch.
 *
 * @param {Write} write
 */
function forgetRead(write) {
	if (isUpdate(write)) {
		for (const change of write.changes) {
			change.onDisk = undefined;
		}
	}
}

/**
 * True if only the writer can tell which keys a write concerns. SQL may write rows of the key-value store, or have a
 * trigger do it.
 *
 * @param {Write} write
 * @returns {write is DeleteLikeOperation | DeleteRangeOperation | SqlOperation}
 */
function concernsAnyKey(write) {
	return write.kind === "deleteLike" || write.kind === "deleteRange" || write.kind === "sql";
}

/**
 * True if a write concerns keys that it does not list among its changes.
 *
 * @param {Write} write
 * @returns {boolean}
 */
function concernsUnlisted(write) {
	return write.kind === "bulkSet" || concernsAnyKey(write);
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
		case "setIfAbsent":
			return write.changes.reduce(
				(/** @type {number} */ length, { key, text = "" }) => length + key.length + text.length,
				0,
			);
		case "bulkSet":
			return write.batch.length;
		case "sql":
			return jobLength(write.job);
		default:
			// The value of an update is not known yet.
			return 0;
	}
}

module.exports = {
	NO_CHANGES,
	Promised,
	Update,
	UpdateResult,
	WriteOperation,
	concernsAnyKey,
	concernsUnlisted,
	forgetRead,
	isAlone,
	isUnread,
	isUpdate,
	lengthOf,
	needsOutcome,
	needsRead,
	writeOfOne,
};
