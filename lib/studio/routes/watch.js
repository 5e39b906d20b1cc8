"use strict";

const { setTimeout: sleep } = require("node:timers/promises");
const { communityOf, listOf, textOf } = require("../values/input.js");
const { ALIVE_INTERVAL_MS, LONG_ROUTE_MS, LOOK_INTERVAL_MS, WATCH_KEYS_MAX } = require("../limits.js");
const { rowsOf } = require("./keys.js");

/**
 * @typedef {import("./route").Route} Route
 */

/** A day: the page asks again if it is open for longer. */
const WATCH_MS = 24 * LONG_ROUTE_MS;

/**
 * Tells the page of changes of the keys that it shows, with their rows, and which version the file has. The page compares
 * that with the version of what it has read: so it knows of what was written between its reading and the beginning of this.
 *
 * @type {Record<string, Route>}
 */
const WATCH_ROUTES = {
	watch: {
		limitMs: WATCH_MS,
		stream: async (session, input, signal, lines) => {
			const community = communityOf(input);
			const keys = listOf(input, "keys", WATCH_KEYS_MAX).map((_, at, all) => textOf(all, String(at)));
			const ending = session.ending();
			const over = new AbortController();
			const ended = AbortSignal.any([signal, ending.signal, over.signal]);
			try {
				const changes = keys.length === 0 ? undefined : await begun(session, community, keys, ended);
				const version = session.version();
				await lines.write({ watching: version });
				await Promise.all([
					look(session, version, lines, ended),
					changes && follow(session, community, keys, changes, lines),
				]);
			} catch (error) {
				if (!ended.aborted) throw error;
			} finally {
				// Where one of them has failed, the others end, too.
				over.abort();
				ending.forget();
			}
		},
	},
};

/**
 * Begins to watch keys. What is committed after this has resolved is told.
 *
 * @param {import("./route").Session} session
 * @param {string | null} community
 * @param {string[]} keys
 * @param {AbortSignal} signal
 */
async function begun(session, community, keys, signal) {
	const { kv, sqlite } = session.store;
	const changes = kv.community(community ?? undefined).watch({ keys, signal });
	// A read is answered after what was issued before it has begun.
	await sqlite.get("SELECT 1");
	return changes;
}

/**
 * Looks whether somebody has written to the file. It asks the file system, and reads nothing.
 *
 * @param {import("./route").Session} session
 * @param {string} version
 * @param {import("./route").Lines} lines
 * @param {AbortSignal} signal
 */
async function look(session, version, lines, signal) {
	let toldAt = Date.now();
	while (!signal.aborted) {
		await sleep(LOOK_INTERVAL_MS, undefined, { signal });
		const now = session.version();
		const isAlive = Date.now() - toldAt < ALIVE_INTERVAL_MS;
		if (now === version && isAlive) continue;
		await lines.write(now === version ? { alive: true } : { changed: now });
		version = now;
		toldAt = Date.now();
	}
}

/**
 * @param {import("./route").Session} session
 * @param {string | null} community
 * @param {string[]} keys
 * @param {AsyncIterable<import("../../..").Change<any>[]>} watched
 * @param {import("./route").Lines} lines
 */
async function follow(session, community, keys, watched, lines) {
	for await (const changes of watched) {
		const changed = changes.some((change) => "resync" in change)
			? keys
			: changes.map((change) => /** @type {{ key: string }} */ (change).key);
		const rows = await rowsOf(session.store, community, changed);
		const found = new Set(rows.map(({ key }) => key));
		await lines.write({ rows, gone: changed.filter((key) => !found.has(key)) });
	}
}

module.exports = { WATCH_ROUTES };
