"use strict";

const { checkCommunity, checkExpiry, checkKey, checkSize, readArray } = require("../../base/arguments.js");
const { invalidArgument, rejecter } = require("../../base/errors.js");
const { kindOf } = require("../../base/json.js");
const { expiryOf } = require("../../base/key-entry.js");
const { readOptions } = require("../../base/kv-arguments.js");
const { IDLE_LIMIT_MS, RESTORED_KEYS_MAX, UPDATE_KEYS_MAX } = require("../../base/limits.js");
const { keysAt } = require("../../native/destination.js");
const { LEASE_IMMEDIATE } = require("../../native/protocol.js");
const { Change } = require("../../queue/change.js");
const { abortError, cancellable } = require("../cancellation.js");
const { withLease } = require("../lease.js");
const { createSqlite } = require("../sqlite.js");
const { checkMoment, toMoment } = require("./moment.js");

/**
 * @typedef {import("../../base/key-entry.js").Address} Address
 * @typedef {import("../../..").RestoredEntry} RestoredEntry
 * @typedef {InstanceType<typeof Change>} KeyChange
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 */

/**
 * Wanted state of a key: without a text, it is to be gone.
 *
 * @typedef {Address & { text: string | undefined, expiresAt: number | undefined }} Wanted
 */

const OPTIONS = ["at", "keys", "entries", "signal"];
const ADDRESS = ["key", "community"];
const ENTRY = [...ADDRESS, "json", "expiresAt"];

/** The rows of some keys, the oldest first: the newest has the value. */
const ROWS = `
SELECT key, CAST(value AS TEXT) AS text,
	iif(typeof(expires_at) IN ('integer', 'real'), CAST(expires_at AS REAL), NULL) AS expiresAt
FROM __rootapp_kv
WHERE community_id IS :community AND key IN (SELECT value FROM json_each(:keys)) ORDER BY rowid`;

/**
 * @param {unknown} given
 * @param {string} argument
 * @returns {Address}
 */
function checkAddress(given, argument) {
	if (typeof given === "string" || typeof given === "number") {
		return { key: checkKey(given, argument), community: undefined };
	}
	if (typeof given !== "object" || given === null) {
		throw invalidArgument(argument, `must be a key, or { key, community }, not ${kindOf(given)}`);
	}
	const { key, community } = readOptions(given, argument, ADDRESS);
	return { key: checkKey(key, `${argument}.key`), community: checkCommunity(community, `${argument}.community`) };
}

/**
 * @param {unknown} given
 * @param {string} argument
 * @returns {Wanted}
 */
function checkEntry(given, argument) {
	const { json, expiresAt, ...address } = readOptions(given, argument, ENTRY);
	const { key, community } = checkAddress(address, argument);
	const expiry = checkExpiry(expiresAt, `${argument}.expiresAt`);
	if (json !== undefined) {
		checkJson(json, `${argument}.json`);
		checkSize(key, json, argument);
	}
	return { key, community, text: json, expiresAt: json === undefined ? undefined : expiry };
}

/**
 * @param {unknown} json
 * @param {string} argument
 * @returns {asserts json is string}
 */
function checkJson(json, argument) {
	if (typeof json !== "string") {
		throw invalidArgument(argument, `must be JSON text, not ${kindOf(json)}`);
	}
	if (!json.isWellFormed()) {
		throw invalidArgument(
			argument,
			"must not have half of a surrogate pair, which cannot be stored unless it is escaped",
		);
	}
	try {
		JSON.parse(json);
	} catch {
		// The parser's message shows a part of the value.
		throw invalidArgument(argument, "must be JSON text, and cannot be parsed");
	}
}

/**
 * @template T
 * @param {unknown} given
 * @param {string} argument
 * @param {(item: unknown, argument: string) => T} check
 * @returns {T[]}
 */
function checkItems(given, argument, check) {
	const list = readArray(given, argument);
	if (list === undefined) {
		throw invalidArgument(argument, `must be an array, not ${kindOf(given)}`);
	}
	if (list.length > RESTORED_KEYS_MAX) {
		throw invalidArgument(argument, `must be ${RESTORED_KEYS_MAX} at most, not ${list.length}`);
	}
	return list.map((item, index) => check(item, `${argument}[${index}]`));
}

/** @param {unknown} given */
function checkRestoreKeys(given) {
	const { at, keys, entries, signal } = readOptions(given, "options", OPTIONS);
	if (entries !== undefined) {
		const other = at !== undefined ? "at" : keys !== undefined ? "keys" : undefined;
		if (other !== undefined) {
			throw invalidArgument(`options.${other}`, "must be left out where `entries` is given");
		}
		return { entries: checkItems(entries, "options.entries", checkEntry), signal };
	}
	return { target: checkMoment(at, "options.at"), keys: checkItems(keys, "options.keys", checkAddress), signal };
}

