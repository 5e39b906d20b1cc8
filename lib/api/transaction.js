"use strict";

const { checkDuration } = require("../base/arguments.js");
const { invalidArgument } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { createKeyValueStore } = require("./key-value-store.js");
const { IDLE_LIMIT_MS } = require("../base/limits.js");
const { checkCancel, checkOptions } = require("./cancellation.js");
const { migrate } = require("./migrate.js");
const { withLease } = require("./lease.js");
const { createSqlite } = require("./sqlite.js");

/**
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {import("../queue/transaction-scope.js").Scope} Scope
 */

// What the connection is held for; `src/node/sql.rs` is the other side.
const RESERVED = 0;
const MODES = new Map([
	["deferred", 1],
	["immediate", 2],
	["exclusive", 3],
]);

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
		migrate: (/** @type {any} */ migrations, /** @type {any} */ options) => migrate(queue, migrations, options),
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
	const given = checkOptions(options);
	const { mode = "immediate" } = given;
	const kind = MODES.get(mode);
	if (kind === undefined) {
		throw invalidArgument("options.mode", 'must be "deferred", "immediate" or "exclusive"');
	}
	const idleLimitMs = checkIdleLimit(given);
	const cancel = checkCancel(given);
	return withLease(queue, { kind, idleLimitMs, cancel, isScoped: true }, async (inner) =>
		callback(createTransaction(inner)),
	);
}

/**
 * What the callback of a transaction is given.
 *
 * @param {OperationQueue} queue
 */
function createTransaction(queue) {
	return {
		...createSqlite(queue),
		transaction: (/** @type {any} */ callback, /** @type {any} */ options) => transaction(queue, callback, options),
		appData: createKeyValueStore(queue),
	};
}

/**
 * @param {OperationQueue} queue
 * @param {unknown} options
 */
async function reserve(queue, options) {
	const given = checkOptions(options);
	const idleLimitMs = checkIdleLimit(given);
	const cancel = checkCancel(given);
	return new Promise((resolve, reject) => {
		/** @type {Promise<void>} */
		const lease = withLease(queue, { kind: RESERVED, idleLimitMs, cancel, isScoped: false }, (inner) => {
			// From now on the options concern what is done with it.
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
		// That it had ended of itself is what the next use was for to say.
		return released().catch(noop);
	};
	const connection = {
		...createSqlite(queue),
		release: releaseNow,
		[Symbol.asyncDispose]: releaseNow,
	};
	scopeOpeners.set(connection, (scope) => {
		scope.blocked = outer;
		const close = () => {
			scope.blocked = undefined;
		};
		released().then(close, close);
	});
	return connection;
}

/**
 * What makes a scope that of a reserved connection, for as long as that is held.
 *
 * @type {WeakMap<object, (scope: Scope) => void>}
 */
const scopeOpeners = new WeakMap();

/**
 * Makes a scope that of a reserved connection, as that of a transaction's callback is: what is written past the
 * connection is refused, for it would wait for itself. For libraries that begin their transactions themselves.
 *
 * @param {import("../..").Connection} connection
 * @param {Scope} scope
 */
function openScope(connection, scope) {
	scopeOpeners.get(connection)?.(scope);
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

module.exports = { createStoreSqlite, openScope };
