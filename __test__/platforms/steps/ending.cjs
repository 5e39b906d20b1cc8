"use strict";

const assert = require("node:assert/strict");
const { copyFileSync, existsSync, statSync } = require("node:fs");
const { join } = require("node:path");

/** The number of keys in the file alone, as who copies it by its name finds it. */
async function keysAlone({ openDataStore, folder }, filename) {
	const copy = join(folder(), "copy.sqlite3");
	copyFileSync(filename, copy);
	const store = openDataStore({ filename: copy, backup: false });
	const count = await store.kv.count();
	await store.close();
	return count;
}

const logBytes = (filename) => (existsSync(`${filename}-wal`) ? statSync(`${filename}-wal`).size : 0);

/** Ends a process in a way, and looks at what it leaves. */
async function ends(context, way, code) {
	const filename = join(context.folder(), "bot.sqlite3");
	const ended = await context.run("write.cjs", [filename, way]);
	assert.equal(ended.code, code, ended.stderr);
	assert.equal(logBytes(filename), 0);
	assert.equal(await keysAlone(context, filename), 21);
}

/** Ends a process by a signal, and looks at what it leaves. */
async function endsBySignal(context, signal, way, wanted, keys) {
	const filename = join(context.folder(), "bot.sqlite3");
	const { child, ended, printed } = context.start("write.cjs", [filename, way]);
	await printed("written");
	child.kill(signal);
	const { code, signal: by, stderr } = await ended;
	assert.deepEqual({ code, signal: by, stderr }, { ...wanted, stderr: "" });
	assert.equal(logBytes(filename), 0);
	assert.equal(await keysAlone(context, filename), keys);
	const store = context.openDataStore({ filename });
	assert.equal((await store.backups.verify()).isComplete, true);
	await store.close();
}

module.exports = {
	"process.exit() right after a write": (context) => ends(context, "exit", 3),
	"the end of all work": (context) => ends(context, "end", 0),
	"an error that nobody catches": (context) => ends(context, "throw", 1),

	async "signals: SIGTERM, SIGINT, SIGHUP, and a handler of the bot's"(context) {
		// On Windows a process that is told to end is ended at once.
		if (process.platform === "win32") return "Windows has no signals";
		for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
			await endsBySignal(context, signal, "stay", { code: null, signal }, 20);
		}
		await endsBySignal(context, "SIGTERM", "handle", { code: 5, signal: null }, 21);
	},
};
