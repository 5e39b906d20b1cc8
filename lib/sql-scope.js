"use strict";

const { AsyncLocalStorage } = require("node:async_hooks");
const { RootcellarError } = require("./errors.js");

/**
 * @typedef {InstanceType<typeof import("./operation-queue.js").OperationQueue>} OperationQueue
 */

/**
 * That code runs in the callback of a transaction, as far as what it calls asynchronously.
 *
 * @typedef {object} Scope
 * @property {OperationQueue} holds the queue that waits until the transaction is done
 * @property {boolean} isOpen whether the transaction is not done
 * @property {Scope | undefined} outer
 */

/** @type {AsyncLocalStorage<Scope> | undefined} made with the first transaction, for it is not free */
let storage;

/**
 * Runs the callback of a transaction.
 *
 * @template T
 * @param {OperationQueue} holds
 * @param {(scope: Scope) => T} callback
 * @returns {T}
 */
function runInScope(holds, callback) {
	storage ??= new AsyncLocalStorage();
	const scope = { holds, isOpen: true, outer: storage.getStore() };
	return storage.run(scope, () => callback(scope));
}

/**
 * Refuses an operation that would wait for the transaction in whose callback it is called.
 *
 * @param {OperationQueue} queue
 */
function checkNotHeld(queue) {
	for (let scope = storage?.getStore(); scope; scope = scope.outer) {
		if (scope.isOpen && isSame(scope.holds, queue)) {
			throw new RootcellarError(
				"ERR_IN_TRANSACTION",
				"this would wait for the transaction whose callback calls it; use the tx that the callback is given " +
					"(tx.run, tx.all, tx.transaction, tx.appData.set, and so on)",
			);
		}
	}
}

/**
 * Whether two queues are of one store, or of two on one file, which have one writer.
 *
 * @param {OperationQueue} one
 * @param {OperationQueue} other
 */
function isSame(one, other) {
	if (one === other) {
		return true;
	}
	if (one.session.isLease || other.session.isLease) {
		return false;
	}
	const path = one.session.path();
	return path !== undefined && path === other.session.path();
}

/** Whether code runs in the callback of a transaction, also one that is done. */
function isInScope() {
	return storage?.getStore() !== undefined;
}

module.exports = { checkNotHeld, isInScope, runInScope };
