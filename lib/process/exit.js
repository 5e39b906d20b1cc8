"use strict";

const { nextTurn } = require("./event-loop.js");

/**
 * @typedef {{ flush(): void }} Flushable
 */

/** @type {Set<Flushable>} */
const unflushed = new Set();
let isListening = false;
let isLeaving = false;

/**
 * Stores that make a last backup when everything is written. One that was dropped has ended its own backups.
 *
 * @type {Set<WeakRef<{ finishBackups(): void }>>}
 */
const unfinished = new Set();
const dropped = new FinalizationRegistry((/** @type {WeakRef<{ finishBackups(): void }>} */ store) => finished(store));

/**
 * Delays the end of the process, such as `process.exit()`, until a queue is written.
 *
 * @param {Flushable} queue
 */
function flushAtExit(queue) {
	unflushed.add(queue);
	listen();
}

function listen() {
	if (!isListening) {
		isListening = true;
		process.on("exit", flushAll);
	}
}

/**
 * Delays the end of the process, such as `process.exit()`, until a store has made its last backup. Returns a function that
 * takes this back.
 *
 * @param {{ finishBackups(): void }} store
 * @returns {() => void}
 */
function finishAtExit(store) {
	const reference = new WeakRef(store);
	unfinished.add(reference);
	dropped.register(store, reference);
	listen();
	return () => finished(reference);
}

/**
 * @param {WeakRef<{ finishBackups(): void }>} store
 */
function finished(store) {
	if (unfinished.delete(store)) {
		leaveSoon();
	}
}

/**
 * @param {Flushable} queue
 */
function flushed(queue) {
	if (unflushed.delete(queue)) {
		leaveSoon();
	}
}

function leaveSoon() {
	if (unflushed.size + unfinished.size === 0 && !isLeaving) {
		// Not at once: most of the time the next operation comes before the event loop turns.
		isLeaving = true;
		nextTurn(leave);
	}
}

function leave() {
	isLeaving = false;
	if (unflushed.size + unfinished.size === 0) {
		isListening = false;
		process.off("exit", flushAll);
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
 * True if the `exit` listeners are being called: nothing asynchronous will happen any more.
 */
function isExiting() {
	return /** @type {{ _exiting?: boolean }} */ (/** @type {unknown} */ (process))._exiting === true;
}

module.exports = { finishAtExit, flushAtExit, flushed, isExiting };
