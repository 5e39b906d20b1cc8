"use strict";

const { TIME_MS_MAX } = require("./limits.js");

/**
 * Address of a key: its scope, which is a community or, without one, the default scope, and its name.
 *
 * @typedef {{ readonly community: string | undefined, readonly key: string }} Address
 */

/**
 * Stored value of a key: its JSON text, `undefined` if there is none, and its expiry in milliseconds since 1970 UTC.
 *
 * @typedef {{ readonly text: string | undefined, readonly expiresAt: number | undefined }} Stored
 */

/** Stored value that was read. It has a constructor because many are cached at a time: see `WriteOperation`. */
class StoredValue {
	/**
	 * @param {string | undefined} text
	 * @param {number | undefined} expiresAt
	 */
	constructor(text, expiresAt) {
		this.text = text;
		this.expiresAt = expiresAt;
	}
}

/**
 * Entry to store, checked: the value as JSON text, the expiry in milliseconds since 1970 UTC.
 *
 * @typedef {{ community: string | undefined, key: string, text: string, expiresAt: number | undefined }} Entry
 */

/**
 * The text of a value, `undefined` if there is none or it has expired.
 *
 * @param {Stored} stored
 * @param {number} now milliseconds since 1970 UTC
 */
function liveText({ text, expiresAt }, now) {
	return expiresAt !== undefined && expiresAt <= now ? undefined : text;
}

/**
 * An expiry as the engine reads it: another program may have stored a fraction, or a time beyond that of a `Date`.
 *
 * @param {number} expiresAt milliseconds since 1970 UTC
 */
function expiryOf(expiresAt) {
	return Math.min(Math.ceil(expiresAt), TIME_MS_MAX);
}

module.exports = { StoredValue, expiryOf, liveText };
