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
 * Tells the page of changes of the keys that it shows, with their rows, and that the file has changed in some way.
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
			const ended = AbortSignal.any([signal, ending.signal]);
			await lines.write({ watching: true });
			try {
				await Promise.all([
					look(session, lines, ended),
					keys.length === 0 ? undefined : follow(session, community, keys, lines, ended),
				]);
			} catch (error) {
				if (!ended.aborted) throw error;
			} finally {
				ending.forget();
			}
		},
	},
};

/**
 * Looks whether somebody has written to the file. It asks the file system, and reads nothing.
 *
 * @param {import("./route").Session} session
 * @param {import("./route").Lines} lines
 * @param {AbortSignal} signal
 */
async function look(session, lines, signal) {
	let version = session.version();
	let toldAt = Date.now();
	while (!signal.aborted) {
		await sleep(LOOK_INTERVAL_MS, undefined, { signal });
		const now = session.version();
		const isAlive = Date.now() - toldAt < ALIVE_INTERVAL_MS;
		if (now === version && isAlive) continue;
		await lines.write(now === version ? { alive: true } : { changed: true });
		version = now;
		toldAt = Date.now();
	}
}

/**
 * @param {import("./route").Session} session
 * @param {string | null} community
 * @param {string[]} keys
 * @param {import("./route").Lines} lines
 * @param {AbortSignal} signal
 */
async function follow(session, community, keys, lines, signal) {
	const kv = session.store.kv.community(community ?? undefined);
	for await (const changes of kv.watch({ keys, signal })) {
		const changed = changes.some((change) => "resync" in change)
			? keys
			: changes.map((change) => /** @type {{ key: string }} */ (change).key);
		const rows = await rowsOf(session.store, community, changed, signal);
		const found = new Set(rows.map(({ key }) => key));
		await lines.write({ rows, gone: changed.filter((key) => !found.has(key)) });
	}
}

module.exports = { WATCH_ROUTES };
