"use strict";

const { nextTurn } = require("./event-loop.js");

/**
 * @typedef {{ flush(): void }} Flushable
 * @typedef {{ end(): void }} Endable
 */

/** @type {Set<Flushable>} */
const unflushed = new Set();
let isListening = false;
let isLeaving = false;
/** Everything was ended; what is opened since has to be ended again. */
let hasEnded = false;

/**
 * Connections to open files. A store that was dropped has ended its own.
 *
 * @type {Set<WeakRef<Endable>>}
 */
const open = new Set();
const dropped = new FinalizationRegistry((/** @type {WeakRef<Endable>} */ connection) => forget(connection));

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
		process.on("exit", endAll);
	}
}

/**
 * Delays the end of the process, such as `process.exit()`, until a connection has made its last backup and left everything
 * in its file. Returns a function that takes this back.
 *
 * @param {Endable} connection
 * @returns {() => void}
 */
function endAtExit(connection) {
	const reference = new WeakRef(connection);
	open.add(reference);
	dropped.register(connection, reference);
	listen();
	return () => forget(reference);
}

/**
 * @param {WeakRef<Endable>} connection
 */
function forget(connection) {
	if (open.delete(connection)) {
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
	if (unflushed.size + open.size === 0 && !isLeaving) {
		// Not at once: most of the time the next operation comes before the event loop turns.
		isLeaving = true;
		nextTurn(leave);
	}
}

function leave() {
	isLeaving = false;
	if (unflushed.size + open.size === 0) {
		isListening = false;
		process.off("exit", endAll);
	}
}

function endAll() {
	for (const queue of unflushed) {
		queue.flush();
	}
	for (const connection of open) {
		connection.deref()?.end();
	}
	hasEnded = true;
}

/**
 * Does now what is issued while the `exit` listeners are being called: nothing asynchronous will happen any more.
 *
 * @param {Flushable} queue
 */
function flushNow(queue) {
	queue.flush();
	if (hasEnded) {
		endAll();
	}
}

/**
 * True if the `exit` listeners are being called: nothing asynchronous will happen any more.
 */
function isExiting() {
	return /** @type {{ _exiting?: boolean }} */ (/** @type {unknown} */ (process))._exiting === true;
}

module.exports = { endAtExit, flushAtExit, flushNow, flushed, isExiting };
