"use strict";

const { RootcellarError, toError } = require("../base/errors.js");
const { StoredValue } = require("../base/key-entry.js");
const { TIME_MS_MAX } = require("../base/limits.js");
const { nextTurn } = require("../process/event-loop.js");

/**
 * @typedef {import("../..").Backup} Backup
 * @typedef {import("../..").Restore} Restore
 * @typedef {import("../base/key-entry.js").Stored} Stored
 * @typedef {import("./addon").BackupInfo} BackupInfo
 * @typedef {import("./addon").Event} Event
 * @typedef {import("./addon").ReadValues} ReadValues
 * @typedef {import("./addon").RestoredInfo} RestoredInfo
 * @typedef {import("./addon").RowSlice} RowSlice
 */

const NONE = new Float64Array(0);

/**
 * Receiver of the values of keys. Of large values only the first are read, at least one: there are fewer values than
 * keys then.
 *
 * @typedef {(found: Stored[], errorAt: (index: number) => Error | undefined) => void} ValuesReceiver
 */

/**
 * Receiver of rows, a slice at a time.
 *
 * @typedef {object} RowsReceiver
 * @property {(slice: RowSlice, last: boolean) => void} slice
 * @property {(error: unknown) => void} reject
 * @property {((microseconds: number) => void) | undefined} [took] told how long the read took, on the thread that read
 */

/**
 * Outcome of a statement.
 *
 * @typedef {{ changes: number, lastInsertRowid: number | bigint, columns: string[], slices: RowSlice[] }} Outcome
 */

/**
 * Handles the event of a request for the values of keys.
 *
 * @param {ValuesReceiver} receive
 * @returns {(event: Pick<Event, "values" | "error">) => boolean}
 */
function valuesHandler(receive) {
	return ({ values, error }) => {
		const failed = error && toError(error);
		const failures = new Map(values?.failures.map((failure) => [failure.index, toError(failure.error)]));
		receive(values ? storedIn(values) : [], (index) => failed ?? failures.get(index));
		return true;
	};
}

/**
 * @param {ReadValues} values
 * @returns {Stored[]}
 */
function storedIn({ texts, expiries }) {
	/** @type {Stored[]} */
	const found = texts.map((text) => new StoredValue(text ?? undefined, undefined));
	for (const { index, at } of expiries) {
		found[index] = new StoredValue(found[index]?.text, at);
	}
	return found;
}

/**
 * Handles the events of a request for rows.
 *
 * @param {RowsReceiver} receiver
 * @param {() => void} [started] told that the snapshot is taken, if that comes later than the request
 * @returns {(event: Event) => boolean}
 */
function rowsHandler({ slice, reject, took }, started) {
	return ({ kind, error, rows, last = false, tookUs }) => {
		if (kind === "started") {
			started?.();
			return false;
		}
		if (error || !rows) {
			reject(error ? toError(error) : new RootcellarError("ERR_INTERNAL", "there are no rows"));
			return true;
		}
		if (tookUs !== undefined) {
			took?.(tookUs);
		}
		slice(rows, last);
		return last;
	};
}

/**
 * The rows of a slice.
 *
 * @param {RowSlice} slice
 * @returns {any[]}
 */
function decodeSlice({ json, patches, bytes }) {
	const rows = JSON.parse(json);
	if (patches) {
		patch(rows, JSON.parse(patches), bytes ?? new Uint8Array(0));
	}
	return rows;
}

/**
 * Fills the gaps that JSON has left; `src/sql/rows.rs` says how they are described.
 *
 * @param {any[]} rows
 * @param {any[]} patches row, key, value, and so on
 * @param {Uint8Array} bytes
 */
function patch(rows, patches, bytes) {
	let offset = 0;
	for (let at = 0; at < patches.length; at += 3) {
		const [row, key, value] = [rows[patches[at]], patches[at + 1], patches[at + 2]];
		if (typeof value === "number") {
			row[key] = Uint8Array.prototype.slice.call(bytes, offset, offset + value);
			offset += value;
		} else {
			row[key] = typeof value === "string" ? BigInt(value) : value ? Infinity : -Infinity;
		}
	}
}

/**
 * Adds the entries of a slice, or their values; `EntryWriter` in `src/kv/rows.rs` says what it holds.
 *
 * @param {any[]} rows
 * @param {string} json
 * @param {boolean} valuesOnly
 * @returns {any} its last column, if this is the last slice and has one
 */
