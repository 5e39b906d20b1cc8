"use strict";

const assert = require("node:assert/strict");
const { mkdirSync, rmSync } = require("node:fs");
const path = require("node:path");

const { join } = path;
const IS_WINDOWS = process.platform === "win32";

/** Writes, backs up, loses the file and reads it again; counts on from `before`. */
async function lives({ openDataStore }, filename, lost = filename, before = 0) {
	for (const value of [before + 1, before + 2]) {
		const store = openDataStore({ filename, backup: { quiet: true } });
		assert.equal(await store.appData.update("n", (n) => n + 1, 0), value);
		await store.backups.create();
		await store.close();
		rmSync(lost);
	}
}

module.exports = {
	async "names with spaces, signs and letters of others"(context) {
		const place = join(context.folder(), "my bots, 100% & #1 \u00fc\u4e16");
		mkdirSync(place);
		await lives(context, join(place, "bot's data [1] \u{1f33f}.sqlite3"));
	},

	async "long paths"(context) {
		// Beyond the 260 characters that Windows takes without more.
		const place = join(context.folder(), ...Array(6).fill("x".repeat(40)));
		mkdirSync(place, { recursive: true });
		await lives(context, join(place, "bot.sqlite3"));
	},

	async "paths of Windows: slashes, another case, of the current drive, and \\\\?\\"(context) {
		if (!IS_WINDOWS) return "only Windows has them";
		const place = context.folder();
		const filename = join(place, "bot.sqlite3");
		const names = [
			filename.replaceAll("\\", "/"),
			filename.toUpperCase(),
			filename.slice(2),
			path.toNamespacedPath(filename),
		];
		// By whatever name: the backups are the file's.
		for (const [index, name] of names.entries()) await lives(context, name, filename, 2 * index);
		// The same file by two names: one engine, so that neither locks the other out.
		const stores = [filename, ...names].map((name) => context.openDataStore({ filename: name, backup: false }));
		await Promise.all(stores.map((store) => store.appData.update("same", (n) => n + 1, 0)));
		assert.equal(await stores[0].appData.get("same"), stores.length);
		await Promise.all(stores.map((store) => store.close()));
	},

	async "names that Windows has reserved are refused there"({ openDataStore, folder }) {
		const place = folder();
		for (const name of ["nul.sqlite3", "COM1.db", "aux", "what?.sqlite3", "bot.sqlite3."]) {
			const open = () => openDataStore({ filename: join(place, name), backup: false });
			if (IS_WINDOWS) assert.throws(open, { code: "ERR_INVALID_ARGUMENT", argument: "options.filename" });
			else await open().close();
		}
	},
};
