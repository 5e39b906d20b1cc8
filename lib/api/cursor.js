"use strict";

const { rejecter } = require("../base/errors.js");
const { decodeSlice } = require("../native/decode.js");
const { abandonCursor, closeCursor } = require("../native/requests.js");
const { abortError } = require("./cancellation.js");

/**
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {InstanceType<typeof import("./cancellation.js").Cancellation>} Cancellation
 * @typedef {import("../native/addon").RowSlice} RowSlice
 * @typedef {import("../native/decode.js").RowsReceiver} RowsReceiver
 * @typedef {import("../native/encode.js").Statement} Statement
 * @typedef {import("../native/requests.js").Cursor} Cursor
 */

/**
 * Cursor that an iterator has open, and what cancels it.
 *
 * @typedef {{ cursor: Cursor | undefined, cancel: Cancellation | undefined }} Open
 */

/** Closes the cursor of an iterator that was garbage-collected before its end. */
const abandoned = new FinalizationRegistry((/** @type {Open} */ { cursor, cancel }) => {
	if (cursor) {
		cancel?.done();
		abandonCursor(cursor, cancel);
	}
});

/**
 * Lets a read be cancelled. This is a function apart, because a signal keeps its closure alive, which in `createCursor` would
 * keep the iterator.
 *
 * @param {OperationQueue} queue
 * @param {Cancellation | undefined} cancel
 * @param {(error: unknown) => void} reject
 */
function watch(queue, cancel, reject) {
	if (cancel) {
		cancel.whenCancelled = (error, timedOut) => {
			queue.connection.current?.cancel(cancel, timedOut);
			reject(error);
		};
	}
}

/**
 * Iterator over the rows of a result, which are read a slice at a time as they are asked for.
 *
 * @param {OperationQueue} queue
 * @param {() => { statement: Statement, cancel: Cancellation | undefined }} prepare called when the first row is asked for
 * @returns {AsyncIterableIterator<any>}
 */
function createCursor(queue, prepare) {
	/** @type {any[]} */
	let rows = [];
	let at = 0;
	/** @type {"new" | "open" | "done"} */
	let state = "new";
	/** @type {Open} */
	const open = { cursor: undefined, cancel: undefined };
	/** @type {Promise<void>} settled when the last call is: calls are carried out one after the other */
	let last = Promise.resolve();
	let underWay = 0;

	const finish = () => {
		state = "done";
		rows = [];
		at = 0;
		if (open.cursor) closeCursor(open.cursor);
		open.cursor = undefined;
		if (open.cancel) {
			open.cancel.done();
			queue.connection.current?.forgetCancel(open.cancel);
		}
	};

	/** @returns {Promise<void>} */
	const fetch = () =>
		new Promise((resolve, reject) => {
			const slice = (/** @type {RowSlice} */ part, /** @type {boolean} */ isLast) => {
				if (state === "done") {
					// Given up while it was on its way.
					return;
				}
				rows = decodeSlice(part);
				at = 0;
				if (isLast) {
					const read = rows;
					finish();
					rows = read;
				}
				resolve();
			};
			const receiver = { slice, reject: rejecter(resolve, reject) };
			if (state === "new") {
				state = "open";
				start(receiver);
			} else {
				next(receiver);
			}
		});

	/** @param {RowsReceiver} receiver */
	const start = (receiver) => {
		const prepared = prepare();
		open.cancel = prepared.cancel;
		watch(queue, open.cancel, receiver.reject);
		queue.snapshot((started) => {
			if (state === "done") {
				// Given up while it waited for its turn.
				return true;
			}
			const { cursor, isStarted } = queue.connection.opened.openCursor(prepared, receiver, started);
			open.cursor = cursor;
			return isStarted;
		}, receiver.reject);
	};

	/** Cancellation of the rows to come, also of those that were read ahead. */
	const whyCancelled = () => {
		const { cancel } = open;
		return cancel && (cancel.error ?? (cancel.signal?.aborted ? abortError(cancel.signal) : undefined));
	};

	/** @param {RowsReceiver} receiver */
	const next = (receiver) => {
		queue.checkOpen();
		const error = whyCancelled();
		if (error) throw error;
		watch(queue, open.cancel, receiver.reject);
		queue.connection.opened.fetch(/** @type {Cursor} */ (open.cursor), receiver);
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
		const error = whyCancelled();
		if (error) {
			finish();
			throw error;
		}
		return { value: rows[at++], done: false };
	};

	/**
	 * @template T
	 * @param {() => T | Promise<T>} call
	 */
	const inTurn = async (call) => {
		const before = underWay > 0 ? last : undefined;
		underWay++;
		/** @type {() => void} */
		let done = () => {};
		last = new Promise((resolve) => (done = resolve));
		// The first call takes its place in the order of operations at once.
		if (before) await before;
		try {
			return await call();
		} finally {
			underWay--;
			done();
		}
	};

	/** @type {AsyncIterableIterator<any>} */
	const iterator = {
		next: () =>
			underWay === 0 && at < rows.length && !whyCancelled()
				? Promise.resolve({ value: rows[at++], done: false })
				: inTurn(take),
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

module.exports = { createCursor };
