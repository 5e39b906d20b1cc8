"use strict";

const { invalidArgument } = require("../base/errors.js");
const { POSTGRES_COMMUNITY_BYTES_MAX, POSTGRES_KEY_BYTES_MAX } = require("../base/limits.js");

/** Bytes of UTF-8 that a UTF-16 unit takes at most. */
const UNIT_BYTES_MAX = 3;

/**
 * Refuses keys that PostgreSQL cannot hold.
 *
 * @param {readonly import("../base/key-entry.js").Address[]} addresses
 * @param {(index: number) => string} argument names the argument that has the key
 */
function checkRemoteKeys(addresses, argument) {
	let checked;
	for (const [index, { community, key }] of addresses.entries()) {
		checkText(key, POSTGRES_KEY_BYTES_MAX, () => argument(index));
		if (community !== undefined && community !== checked) {
			checkText(community, POSTGRES_COMMUNITY_BYTES_MAX, () => "communityId");
			checked = community;
		}
	}
}

/**
 * @param {string} text
 * @param {number} bytesMax
 * @param {() => string} argument
 */
function checkText(text, bytesMax, argument) {
	if (text.includes("\0")) {
		throw invalidArgument(argument(), "must have no NUL, which PostgreSQL does not store");
	}
	if (text.length * UNIT_BYTES_MAX > bytesMax && Buffer.byteLength(text) > bytesMax) {
		throw invalidArgument(argument(), `must have at most ${bytesMax} bytes of UTF-8 on PostgreSQL`);
	}
}

/**
 * Refuses a write of keys that PostgreSQL cannot hold.
 *
 * @param {import("./writes.js").Write} write
 */
function checkRemoteWrite({ kind, changes }) {
	checkRemoteKeys(changes, (index) => {
		switch (kind) {
			case "set":
				return changes.length === 1 ? "values.key" : `values[${index}].key`;
			case "updateMany":
				return `keys[${index}]`;
			case "setIfAbsent":
				return "entry.key";
			default:
				return "key";
		}
	});
}

module.exports = { checkRemoteKeys, checkRemoteWrite };
