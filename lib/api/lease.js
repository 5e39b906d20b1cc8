"use strict";

const { RootcellarError, rejecter } = require("../base/errors.js");
const { IDLE_LIMIT_WHEN_CLOSING_MS } = require("../base/limits.js");
const { closedError, requestLease } = require("../native/lease-connection.js");
const { isExiting } = require("../process/exit.js");
const { inThisContext } = require("../process/context.js");
const { runInScope } = require("../queue/transaction-scope.js");

/**
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {InstanceType<typeof import("../native/lease-connection.js").LeaseConnection>} LeaseConnection
 * @typedef {InstanceType<typeof import("./cancellation.js").Cancellation>} Cancellation
 * @typedef {import("../queue/transaction-scope.js").Scope} Scope
 */

/**
 * @typedef {object} LeaseOptions
 * @property {number} kind `LEASE_RESERVED`, or how its transaction begins
 * @property {number} idleLimitMs
 * @property {Cancellation | undefined} cancel
 * @property {boolean} isScoped whether writes that would wait for it are refused in its callback
 */

/**
 * Source of a lease: the writer, or the lease around it. `ended` is called once, also if none could be had.
 *
 * @typedef {object} LeaseSource
 * @property {(begun: (connection: LeaseConnection) => void, ended: (error?: Error) => void) => void} begin
 * @property {(commit: boolean) => void} end
 * @property {(timedOut: boolean) => void} abort
 * @property {(idleLimitMs: number) => void} limit
 */

/**
 * Leases the writing connection of a store, or, within a transaction, a savepoint of it, while a callback runs. Commits
 * when the callback resolves, and rolls back when it rejects.
 *
 * @template T
 * @param {OperationQueue} queue
 * @param {LeaseOptions} options
 * @param {(queue: OperationQueue) => Promise<T>} use
 * @returns {Promise<T>}
 */
function withLease(queue, options, use) {
	const source = queue.connection.isLease ? savepoint(queue) : writer(queue, options);
	return new Promise((resolve, reject) => {
		try {
			new Lease(queue, source, options, { use, resolve, reject: rejecter(resolve, reject, true) }).wait();
		} catch (error) {
			options.cancel?.done();
			throw error;
		}
	});
}

/** A lease, from its place in the queue to its end. */
class Lease {
	/**
	 * @param {OperationQueue} outer
	 * @param {LeaseSource} source
	 * @param {LeaseOptions} options
	 * @param {{ use(queue: OperationQueue): Promise<any>, resolve(value: any): void, reject(error: unknown): void }} user
	 */
	constructor(outer, source, options, user) {
		this.outer = outer;
		this.source = source;
		this.options = options;
		this.user = user;
		/** @type {"waiting" | "beginning" | "begun" | "ending" | "over"} */
		this.state = "waiting";
		/** @type {import("../queue/operations.js").LeaseOperation | undefined} */
		this.operation = undefined;
		/** @type {OperationQueue | undefined} the queue of its own operations, once it has begun */
		this.inner = undefined;
		/** @type {Scope | undefined} */
		this.scope = undefined;
		/** @type {{ value: any } | { error: unknown } | undefined} its result, as far as that is known */
		this.result = undefined;
		this.done = () => {};
	}

	/** Takes its place in the queue. */
	wait() {
		// The addon calls from the context of whoever used the store first.
		const begun = inThisContext((connection) => this.begun(connection));
		this.operation = this.outer.lease({
			begin: (done) => {
				this.done = done;
				if (isExiting()) {
					// Nothing asynchronous happens any more.
					this.over(endedEarly());
					return;
				}
				this.state = "beginning";
				this.source.begin(begun, (error) => this.over(error));
			},
			abort: () => this.source.abort(false),
			drain: () => this.source.limit(IDLE_LIMIT_WHEN_CLOSING_MS),
			reject: (error) => this.over(error),
		});
		const { cancel } = this.options;
		if (cancel) {
			cancel.whenCancelled = (error, timedOut) => this.cancel(error, timedOut);
		}
	}

	/**
	 * Runs the callback, on the connection that is there now, unless it was cancelled while it was waited for.
	 *
	 * @param {LeaseConnection} connection
	 */
	begun(connection) {
		if (this.result) {
			this.state = "ending";
			this.source.end(false);
			return;
		}
		this.state = "begun";
		const inner = this.outer.within(connection);
		this.inner = inner;
		const use = async () => this.user.use(inner);
		const running = this.options.isScoped ? runInScope((scope) => this.useIn(scope, use)) : use();
		running.then(
			(value) => this.finish({ value }),
			(error) => this.finish({ error }),
		);
	}

