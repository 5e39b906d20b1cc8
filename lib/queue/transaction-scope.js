"use strict";

const { AsyncLocalStorage } = require("node:async_hooks");
const { RootcellarError } = require("../base/errors.js");

/**
 * Queue of a store, or of a transaction.
 *
 * @typedef {{ readonly connection: { readonly isLease: boolean, isSameFile(other: any): boolean } }} Queue
 */

/**
 * Scope of a transaction: its callback, and everything that is called from there, also asynchronously.
 *
 * @typedef {object} Scope
 * @property {Queue | undefined} blocked the queue that waits until the transaction is done, while it is under way
 * @property {Scope | undefined} outer
 */

/** @type {AsyncLocalStorage<Scope> | undefined} created with the first transaction, because it is not free */
let storage;

/** @returns {{ all: AsyncLocalStorage<Scope>, scope: Scope }} a scope within that of the caller */
function newScope() {
	storage ??= new AsyncLocalStorage();
	let outer = storage.getStore();
	// Those that are done never block again; a job that plans its next run in a callback would make a chain of them.
	while (outer && !outer.blocked) {
		outer = outer.outer;
	}
	return { all: storage, scope: { blocked: undefined, outer } };
}

/**
 * Runs the callback of a transaction in a scope of its own.
 *
 * @template T
 * @param {(scope: Scope) => T} callback
 * @returns {T}
 */
function runInScope(callback) {
	const { all, scope } = newScope();
	return all.run(scope, () => callback(scope));
}

/**
 * Lets the caller go on in a new scope, for a library that awaits the beginning of a transaction and then calls the
 * callback itself. Whoever awaits the caller stays in the scope that he was in, if `enableScopes` was called before.
 */
function enterScope() {
	const { all, scope } = newScope();
	all.enterWith(scope);
	return scope;
}

/** Creates the storage of scopes before there is a first one. */
function enableScopes() {
	runInScope(() => {});
}

/**
 * Refuses an operation that would wait for the transaction in whose callback it is called.
 *
 * @param {Queue} queue
 */
function checkNoDeadlock(queue) {
	for (let scope = storage?.getStore(); scope; scope = scope.outer) {
		if (scope.blocked && isSame(scope.blocked, queue)) {
			throw new RootcellarError(
				"ERR_IN_TRANSACTION",
				"this would wait for the transaction whose callback calls it; use the tx that the callback is given " +
					"(tx.run, tx.all, tx.transaction, tx.appData.set, and so on)",
			);
		}
	}
}

/**
 * True if two queues are of one store, or of two on one file, which have one writer.
 *
 * @param {Queue} one
 * @param {Queue} other
 */
function isSame(one, other) {
	if (one === other) {
		return true;
	}
	if (one.connection.isLease || other.connection.isLease) {
		return false;
	}
	return one.connection.isSameFile(other.connection);
}

/** True if the caller is in the scope of a transaction, also of one that is done. */
function isInScope() {
	return storage?.getStore() !== undefined;
}

module.exports = { checkNoDeadlock, enableScopes, enterScope, isInScope, runInScope };
