"use strict";

const { invalidArgument } = require("../base/errors.js");
const { POSTGRES_COMMUNITY_BYTES_MAX, POSTGRES_KEY_BYTES_MAX } = require("../base/limits.js");

/** Bytes of UTF-8 that a UTF-16 unit takes at most. */
const UNIT_BYTES_MAX = 3;

/** Argument of `kv.community` that names the scope of what is asked of it. */
const KV_COMMUNITY = "id";

/** Writes of `kv`. */
const KV_KINDS = new Set(["increment", "setIfAbsent", "expire", "getAndDelete", "deleteRange", "updateMany"]);

/**
 * Refuses keys that PostgreSQL cannot hold.
 *
 * @param {readonly import("../base/key-entry.js").Address[]} addresses
 * @param {(index: number) => string} argument names the argument that has the key
 * @param {(index: number) => string} communityArgument names the argument that has its community
 */
function checkRemoteKeys(addresses, argument, communityArgument) {
	let checked;
	for (const [index, { community, key }] of addresses.entries()) {
		checkText(key, POSTGRES_KEY_BYTES_MAX, () => argument(index));
		if (community !== checked) {
			checkRemoteCommunity(community, () => communityArgument(index));
			checked = community;
		}
	}
}

/**
 * Refuses a community that no row on PostgreSQL can have.
 *
 * @param {string | undefined} community
 * @param {() => string} argument names the argument that has it
 */
function checkRemoteCommunity(community, argument) {
	if (community !== undefined) {
		checkText(community, POSTGRES_COMMUNITY_BYTES_MAX, argument);
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
 * Refuses a write of keys that PostgreSQL cannot hold. The bounds of a range and patterns are none: they may be anything.
 *
 * @param {import("./writes.js").Write} write
 */
function checkRemoteWrite(write) {
	const { kind, changes } = write;
	const community = KV_KINDS.has(kind) ? KV_COMMUNITY : "communityId";
	if (kind === "deleteLike" || kind === "deleteRange") {
		checkRemoteCommunity(write.community, () => community);
	} else if (kind === "set") {
		const nameOf = (/** @type {number} */ index) => (changes.length === 1 ? "values" : `values[${index}]`);
		checkRemoteKeys(
			changes,
			(index) => `${nameOf(index)}.key`,
			(index) => `${nameOf(index)}.communityId`,
		);
	} else {
		checkRemoteKeys(
			changes,
			(index) => ({ updateMany: `keys[${index}]`, setIfAbsent: "entry.key" })[String(kind)] ?? "key",
			() => community,
		);
	}
}

module.exports = { KV_COMMUNITY, checkRemoteCommunity, checkRemoteKeys, checkRemoteWrite };
