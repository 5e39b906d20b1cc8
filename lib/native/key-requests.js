"use strict";

const { toError } = require("../base/errors.js");

/**
 * @typedef {import("../cache/coherent-cache.js").Address} Address
 * @typedef {import("./addon").Event} Event
 * @typedef {import("./addon").ReadValues} ReadValues
 * @typedef {import("../cache/read-cache.js").Stored} Stored
 */

/**
 * Told what keys hold. Of large values only the first are read, at least one: fewer are found then than there are keys.
 *
 * @typedef {(found: Stored[], errorAt: (index: number) => Error | undefined) => void} Found
 */

/**
 * What matches a pattern.
 *
 * @typedef {{ pattern: string, community: string | undefined, valuesOnly: boolean }} Select
 */

/**
 * @typedef {{ started(): void, slice(text: string, last: boolean): void, failed(error: Error): void }} SelectCallbacks
 */

/**
 * Keys as they cross: two lists instead of one of objects.
 *
 * @param {Address[]} addresses
 */
function columnsOf(addresses) {
	return { keys: addresses.map(({ key }) => key), communities: addresses.map(({ community }) => community) };
}

/**
 * Handles the event of a request for what keys hold.
 *
 * @param {Found} callback
 * @returns {(event: Pick<Event, "values" | "error">) => boolean}
 */
function lookupHandler(callback) {
	return ({ values, error }) => {
		const failed = error && toError(error);
		const failures = new Map(values?.failures.map((failure) => [failure.index, toError(failure.error)]));
		callback(values ? storedIn(values) : [], (index) => failed ?? failures.get(index));
		return true;
	};
}

/**
 * @param {ReadValues} values
 * @returns {Stored[]}
 */
function storedIn({ texts, expiries }) {
	/** @type {Stored[]} */
	const found = texts.map((text) => ({ text: text ?? undefined, expiresAt: undefined }));
	for (const { index, at } of expiries) {
		found[index] = { text: found[index]?.text, expiresAt: at };
	}
	return found;
}

/**
 * Handles the events of a request for what matches a pattern.
 *
 * @param {SelectCallbacks} callbacks
 * @returns {(event: Event) => boolean}
 */
function selectHandler({ started, slice, failed }) {
	return ({ kind, error, text = "", last = false }) => {
		if (kind === "started") {
			started();
			return false;
		}
		if (error) {
			failed(toError(error));
			return true;
		}
		slice(text, last);
		return last;
	};
}

module.exports = { columnsOf, lookupHandler, selectHandler };
