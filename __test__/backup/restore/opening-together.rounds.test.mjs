// A file that has to be restored is opened by several at the same moment, or by one that is killed at it.

import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { raw } from "../../helpers/raw.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { lose } from "../backups.mjs";

const PROCESSES = 4;

/** Number of processes that are killed while they open a file. */
const ROUNDS = rounds({ few: 4, many: 12, long: 60 });

/** Several of these make a file of some megabytes. */
const VALUE = "x".repeat(4000);

/** Opens the store when it is told to, and says what it found, and how it was restored. */
const OPENER = `
	const filename = process.argv[1];
	const store = openDataStore({ filename, backup: { intervalMs: 50, quiet: true } });
	const restored = [];
	store.backups.on("restore", (restore) => restored.push(restore));
	console.log("waiting");
	process.stdin.once("data", async () => {
		const keys = (await store.appData.select("key %")).length;
		await store.appData.set({ key: "by " + process.pid, value: 1 });
		console.log(JSON.stringify({ keys, restored }));
		process.stdin.once("data", () => store.close().then(() => process.exit(0)));
	});`;

/** A machine with backups of a store of so many keys, which is closed. */
async function machine(keys) {
	const filename = join(temporaryDirectory(), "bot.sqlite3");
	const store = openDataStore({ filename, backup: { intervalMs: 50, quiet: true } });
	const entries = Array.from({ length: keys }, (_, number) => ({ key: `key ${number}`, value: VALUE }));
	await store.appData.set(entries);
	await store.close();
	return filename;
}

/** Files beside a database that have no place there while nobody has it open. */
function leftovers(filename) {
	const expected = ["", ".backup", ".backup-state"].map((suffix) => basename(filename) + suffix);
	return readdirSync(dirname(filename)).filter((name) => !expected.includes(name));
}

/** Opens the store in several processes at once; returns what each found. */
async function openTogether(filename) {
	const openers = Array.from({ length: PROCESSES }, () => startModule(OPENER, { args: [filename] }));
	await Promise.all(openers.map((opener) => opener.line("waiting")));
	for (const opener of openers) opener.write("open\n");
	await Promise.all(openers.map((opener) => opener.lineCount(2)));
	// One after another: of two that close at the same moment, each may leave the log's files to the other.
	for (const opener of openers) {
		opener.write("close\n");
		expect(await opener.ended).toMatchObject({ code: 0, stderr: "" });
	}
	return openers.map(({ lines }) => JSON.parse(lines[1]));
}

describe("several processes", { timeout: 300_000 }, () => {
	test("that open a lost file at once restore it once, and all have everything", async () => {
		const filename = await machine(500);
		for (let round = 0; round < rounds({ few: 1, many: 3 }); round++) {
			lose(filename);
			const found = await openTogether(filename);
			expect(found.map(({ keys }) => keys)).toEqual(Array(PROCESSES).fill(500));
			expect(found.flatMap(({ restored }) => restored)).toHaveLength(1);
			expect(leftovers(filename)).toEqual([]);
			const [{ n }] = await raw(filename, "SELECT count(*) AS n FROM __rootapp_kv WHERE key LIKE 'by %'");
			expect(n).toBe((round + 1) * PROCESSES);
		}
	});

	test("that open a damaged file at once set it aside once", async () => {
		const filename = await machine(500);
		writeFileSync(filename, "no database");
		const found = await openTogether(filename);
		expect(found.map(({ keys }) => keys)).toEqual(Array(PROCESSES).fill(500));
		const restored = found.flatMap((each) => each.restored);
		expect(restored).toHaveLength(1);
		expect(leftovers(filename)).toEqual([basename(restored[0].setAside)]);
	});
});

test("stores of one process that open a lost file at once restore it once", async () => {
	const filename = await machine(100);
	lose(filename);
	const restored = [];
	const stores = Array.from({ length: PROCESSES }, () => {
		const store = openDataStore({ filename, backup: { intervalMs: 50, quiet: true } });
		store.backups.on("restore", (restore) => restored.push(restore));
		return store;
	});
	const found = await Promise.all(stores.map((store) => store.appData.select("key %")));
	expect(found.map((rows) => rows.length)).toEqual(Array(PROCESSES).fill(100));
	expect(restored).toHaveLength(1);
	await Promise.all(stores.map((store) => store.close()));
	expect(leftovers(filename)).toEqual([]);
});

test("a file that was removed while a process has it open is not begun anew by another", async () => {
	const filename = await machine(100);
	const holder = startModule(OPENER, { args: [filename] });
	await holder.line("waiting");
	holder.write("open\n");
	await holder.lineCount(2);
	for (const suffix of ["", "-wal", "-shm"]) rmSync(filename + suffix, { force: true });
	const early = openDataStore({ filename, backup: { intervalMs: 50, quiet: true } });
	await expect(early.appData.get("key 1")).rejects.toMatchObject({ code: "ERR_FILE_IN_USE" });
	await early.close();
	expect(leftovers(filename)).toEqual([]);
	holder.kill("SIGKILL");
	await holder.ended;
	const store = openDataStore({ filename, backup: { intervalMs: 50, quiet: true } });
	expect(await store.appData.select("key %")).toHaveLength(100);
	await store.close();
});

test("what is killed while it restores leaves nothing that is believed", { timeout: 300_000 }, async () => {
	const keys = 800;
	const filename = await machine(keys);
	const start = async () => {
		const opener = startModule(OPENER, { args: [filename] });
		await opener.line("waiting");
		opener.write("open\n");
		return opener;
	};
	lose(filename);
	const whole = await start();
	const since = performance.now();
	await whole.lineCount(2);
	let tookMs = performance.now() - since;
	whole.kill("SIGKILL");
	await whole.ended;
	let killedBefore = 0;
	// More often if most were done before: then it took longer at first than it does now.
	for (let round = 0; round < ROUNDS || (killedBefore <= ROUNDS / 3 && round < 5 * ROUNDS); round++) {
		const damaged = round % 2 === 1;
		lose(filename);
		if (damaged) writeFileSync(filename, "no database");
		const opener = await start();
		await sleep(((round % ROUNDS) / ROUNDS) * tookMs);
		opener.kill("SIGKILL");
		await opener.ended;
		if (opener.lines.length < 2) killedBefore++;
		else tookMs *= 0.8;

		const store = openDataStore({ filename, backup: { intervalMs: 50, quiet: true } });
		expect(await store.appData.select("key %"), `round ${round}`).toHaveLength(keys);
		await store.close();
		const left = leftovers(filename);
		const aside = left.filter((name) => name.includes(".damaged-"));
		expect(left, `round ${round}`).toEqual(aside);
		expect(aside.length, `round ${round}`).toBe(damaged ? 1 : 0);
		for (const name of aside) rmSync(join(dirname(filename), name));
		expect(await raw(filename, "PRAGMA integrity_check"), `round ${round}`).toEqual([{ integrity_check: "ok" }]);
	}
	expect(killedBefore).toBeGreaterThan(ROUNDS / 3);
});
