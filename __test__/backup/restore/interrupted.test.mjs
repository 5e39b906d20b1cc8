// A restore at opening that is interrupted between any two of its steps.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runModule, startModule } from "../../helpers/child.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { lose, openBackedUp as open } from "../backups.mjs";

/** Steps of `src/backup/opening.rs`, in their order. */
const STEPS = ["set aside", "set aside-wal", "set aside-shm", "forgotten", "in its place"];

const OPEN = `
	const store = openDataStore({ filename: process.argv[1], backup: { quiet: true } });
	console.log(await store.appData.get("k"));`;

/** A file that holds 1, and a damaged log in which 2 was, which is backed up. */
async function damaged(file) {
	const store = open(file);
	await store.appData.set({ key: "k", value: 1 });
	await store.close();
	const source = `
		const store = openDataStore({ filename: process.argv[1], backup: { intervalMs: 100_000 } });
		// A reader keeps what comes behind it in the log.
		const many = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) SELECT n FROM c";
		globalThis.rows = store.sqlite.iterate(many + ", __rootapp_kv")[Symbol.asyncIterator]();
		await rows.next();
		await store.appData.set({ key: "k", value: 2 });
		await store.backups.create();
		console.log("ready");
		// Killed, and not at its end, at which it would empty the log.
		setInterval(() => {}, 1000);`;
	const child = startModule(source, { args: [file] });
	await child.line("ready");
	child.kill("SIGKILL");
	await child.ended;
	const log = readFileSync(`${file}-wal`);
	expect(log.length).toBeGreaterThan(32 + 24 + 100);
	log[32 + 24 + 100] ^= 1;
	writeFileSync(`${file}-wal`, log);
}

test.each(STEPS)("after %j it is done again, and the state is the newest", async (step) => {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	await damaged(file);
	const { signal } = await runModule(OPEN, { args: [file], env: { ROOTCELLAR_TEST_CRASH_AT: step } });
	expect(signal).toBe("SIGABRT");
	expect(existsSync(file)).toBe(step === STEPS.at(-1));
	const store = open(file);
	expect(await store.appData.get("k")).toBe(2);
	await store.appData.set({ key: "k", value: 3 });
	await store.close();
	// Everything that was there is there still, and nothing else is left.
	const names = readdirSync(directory);
	expect(names.filter((name) => /\.damaged-\d+$/.test(name))).toHaveLength(1);
	expect(names.filter((name) => /-wal$/.test(name))).toHaveLength(1);
	expect(names.filter((name) => /restoring|tmp/.test(name))).toEqual([]);
	lose(file);
	expect(await open(file).appData.get("k")).toBe(3);
});
