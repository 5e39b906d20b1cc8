"use strict";

const { encodeReads, rowsHandler } = require("../native/sql-requests.js");
const { decodeSlice } = require("../native/decode.js");

/**
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {InstanceType<typeof import("./cancellation.js").Cancel>} Cancel
 * @typedef {import("./statement.js").Statement} Statement
 * @typedef {{ native: import("../native/addon").NativeStore, id: number }} OpenCursor
 */

/** Closes what was left open by an iterator that nobody has any more. */
const abandoned = new FinalizationRegistry((/** @type {{ current: OpenCursor | undefined }} */ { current }) => {
	current?.native.closeCursor(current.id);
});

/**
 * The rows of a result one by one, read a slice at a time as they are asked for.
 *
 * @param {OperationQueue} queue
 * @param {() => { statement: Statement, cancel: Cancel | undefined }} prepare called when the first row is asked for
 * @returns {AsyncIterableIterator<any>}
 */
function createCursor(queue, prepare) {
	/** @type {any[]} */
	let rows = [];
	let at = 0;
	/** @type {"new" | "open" | "done"} */
	let state = "new";
	/** @type {{ current: OpenCursor | undefined }} */
	const open = { current: undefined };
	/** @type {Cancel | undefined} */
	let cancel;
	/** @type {Promise<unknown>} calls are carried out one after the other */
	let last = Promise.resolve();

	const finish = () => {
		state = "done";
		rows = [];
		at = 0;
		open.current?.native.closeCursor(open.current.id);
		open.current = undefined;
		cancel?.done();
	};

	/** @returns {Promise<void>} */
	const fetch = () =>
		new Promise((resolve, reject) => {
			const slice = (/** @type {import("../native/addon").RowSlice} */ part, /** @type {boolean} */ isLast) => {
				rows = decodeSlice(part);
				at = 0;
				if (isLast) {
					const read = rows;
					finish();
					rows = read;
				}
				resolve();
			};
			const handlers = { slice, reject };
			if (state === "new") {
				state = "open";
				start(handlers);
			} else {
				next(handlers);
			}
		});

	/** @param {{ slice(part: any, isLast: boolean): void, reject(error: unknown): void }} handlers */
	const start = (handlers) => {
		const prepared = prepare();
		cancel = prepared.cancel;
		watch(handlers.reject);
		queue.snapshot((started) => {
			if (state === "done") {
				// Given up while it waited for its turn.
				return true;
			}
			const connection = queue.connection.opened;
			const id = connection.expect(one(rowsHandler(handlers, started)));
			open.current = { native: connection.native, id };
			return connection.native.openCursor(id, connection.lease, encodeReads([prepared]));
		}, handlers.reject);
	};

	/** @param {{ slice(part: any, isLast: boolean): void, reject(error: unknown): void }} handlers */
	const next = (handlers) => {
		queue.checkOpen();
		if (cancel?.error) {
			throw cancel.error;
		}
		watch(handlers.reject);
		const { native, id } = /** @type {OpenCursor} */ (open.current);
		native.fetch(queue.connection.opened.expect(one(rowsHandler(handlers))), id);
	};

	/** @param {(error: unknown) => void} reject */
	const watch = (reject) => {
		if (cancel) {
			const { number } = cancel;
			cancel.whenCancelled = (error, timedOut) => {
				queue.connection.current?.native.cancel(number, timedOut);
				reject(error);
			};
		}
	};

	/** @returns {Promise<IteratorResult<any>>} */
	const take = async () => {
		while (at === rows.length && state !== "done") {
			try {
				await fetch();
			} catch (error) {
				finish();
				throw error;
			}
		}
		if (at === rows.length) {
			return { value: undefined, done: true };
		}
		return { value: rows[at++], done: false };
	};

	/**
	 * @template T
	 * @param {() => T | Promise<T>} call
	 */
	const inTurn = (call) => {
		const result = last.then(call, call);
		last = result.catch(() => {});
		return result;
	};

	/** @type {AsyncIterableIterator<any>} */
	const iterator = {
		next: () => inTurn(take),
		return: (value) =>
			inTurn(() => {
				finish();
				return { value, done: true };
			}),
		[Symbol.asyncIterator]: () => iterator,
	};
	abandoned.register(iterator, open);
	return iterator;
}

/**
 * A handler of a request for one slice, which is its only event but for `started`.
 *
 * @param {(event: import("../native/addon").Event) => boolean} handler
 */
function one(handler) {
	return (/** @type {import("../native/addon").Event} */ event) => handler(event) || event.kind === "rows";
}

module.exports = { createCursor };
