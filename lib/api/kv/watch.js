"use strict";

const { RootcellarError, invalidArgument, rejecter, toError } = require("../../base/errors.js");
const { kindOf } = require("../../base/json.js");
const { checkKeys, rangeOf, readOptions } = require("../../base/kv-arguments.js");
const { WATCH_KEYS_MAX } = require("../../base/limits.js");
const { Cancellation } = require("../cancellation.js");

/**
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {import("../../..").Change<any>} Change
 * @typedef {import("../../native/addon").Event} Event
 * @typedef {import("../../native/connection.js").OpenConnection} OpenConnection
 * @typedef {import("../../native/events/event-connection.js").WatchScope} WatchScope
 */

const OPTIONS = ["keys", "prefix", "signal"];

/** Watches for which somebody waits. Whoever has dropped the store still waits. */
const awaited = new Set();

/** Ends the watch of an iterator that was garbage-collected. */
const abandoned = new FinalizationRegistry((/** @type {() => void} */ end) => end());

/**
 * @param {unknown} given
 * @param {string | undefined} community
 * @returns {{ scope: WatchScope, signal: AbortSignal | undefined }}
 */
function checkWatch(given, community) {
	const { keys, prefix, signal } = readOptions(given, "options", OPTIONS);
	if (keys === undefined && prefix === undefined) {
		throw invalidArgument("options", 'must say what to watch: keys, or a prefix; { prefix: "" } stands for every key');
	}
	if (keys !== undefined && prefix !== undefined) {
		throw invalidArgument("options.prefix", "must not be given together with keys");
	}
	const range = rangeOf({ prefix: prefix === undefined ? "" : prefix }, "options");
	const watched = keys === undefined ? undefined : checkWatchedKeys(keys);
	return { scope: { keys: watched, range, community }, signal: checkSignal(signal) };
}

/**
 * @param {unknown} given
 * @returns {string[]} each key once
 */
function checkWatchedKeys(given) {
	const keys = checkKeys(given, "options.keys");
	if (keys.length === 0 || keys.length > WATCH_KEYS_MAX) {
		const expected = `must be an array of 1 to ${WATCH_KEYS_MAX} keys, not an array of ${keys.length}`;
		throw invalidArgument("options.keys", expected);
	}
	return [...new Set(keys)];
}

/**
 * @param {any} signal
 * @returns {AbortSignal | undefined}
 */
function checkSignal(signal) {
	let isSignal = signal === undefined;
	try {
		isSignal ||= typeof signal?.addEventListener === "function" && typeof signal.aborted === "boolean";
	} catch (error) {
		throw invalidArgument("options.signal", "cannot be read: a getter or proxy threw", error);
	}
	if (!isSignal) {
		throw invalidArgument("options.signal", `must be an AbortSignal, not ${kindOf(signal)}`);
	}
	return signal;
}

/**
 * Watches keys: an iterator over what is committed from now on, by whomever. It is in the order of operations like a read.
 *
 * @param {OperationQueue} queue
 * @param {string | undefined} community
 * @param {unknown} options
 * @returns {AsyncIterableIterator<Change[]>}
 */
function createWatch(queue, community, options) {
	let isDone = false;
	/** @type {unknown} */
	let failure;
	/** @type {{ resolve(result: IteratorResult<Change[]>): void, reject(error: unknown): void } | undefined} */
	let waiter;
	/** @type {{ connection: OpenConnection, id: number } | undefined} */
	let open;
	/** True if all is known of the keys, so that changes can be asked for. */
	let isReady = false;
	/** @type {InstanceType<typeof Cancellation> | undefined} */
	let cancel;
	/** @type {() => void} */
	let started = () => {};
	/** @type {Promise<unknown>} settled when the last call is: calls are carried out one after the other */
	let last = Promise.resolve();
	const token = {};

	const takeWaiter = () => {
		const waiting = waiter;
		waiter = undefined;
		awaited.delete(end);
		return waiting;
	};

	const end = () => {
		isDone = true;
		abandoned.unregister(token);
		queue.watches.delete(end);
		cancel?.done();
		open?.connection.unwatch(open.id);
		open = undefined;
		started();
		takeWaiter()?.resolve({ value: undefined, done: true });
	};

	/** @param {unknown} error */
	const fail = (error) => {
		const waiting = takeWaiter();
		if (!isDone && !waiting) failure = error;
		end();
		waiting?.reject(error);
	};

	const ask = () => {
		if (open && isReady && waiter) {
			open.connection.nextChanges(open.id);
		}
	};

	/** @param {Event} event */
	const take = ({ kind, error, rows }) => {
		if (kind === "started") {
			started();
		} else if (error) {
			fail(toError(error));
		} else if (kind === "done") {
			isReady = true;
			ask();
		} else {
			takeWaiter()?.resolve({ value: rows ? JSON.parse(rows.json).map(toChange) : [{ resync: true }], done: false });
		}
	};

	const begin = () => {
		const checked = checkWatch(options, community);
		if (queue.connection.isLease) {
			throw new RootcellarError(
				"ERR_IN_TRANSACTION",
				"what a transaction writes is not watched within it: use dataStore.kv.watch, which tells it when it is committed",
			);
		}
		const run = (/** @type {() => void} */ release) => {
			if (isDone) return true;
			const connection = queue.connection.opened;
			started = release;
			const { id, isStarted } = connection.watch(checked.scope, take);
			open = { connection, id };
			return isStarted;
		};
		queue.watch(checked.scope, run, fail);
		queue.watches.add(end);
		const { signal } = checked;
		if (signal?.aborted) {
			end();
		} else if (signal && !isDone) {
			cancel = new Cancellation(signal, undefined);
			cancel.whenCancelled = end;
		}
	};

	const next = () =>
		new Promise((/** @type {(result: IteratorResult<Change[]>) => void} */ resolve, reject) => {
			const error = failure;
			failure = undefined;
			if (error) {
				rejecter(resolve, reject)(error);
			} else if (isDone) {
				resolve({ value: undefined, done: true });
			} else {
				waiter = { resolve, reject: rejecter(resolve, reject) };
				awaited.add(end);
				ask();
			}
		});

	try {
		begin();
	} catch (error) {
		fail(error);
	}
	/** @type {AsyncIterableIterator<Change[]>} */
	return toIterator(
		() => {
			const result = last.then(next);
			last = result.catch(() => {});
			return result;
		},
		end,
		token,
	);
}

/**
 * Iterator of a watch, which is ended when nobody has it any more. This is a function apart, because the end of a watch keeps
 * what `createWatch` has, which then must not be the iterator.
 *
 * @param {() => Promise<IteratorResult<Change[]>>} next
 * @param {() => void} end
 * @param {object} token by which the end is forgotten once it has come
 * @returns {AsyncIterableIterator<Change[]>}
 */
function toIterator(next, end, token) {
	const iterator = {
		next,
		return: async (/** @type {any} */ value) => {
			end();
			return { value, done: /** @type {const} */ (true) };
		},
		[Symbol.asyncIterator]() {
			return this;
		},
	};
	abandoned.register(iterator, end, token);
	return iterator;
}

/**
 * @param {[key: string, value?: any]} change
 * @returns {Change}
 */
function toChange(change) {
	const [key, value] = change;
	return change.length === 1 ? { key, deleted: true } : { key, value };
}

module.exports = { createWatch };
