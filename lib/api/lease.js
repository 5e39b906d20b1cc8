"use strict";

const { RootcellarError } = require("../base/errors.js");
const { isExiting } = require("../process/exit.js");
const { IDLE_LIMIT_WHEN_CLOSING_MS } = require("../base/limits.js");
const { OperationQueue } = require("../queue/queue.js");
const { closedError, requestLease } = require("../native/lease-connection.js");
const { runInScope } = require("../queue/transaction-scope.js");

/**
 * @typedef {InstanceType<typeof OperationQueue>} Queue
 * @typedef {InstanceType<typeof import("../native/lease-connection.js").LeaseConnection>} LeaseConnection
 * @typedef {InstanceType<typeof import("./cancellation.js").Cancel>} Cancel
 */

/**
 * How the writing connection is held.
 *
 * @typedef {object} LeaseOptions
 * @property {number} kind what for, as `src/node/sql.rs` numbers it
 * @property {number} idleLimitMs
 * @property {Cancel | undefined} cancel
 * @property {boolean} isScoped whether what is called meanwhile, and would wait for it, is refused
 */

/**
 * Where the connection comes from, and goes to. `ended` is called once, also if it could not be had.
 *
 * @typedef {object} LeaseSource
 * @property {(begun: (connection: LeaseConnection) => void, ended: (error?: Error) => void) => void} begin
 * @property {(commit: boolean) => void} end
 * @property {(timedOut: boolean) => void} abort
 * @property {(idleLimitMs: number) => void} limit
 */

/**
 * Holds the writing connection of a store, or, within a transaction, a savepoint of it, while a callback runs: when
 * that resolves, what was done is kept, when it rejects, undone.
 *
 * @template T
 * @param {Queue} queue
 * @param {LeaseOptions} options
 * @param {(queue: Queue) => Promise<T>} use
 * @returns {Promise<T>}
 */
function withLease(queue, options, use) {
	const source = queue.connection.isLease ? savepointLease(queue) : writerLease(queue, options);
	return new Promise((resolve, reject) => {
		try {
			new Lease(queue, source, options, { use, resolve, reject }).wait();
		} catch (error) {
			options.cancel?.done();
			throw error;
		}
	});
}

/** One use of the connection, from its place in the queue to its end. */
class Lease {
	/**
	 * @param {Queue} outer
	 * @param {LeaseSource} source
	 * @param {LeaseOptions} options
	 * @param {{ use(queue: Queue): Promise<any>, resolve(value: any): void, reject(error: unknown): void }} user
	 */
	constructor(outer, source, options, user) {
		this.outer = outer;
		this.source = source;
		this.options = options;
		this.user = user;
		/** @type {"waiting" | "beginning" | "begun" | "ending" | "over"} */
		this.state = "waiting";
		/** @type {Queue | undefined} its own operations, once it has begun */
		this.inner = undefined;
		/** @type {import("../queue/transaction-scope.js").Scope | undefined} */
		this.scope = undefined;
		/** @type {{ value: any } | { error: unknown } | undefined} what became of it, as far as that is known */
		this.result = undefined;
		this.done = () => {};
	}

	/** Takes its place in the queue. */
	wait() {
		this.place = this.outer.lease({
			begin: (done) => {
				this.done = done;
				if (isExiting()) {
					// Nothing asynchronous happens any more.
					this.over(endedEarly());
					return;
				}
				this.state = "beginning";
				this.source.begin(
					(connection) => this.begun(connection),
					(error) => this.over(error),
				);
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
	 * It has the connection.
	 *
	 * @param {LeaseConnection} connection
	 */
	begun(connection) {
		this.state = "begun";
		const inner = OperationQueue.within(this.outer, connection);
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
	 * @param {import("../queue/transaction-scope.js").Scope} scope
	 * @param {() => T} use
	 */
	useIn(scope, use) {
		this.scope = scope;
		scope.blocked = this.outer;
		return use();
	}

	/**
	 * Ends it, when what was issued in it has been done.
	 *
	 * @param {{ value: any } | { error: unknown }} result
	 */
	finish(result) {
		if (this.state !== "begun" || !this.inner) {
			return;
		}
		this.state = "ending";
		if (this.scope) {
			// What its callback has left behind may wait for it from now on.
			this.scope.blocked = undefined;
		}
		this.result ??= result;
		this.inner.ended = closedError();
		this.inner.fence(() => {
			this.source.end("value" in result);
			return true;
		}, noop);
	}

	/**
	 * @param {Error} error
	 * @param {boolean} timedOut
	 */
	cancel(error, timedOut) {
		if (this.state === "waiting") {
			this.outer.withdraw(this.place);
			this.over(error);
		} else if (this.state !== "ending") {
			this.result ??= { error };
			this.source.abort(timedOut);
			this.finish({ error });
		}
	}

	/**
	 * It is over, and undone if there is an error.
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
		if (this.scope) {
			this.scope.blocked = undefined;
		}
		if (this.inner) {
			// Whoever has reserved a connection learns of its end only by using it.
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
}

function endedEarly() {
	return new RootcellarError("ERR_STORE_CLOSED", "the transaction was not begun, or rolled back: the process ends");
}

/**
 * The writing connection of a store.
 *
 * @param {Queue} queue
 * @param {LeaseOptions} options
 * @returns {LeaseSource}
 */
function writerLease(queue, { kind, idleLimitMs }) {
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
 * @param {Queue} queue
 * @returns {LeaseSource}
 */
function savepointLease(queue) {
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
			connection.savepoint(BEGIN, depth, (error) => (error ? over(error) : begun(connection)));
		},
		end: (commit) => connection.savepoint(commit ? RELEASE : ROLLBACK, depth, over),
		// What runs in it is not stopped: that would end the whole transaction.
		abort: noop,
		limit: noop,
	};
}

const BEGIN = 0;
const RELEASE = 1;
const ROLLBACK = 2;

function noop() {}

module.exports = { withLease };