	/**
	 * @template T
	 * @param {Scope} scope
	 * @param {() => T} use
	 */
	useIn(scope, use) {
		this.scope = scope;
		scope.blocked = this.outer;
		return use();
	}

	/**
	 * Ends it, when the operations that were issued in it are done.
	 *
	 * @param {{ value: any } | { error: unknown }} result
	 */
	finish(result) {
		if (this.state !== "begun" || !this.inner) {
			return;
		}
		this.state = "ending";
		this.unblock();
		this.result ??= result;
		const isCommit = "value" in this.result;
		this.inner.ended = closedError();
		this.inner.fence(() => {
			this.source.end(isCommit);
			return true;
		}, noop);
	}

	/**
	 * @param {Error} error
	 * @param {boolean} timedOut
	 */
	cancel(error, timedOut) {
		if (this.state === "waiting" && this.operation) {
			this.outer.withdraw(this.operation);
			this.over(error);
		} else if (this.state !== "ending") {
			this.result ??= { error };
			this.source.abort(timedOut);
			this.finish({ error });
		}
	}

	/**
	 * Settles it; it was rolled back if there is an error.
	 *
	 * @param {unknown} [error]
	 */
	over(error) {
		if (this.state === "over") {
			return;
		}
		this.state = "over";
		if (error !== undefined && !(this.result && "error" in this.result)) {
			this.result = { error };
		}
		this.unblock();
		if (this.inner) {
			// The owner of a reserved connection learns of its end only by using it.
			this.inner.ended = this.options.isScoped || !(error instanceof Error) ? closedError() : error;
			this.inner.rejectAll(error ?? closedError());
		}
		this.options.cancel?.done();
		this.done();
		if (this.result && "value" in this.result) {
			this.user.resolve(this.result.value);
		} else {
			this.user.reject(this.result ? this.result.error : endedEarly());
		}
	}

	/** Lets asynchronous calls that its callback has left behind wait for it from now on. */
	unblock() {
		if (this.scope) {
			this.scope.blocked = undefined;
		}
	}
}

function endedEarly() {
	return new RootcellarError("ERR_STORE_CLOSED", "the transaction was not begun, or rolled back: the process ends");
}

/**
 * The writing connection of a store.
 *
 * @param {OperationQueue} queue
 * @param {LeaseOptions} options
 * @returns {LeaseSource}
 */
function writer(queue, { kind, idleLimitMs }) {
	/** @type {LeaseConnection | undefined} */
	let lease;
	/** @type {ReturnType<typeof requestLease> | undefined} */
	let request;
	/** @type {Error | undefined} */
	let endError;
	let limitMs = idleLimitMs;
	return {
		begin(begun, ended) {
			request = requestLease(queue.connection.opened, kind, limitMs, {
				begun: (connection) => {
					lease = connection;
					begun(connection);
				},
				ended: (error) => ended(error ?? endError),
			});
		},
		end: (commit) =>
			lease?.end(commit, (error) => {
				endError = error;
			}),
		abort: (timedOut) => request?.abort(timedOut),
		limit: (ms) => {
			limitMs = Math.min(ms, limitMs);
			request?.limit(limitMs);
		},
	};
}

/**
 * A savepoint within a transaction.
 *
 * @param {OperationQueue} queue
 * @returns {LeaseSource}
 */
function savepoint(queue) {
	const connection = /** @type {LeaseConnection} */ (/** @type {unknown} */ (queue.connection.opened));
	const { depth } = queue.connection;
	/** @type {(error?: Error) => void} */
	let whenOver = noop;
	/** @param {Error} [error] */
	const over = (error) => {
		connection.whenEnded.delete(over);
		whenOver(error);
	};
	return {
		begin(begun, ended) {
			whenOver = ended;
			connection.whenEnded.add(over);
			connection.beginSavepoint(depth, (error) => (error ? over(error) : begun(connection)));
		},
		end: (commit) => connection.endSavepoint(depth, commit, over),
		// Its statements are not stopped: that would end the whole transaction.
		abort: noop,
		limit: noop,
	};
}

function noop() {}

module.exports = { withLease };
