"use strict";

const { checkDuration } = require("../base/arguments.js");
const { invalidArgument } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { createKeyValueStore } = require("./key-value-store.js");
const { createKv } = require("./kv/kv.js");
const { IDLE_LIMIT_MS } = require("../base/limits.js");
const { LEASE_DEFERRED, LEASE_EXCLUSIVE, LEASE_IMMEDIATE, LEASE_RESERVED } = require("../native/protocol.js");
const { CANCEL_OPTIONS, checkCancel, checkOptions } = require("./cancellation.js");
const { atFirstUse } = require("../base/at-first-use.js");
const { checkNoDeadlock } = require("../queue/transaction-scope.js");
const { withLease } = require("./lease.js");
const { createSqlite } = require("./sqlite.js");

/**
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {import("../queue/transaction-scope.js").Scope} Scope
 */

/** With `node:crypto`, which takes longer to load than everything else here. */
const migrating = atFirstUse(() => require("./migrations/migrate.js"));

/** Loaded at first use: a store on a file does not need it. */
const onPostgres = atFirstUse(() => require("./postgres-transaction.js"));

/** Kinds of leases, by the option `mode`. */
const MODES = new Map([
	["deferred", LEASE_DEFERRED],
	["immediate", LEASE_IMMEDIATE],
	["exclusive", LEASE_EXCLUSIVE],
]);

/** The options of waiting for the writing connection, and of having it. */
const LEASE_OPTIONS = [...CANCEL_OPTIONS, "idleTimeoutMs"];

const TRANSACTION_OPTIONS = ["mode", ...LEASE_OPTIONS];

/**
 * `dataStore.sqlite`.
 *
 * @param {OperationQueue} queue
 */
function createStoreSqlite(queue) {
	return {
		...createSqlite(queue),
		transaction: (/** @type {any} */ callback, /** @type {any} */ options) => transaction(queue, callback, options),
		reserve: (/** @type {any} */ options) => reserve(queue, options),
		migrate: (/** @type {any} */ migrations, /** @type {any} */ options) =>
			migrating().migrate(queue, migrations, options),
	};
}

/**
 * @param {OperationQueue} queue
 * @param {unknown} callback
 * @param {unknown} options
 */
async function transaction(queue, callback, options) {
	if (typeof callback !== "function") {
		throw invalidArgument("callback", `must be a function, not ${kindOf(callback)}`);
	}
	const given = checkOptions(options, TRANSACTION_OPTIONS);
	const { mode = "immediate" } = given;
	const kind = MODES.get(mode);
	if (kind === undefined) {
		throw invalidArgument("options.mode", 'must be "deferred", "immediate" or "exclusive"');
	}
	const idleLimitMs = checkIdleLimit(given);
	const cancel = checkCancel(given);
	const create = queue.connection.isOnPostgres ? createOnPostgres : createTransaction;
	return withLease(queue, { kind, idleLimitMs, cancel, isScoped: true }, async (inner) => callback(create(inner)));
}

/**
 * Argument of the callback of a transaction.
 *
 * @param {OperationQueue} queue
 */
function createTransaction(queue) {
	return {
		...createSqlite(queue),
		transaction: (/** @type {any} */ callback, /** @type {any} */ options) => transaction(queue, callback, options),
		appData: createKeyValueStore(queue),
		kv: createKv(queue),
	};
}

/**
 * The same on PostgreSQL.
 *
 * @param {OperationQueue} queue
 */
function createOnPostgres(queue) {
	return onPostgres().createPostgresTransaction(queue, transaction);
}

/**
 * @param {OperationQueue} queue
 * @param {unknown} options
 */
async function reserve(queue, options) {
	const given = checkOptions(options, LEASE_OPTIONS);
	const idleLimitMs = checkIdleLimit(given);
	const cancel = checkCancel(given);
	return new Promise((resolve, reject) => {
		/** @type {Promise<void>} */
		const lease = withLease(queue, { kind: LEASE_RESERVED, idleLimitMs, cancel, isScoped: false }, (inner) => {
			// The options concern waiting for the lease, which is over.
			cancel?.done();
			return new Promise((release) => {
				resolve(createConnection(inner, queue, release, () => lease));
			});
		});
		lease.catch(reject);
	});
}

/**
 * @param {OperationQueue} queue
 * @param {OperationQueue} outer the queue that waits until it is released
 * @param {() => void} release
 * @param {() => Promise<void>} released
 */
function createConnection(queue, outer, release, released) {
	const releaseNow = () => {
		release();
		// If it had ended of itself, the next use would have said so.
		return released().catch(noop);
	};
	const connection = {
		...createSqlite(queue),
		release: releaseNow,
		[Symbol.asyncDispose]: releaseNow,
	};
	const openScope = (/** @type {Scope} */ scope) => {
		scope.blocked = outer;
		const close = () => {
			scope.blocked = undefined;
		};
		released().then(close, close);
	};
	reserved.set(connection, { queue, outer, released, openScope });
	return connection;
}

/**
 * Parts of a reserved connection for the adapters only: its queue and that which waits for it, its end, and a function that
 * gives it a scope of its own until it is released.
 *
 * @typedef {object} Reserved
 * @property {OperationQueue} queue
 * @property {OperationQueue} outer
 * @property {() => Promise<void>} released
 * @property {(scope: Scope) => void} openScope
 */

/** @type {WeakMap<object, Reserved>} */
const reserved = new WeakMap();

/**
 * Makes a scope that of a reserved connection: as in the callback of a transaction, writes that go past the connection are
 * refused, because they would wait for themselves. For libraries that begin their transactions themselves.
 *
 * @param {import("../..").Connection} connection
 * @param {Scope} scope
 */
function openScope(connection, scope) {
	reserved.get(connection)?.openScope(scope);
}

/**
 * Calls back when a reserved connection has been released, or has ended of itself. For callers that wait for it.
 *
 * @param {import("../..").Connection} connection
 * @param {() => void} callback
 * @throws `ERR_IN_TRANSACTION` in its own scope, see `openScope`, where they would wait for themselves
 */
function whenReleased(connection, callback) {
	const { outer, released } = partsOf(connection);
	checkNoDeadlock(outer);
	released().then(callback, callback);
}

/**
 * The queue of a reserved connection, for statements of this package's own.
 *
 * @param {import("../..").Connection} connection
 */
function queueOf(connection) {
	return partsOf(connection).queue;
}

/**
 * @param {import("../..").Connection} connection
 */
function partsOf(connection) {
	const parts = reserved.get(connection);
	if (parts === undefined) {
		throw invalidArgument("connection", "must be one that reserve() gave");
	}
	return parts;
}

/**
 * @param {any} options
 * @returns {number}
 */
function checkIdleLimit({ idleTimeoutMs = IDLE_LIMIT_MS }) {
	checkDuration(idleTimeoutMs, "options.idleTimeoutMs");
	return idleTimeoutMs;
}

function noop() {}

module.exports = { createStoreSqlite, openScope, queueOf, transaction, whenReleased };
