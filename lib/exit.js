"use strict";

/**
 * @typedef {{ flush(): void }} Flushable
 */

/** @type {Set<Flushable>} */
const unflushed = new Set();

/**
 * What makes the last backup of each store, when everything is written. A store that was dropped has ended its own.
 *
 * @type {Set<WeakRef<{ finishBackups(): void }>>}
 */
const unfinished = new Set();
const dropped = new FinalizationRegistry((/** @type {WeakRef<{ finishBackups(): void }>} */ store) => finished(store));

/**
 * Makes the end of the process, such as `process.exit()`, wait until a queue is written.
 *
 * @param {Flushable} queue
 */
function flushAtExit(queue) {
	listen();
	unflushed.add(queue);
}

function listen() {
	if (unflushed.size + unfinished.size === 0) {
		process.on("exit", flushAll);
	}
}

function unlisten() {
	if (unflushed.size + unfinished.size === 0) {
		process.off("exit", flushAll);
	}
}

/**
 * Makes the end of the process, such as `process.exit()`, wait for a store's last backup. Returns what takes that back.
 *
 * @param {{ finishBackups(): void }} store
 * @returns {() => void}
 */
function finishAtExit(store) {
	const reference = new WeakRef(store);
	listen();
	unfinished.add(reference);
	dropped.register(store, reference);
	return () => finished(reference);
}

/**
 * @param {WeakRef<{ finishBackups(): void }>} store
 */
function finished(store) {
	if (unfinished.delete(store)) {
		unlisten();
	}
}

/**
 * @param {Flushable} queue
 */
function flushed(queue) {
	if (unflushed.delete(queue)) {
		unlisten();
	}
}

function flushAll() {
	for (const queue of unflushed) {
		queue.flush();
	}
	for (const store of unfinished) {
		store.deref()?.finishBackups();
	}
}

/**
 * Whether the `exit` listeners are being called: nothing asynchronous will happen any more.
 */
function isExiting() {
	return /** @type {{ _exiting?: boolean }} */ (/** @type {unknown} */ (process))._exiting === true;
}

module.exports = { finishAtExit, flushAtExit, flushed, isExiting };