function addRows(rows, json, valuesOnly) {
	/** @type {[values: any[], keys: string[], expiries: number[], last?: any]} */
	const [values, keys, expiries, last] = JSON.parse(json);
	const first = rows.length;
	for (let index = 0; index < values.length; index++) {
		rows.push(valuesOnly ? values[index] : { key: keys[index], value: values[index] });
	}
	for (let index = 0; index < expiries.length; index += 2) {
		// Another program may have stored one that lies beyond every date.
		const time = Math.min(Number(expiries[index + 1]), TIME_MS_MAX);
		const row = rows[first + Number(expiries[index])];
		row.expires_at = new Date(time);
		row.expiresAt = new Date(time);
	}
	return last;
}

/**
 * Adds the keys of a slice without values.
 *
 * @param {string[]} keys
 * @param {string} json
 * @returns {any} its last column, if this is the last slice
 */
function addKeys(keys, json) {
	/** @type {[values: never[], keys: string[], expiries: never[], last?: any]} */
	const [, added, , last] = JSON.parse(json);
	for (const key of added) {
		keys.push(key);
	}
	return last;
}

/**
 * Calls back with the rows of a whole result. The event loop turns between slices.
 *
 * @param {RowSlice[]} slices
 * @param {(rows: any[]) => void} callback
 */
function decodeRows(slices, callback) {
	/** @type {any[]} */
	const rows = [];
	const decodeFrom = (/** @type {number} */ index) => {
		const slice = slices[index];
		if (slice) {
			rows.push(...decodeSlice(slice));
		}
		if (index + 1 < slices.length) {
			nextTurn(() => decodeFrom(index + 1));
		} else {
			callback(rows);
		}
	};
	decodeFrom(0);
}

/**
 * Outcomes of the commands of a batch, one after the other. `src/node/convert/outcomes.rs` has the encoding of those on
 * keys.
 *
 * @param {Pick<Event, "changes" | "results" | "numbers" | "texts">} event
 */
function outcomesOf({ changes = "[]", results = [], numbers: told = NONE, texts = [] }) {
	/** @type {(number | string)[]} */
	const numbers = JSON.parse(changes);
	let [statement, result, number, text] = [0, 0, 0, 0];
	const nextNumber = () => Number(told[number++]);
	return {
		/** The next sum, and the expiry of its key. */
		nextSum() {
			const sum = nextNumber();
			const expiresAt = nextNumber();
			return { sum, expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt };
		},
		/** True if the next command has done something. */
		nextDone: () => nextNumber() === 1,
		/** The next value, JSON text, if there was one. */
		nextValue: () => (nextNumber() === 1 ? texts[text++] : undefined),
		/** The next count. */
		nextCount: nextNumber,
		/**
		 * Outcome of the next statement.
		 *
		 * @param {boolean} hasRows
		 * @returns {Outcome}
		 */
		next(hasRows) {
			const [changed, rowid] = numbers.slice(2 * statement, 2 * statement + 2);
			statement++;
			const rows = hasRows ? results[result++] : undefined;
			return {
				changes: Number(changed),
				lastInsertRowid: typeof rowid === "string" ? BigInt(rowid) : Number(rowid),
				columns: rows?.columns ?? [],
				slices: rows?.slices ?? [],
			};
		},
	};
}

/**
 * @param {BackupInfo} info
 * @returns {Backup}
 */
function toBackup({ id, createdMs, bytes, isSnapshot }) {
	return { id, createdAt: new Date(createdMs), sizeBytes: bytes, kind: isSnapshot ? "snapshot" : "increment" };
}

/**
 * @param {RestoredInfo} info
 * @returns {Restore}
 */
function toRestore({ id, createdMs, bytes, isComplete, skipped, undoId, reason, setAside }) {
	return {
		id,
		createdAt: new Date(createdMs),
		sizeBytes: bytes,
		isComplete,
		skipped,
		...(undoId === undefined ? {} : { undoId }),
		...(reason === undefined ? {} : { reason }),
		...(setAside === undefined ? {} : { setAside }),
	};
}

module.exports = {
	addKeys,
	addRows,
	decodeRows,
	decodeSlice,
	outcomesOf,
	rowsHandler,
	storedIn,
	toBackup,
	toRestore,
	valuesHandler,
};