/**
 * Makes some keys what they were at a moment, or what entries say, in one transaction.
 *
 * @param {OperationQueue} queue
 * @param {() => { destination: import("../../native/destination.js").Destination, folders: string[] }} locate
 * @param {unknown} given
 * @returns {Promise<import("../../..").RestoredKeys>}
 */
async function restoreKeys(queue, locate, given) {
	const { target, keys = [], entries, signal } = checkRestoreKeys(given);
	queue.checkWrite();
	queue.checkWritable();
	return cancellable({ signal }, async (cancel) => {
		if (target === undefined) {
			return { at: undefined, ...(await putBack(queue, entries ?? [], signal)) };
		}
		const { destination, folders } = locate();
		const { moment, held } = await keysAt(destination, target, folders, keys, cancel);
		return { at: toMoment(moment), ...(await putBack(queue, held, signal)) };
	});
}

/**
 * @param {OperationQueue} queue
 * @param {Wanted[]} given the last of a key counts
 * @param {any} signal checked
 */
async function putBack(queue, given, signal) {
	const wanted = [...new Map(given.map((entry) => [nameOf(entry), entry])).values()];
	const lease = { kind: LEASE_IMMEDIATE, idleLimitMs: IDLE_LIMIT_MS, cancel: undefined, isScoped: true };
	return withLease(queue, lease, async (inner) => {
		// Aborted while it waited for its turn.
		if (signal?.aborted) throw abortError(signal);
		const now = Date.now();
		const present = await readPresent(inner, wanted, now);
		/** @type {Wanted[]} */
		const before = [];
		/** @type {KeyChange[]} */
		const sets = [];
		/** @type {KeyChange[]} */
		const deletes = [];
		for (const entry of wanted) {
			const { key, community } = entry;
			const expiresAt = entry.expiresAt === undefined ? undefined : expiryOf(entry.expiresAt);
			const text = expiresAt !== undefined && expiresAt <= now ? undefined : entry.text;
			const is = present.get(nameOf(entry));
			if (is?.text === text && (text === undefined || is?.expiresAt === expiresAt)) continue;
			before.push({ key, community, text: is?.text, expiresAt: is?.expiresAt });
			if (text === undefined) deletes.push(new Change(community, key, undefined, undefined));
			else sets.push(new Change(community, key, text, expiresAt));
		}
		/** @type {Promise<void>[]} */
		const writes = [];
		for (let first = 0; first < sets.length; first += UPDATE_KEYS_MAX) {
			writes.push(write(inner, "set", sets.slice(first, first + UPDATE_KEYS_MAX)));
		}
		await Promise.all([...writes, ...deletes.map((change) => write(inner, "delete", [change]))]);
		return {
			set: sets.length,
			deleted: deletes.length,
			unchanged: wanted.length - before.length,
			undo: { entries: before.map(toEntry) },
		};
	});
}

/**
 * @param {OperationQueue} queue
 * @param {"set" | "delete"} kind
 * @param {KeyChange[]} changes
 * @returns {Promise<void>}
 */
function write(queue, kind, changes) {
	return new Promise((resolve, reject) => {
		const operation = /** @type {any} */ ({ kind, changes, resolve, reject: rejecter(resolve, reject) });
		queue.write(operation);
	});
}

/**
 * Values that some keys hold, with their expiries.
 *
 * @param {OperationQueue} queue that of the transaction
 * @param {Address[]} addresses
 * @param {number} now
 */
async function readPresent(queue, addresses, now) {
	const sqlite = createSqlite(queue);
	/** @type {Map<string | undefined, string[]>} */
	const byCommunity = new Map();
	for (const { key, community } of addresses) {
		const keys = byCommunity.get(community);
		if (keys) keys.push(key);
		else byCommunity.set(community, [key]);
	}
	/** @type {Map<string, { text: string, expiresAt: number | undefined }>} */
	const present = new Map();
	for (const [community, keys] of byCommunity) {
		for (let first = 0; first < keys.length; first += UPDATE_KEYS_MAX) {
			const some = JSON.stringify(keys.slice(first, first + UPDATE_KEYS_MAX));
			for (const { key, text, expiresAt } of await sqlite.all(ROWS, { community: community ?? null, keys: some })) {
				const expiry = expiresAt === null ? undefined : expiryOf(expiresAt);
				const name = nameOf({ key, community });
				if (expiry !== undefined && expiry <= now) present.delete(name);
				else present.set(name, { text, expiresAt: expiry });
			}
		}
	}
	return present;
}

/** @param {Address} address */
function nameOf({ key, community }) {
	return JSON.stringify([community, key]);
}

/**
 * @param {Wanted} wanted
 * @returns {RestoredEntry}
 */
function toEntry({ key, community, text, expiresAt }) {
	/** @type {{ key: string, community?: string, json?: string, expiresAt?: number }} */
	const entry = { key };
	if (community !== undefined) entry.community = community;
	if (text !== undefined) entry.json = text;
	if (expiresAt !== undefined) entry.expiresAt = expiresAt;
	return entry;
}

module.exports = { restoreKeys };
