"use strict";

const assert = require("node:assert/strict");
const { existsSync, rmSync, statSync } = require("node:fs");
const { join } = require("node:path");

/** What `console.c` takes: a press of Ctrl+C, and the events that the system calls handlers with (wincon.h). */
const EVENTS = { pressed: "^", interrupt: "0", break: "1", close: "2", logoff: "5", shutdown: "6" };

/** What Node makes of them. */
const SIGNALS = { pressed: "SIGINT", interrupt: "SIGINT", break: "SIGBREAK", close: "SIGHUP" };

/** Much less than the last backup of `at-console.cjs` may take by itself, and enough for a slow emulator. */
const CLOSING_MS = 30_000;

const onlyOnWindows = (step) => (context) =>
	process.platform === "win32" ? step(context) : "only Windows has events of the console";

/** Ends a bot by an event; what it ends with, and what its files have afterwards. */
async function endBy(context, event, way) {
	const filename = join(context.folder(), "bot.sqlite3");
	const { child, ended, printed } = context.startAtConsole("at-console.cjs", [filename, way]);
	await printed("ready");
	const since = performance.now();
	child.stdin.write(EVENTS[event]);
	const { code, stderr } = await ended;
	assert.equal(stderr, "", `${event} ${way}`);
	const log = `${filename}-wal`;
	return { code, filename, tookMs: performance.now() - since, logBytes: existsSync(log) ? statSync(log).size : 0 };
}

/** The keys on a new machine, which has nothing but the backups. */
async function restored({ openDataStore }, filename) {
	for (const suffix of ["", "-wal", "-shm", ".backup-state"]) {
		rmSync(filename + suffix, { recursive: true, force: true });
	}
	const store = openDataStore({ filename, backup: { quiet: true } });
	const keys = await store.appData.select("%");
	await store.close();
	return Object.fromEntries(keys.map(({ key, value }) => [key, value]));
}

/** The status of a process that has no store open. */
async function statusWithout(context, event) {
	const { code, filename } = await endBy(context, event, "closed");
	assert.deepEqual(await restored(context, filename), { k: 2 });
	return code;
}

/** Ends bots by events that nobody handles: they end as without a store, and with everything in the backup. */
async function endsUnhandled(context, events, ways) {
	for (const event of events) {
		const status = await statusWithout(context, event);
		for (const way of ways) {
			const { code, filename, logBytes } = await endBy(context, event, way);
			const keys = await restored(context, filename);
			assert.deepEqual({ event, way, code, logBytes, keys }, { event, way, code: status, logBytes: 0, keys: { k: 2 } });
		}
	}
}

/** Ends bots by events that they handle. */
async function endsHandled(context, events, ways) {
	for (const event of events) {
		for (const way of ways) {
			const { code, filename } = await endBy(context, event, way);
			const keys = await restored(context, filename);
			assert.deepEqual({ event, way, code, keys }, { event, way, code: 5, keys: { k: 2, late: SIGNALS[event] } });
		}
	}
}

module.exports = {
	"Ctrl+C, Ctrl+Break and closing the console": onlyOnWindows(async (context) => {
		await endsUnhandled(context, ["pressed", "interrupt", "break", "close"], ["stay"]);
		await endsUnhandled(context, ["pressed"], ["busy", "amid", "unlistening"]);
	}),

	"the bot's own handlers of Ctrl+C, Ctrl+Break and closing the console": onlyOnWindows((context) =>
		endsHandled(context, ["pressed", "break", "close"], ["listening"]),
	),

	"Ctrl+C, Ctrl+Break and closing the console, with stores in worker threads alone": onlyOnWindows(async (context) => {
		await endsUnhandled(context, ["pressed", "break", "close"], ["worker"]);
		await endsHandled(context, ["pressed", "break", "close"], ["workerListening"]);
	}),

	"logging off and shutting down": onlyOnWindows((context) => endsUnhandled(context, ["logoff", "shutdown"], ["stay"])),

	"a closed console, and a destination that does not answer": onlyOnWindows(async (context) => {
		const { tookMs, logBytes } = await endBy(context, "close", "cut");
		assert.ok(tookMs < CLOSING_MS, `${tookMs} ms`);
		assert.equal(logBytes, 0);
	}),
};
