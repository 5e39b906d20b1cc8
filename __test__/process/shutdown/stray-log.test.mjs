// A file that is put in the place of one whose process was killed: what is in the log of the killed one is not written into it,
// and nothing of either is lost.

import {
	copyFileSync,
	cpSync,
	existsSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { openDataStore } from "rootcellar";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { raw, SDK_SCHEMA } from "../../helpers/raw.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";

/** The store that a process is killed with: keys `prefix:0` and so on, which are acknowledged before it is. */
async function killed(filename, prefix, count, { backup = "false", isEmptied = false, before = "" } = {}) {
	const child = startModule(
		`const store = openDataStore({ filename: process.argv[1], backup: ${backup} });
		${before}
		for (let n = 0; n < ${count}; n++) await store.appData.set({ key: "${prefix}:" + n, value: n });
		console.log("written");
		setInterval(() => {}, 1000);`,
		{ args: [filename] },
	);
	await child.line("written");
	if (isEmptied) await until(() => statSync(`${filename}-wal`).size === 0, "the log to be in the file");
	child.kill("SIGKILL");
	expect(await child.ended).toMatchObject({ signal: "SIGKILL" });
}

/** A file that was closed, with keys of its own. */
async function closed(filename, prefix, count) {
	const store = openDataStore({ filename, backup: false });
	for (let n = 0; n < count; n++) await store.appData.set({ key: `${prefix}:${n}`, value: n });
	await store.close();
	return filename;
}

/** Opens a file, and says what is found. */
async function opened(filename, backup = false) {
	const store = openDataStore({ filename, backup });
	try {
		const keys = (await store.appData.select("%")).map(({ key }) => key);
		const { strayLog } = store.backups.status();
		const [{ integrity_check: check }] = await store.sqlite.all("PRAGMA integrity_check");
		return { prefixes: [...new Set(keys.map((key) => key.split(":")[0]))], count: keys.length, strayLog, check };
	} finally {
		await store.close();
	}
}

/** Keys that the killed process had written: its file, with its log beside it again. */
async function rescued(original, strayLog) {
	const file = join(temporaryDirectory(), "rescued.sqlite3");
	copyFileSync(original, file);
	copyFileSync(strayLog, `${file}-wal`);
	const rows = await raw(file, "select key from __rootapp_kv");
	return rows.map(({ key }) => key);
}

const WAYS = [
	["cp", (from, to) => copyFileSync(from, to)],
	["cp -p", (from, to) => cpSync(from, to, { preserveTimestamps: true })],
	["mv", (from, to) => renameSync(from, to)],
	[
		"a removal and cp",
		(from, to) => {
			rmSync(to);
			copyFileSync(from, to);
		},
	],
];

const warnings = [];
const note = (warning) => warnings.push(warning);
beforeEach(() => {
	warnings.length = 0;
	process.on("warning", note);
});
afterEach(() => process.off("warning", note));

/** Leaves a log with something in it: a reader keeps it, and a write comes behind. */
const HELD = `
	await store.sqlite.exec("CREATE TABLE IF NOT EXISTS numbers (n)");
	await store.sqlite.run("WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) INSERT INTO numbers SELECT n FROM c");
	globalThis.rows = store.sqlite.iterate("SELECT n FROM numbers")[Symbol.asyncIterator]();
	await rows.next();`;

describe("a file in the place of one whose process was killed is used as it is", () => {
	for (const backup of [false, { quiet: true }]) {
		const how = `backup: ${JSON.stringify(backup)}`;
		for (const [way, put] of WAYS) {
			test(`by ${way}, ${how}`, async () => {
				const filename = temporaryFile();
				await closed(filename, "early", 30);
				const copy = join(dirname(filename), "copy");
				copyFileSync(filename, copy);
				await killed(filename, "late", 40, { backup: JSON.stringify(backup), before: HELD });
				const original = join(temporaryDirectory(), "original");
				copyFileSync(filename, original);
				expect(existsSync(`${filename}-wal`)).toBe(true);
				put(copy, filename);
				const found = await opened(filename, backup);
				expect(found).toMatchObject({ prefixes: ["early"], count: 30, check: "ok" });
				expect(found.strayLog).toMatch(/-wal\.stray-\d+$/);
				expect(existsSync(found.strayLog)).toBe(true);
				expect(warnings).toMatchObject([{ code: "ROOTCELLAR_STRAY_LOG" }]);
				expect(warnings[0].message).toContain(found.strayLog);
				const keys = await rescued(original, found.strayLog);
				expect(keys.filter((key) => key.startsWith("late:"))).toHaveLength(40);
				// Said once.
				expect((await opened(filename, backup)).strayLog).toBeUndefined();
			});
		}
	}

	const others = [
		["another store's", (folder) => closed(join(folder, "other"), "other", 12), "other", 12],
		["an older copy of the same bot's", undefined, "early", 20],
		[
			"one that the SDK has made",
			async (folder) => {
				await raw(join(folder, "sdk"), ...SDK_SCHEMA, "insert into __rootapp_kv (key, value) values ('sdk:1', '1')");
				return join(folder, "sdk");
			},
			"sdk",
			1,
		],
		[
			"a copy that VACUUM INTO has made of the killed one itself",
			undefined,
			"late",
			5,
			`for (let n = 0; n < 5; n++) await store.appData.set({ key: "late:" + n, value: n });
			await store.sqlite.run("VACUUM INTO '" + process.argv[1].replace(/[^/\\\\]*$/, "copied.db") + "'");`,
		],
		[
			"an empty file",
			(folder) => {
				writeFileSync(join(folder, "empty"), "");
				return join(folder, "empty");
			},
			undefined,
			0,
		],
	];
	for (const [name, make, prefix, count, before = ""] of others) {
		test(`if it is ${name}`, async () => {
			const filename = temporaryFile();
			const folder = temporaryDirectory();
			let other = make && (await make(folder));
			if (prefix === "early") {
				await closed(filename, "early", 20);
				other = join(folder, "early");
				copyFileSync(filename, other);
				await closed(filename, "middle", 20);
			}
			await killed(filename, "late", 40, { before: before + HELD });
			other ??= join(dirname(filename), "copied.db");
			const log = readFileSync(`${filename}-wal`);
			copyFileSync(other, filename);
			const found = await opened(filename);
			const prefixes = prefix === undefined ? [] : [prefix];
			expect(found).toMatchObject({ prefixes, count, check: "ok" });
			expect(readFileSync(found.strayLog).equals(log)).toBe(true);
		});
	}

	test("if it is missing, the log is kept", async () => {
		const filename = temporaryFile();
		await killed(filename, "late", 5, { before: HELD });
		rmSync(filename);
		expect(await opened(filename)).toMatchObject({ count: 0, strayLog: expect.stringContaining("-wal.stray-") });
	});

	test("although it was killed right after its first write", async () => {
		for (let round = 0; round < 5; round++) {
			const filename = temporaryFile();
			await closed(filename, "early", 3);
			const copy = join(dirname(filename), "copy");
			copyFileSync(filename, copy);
			await killed(filename, "late", 1, { before: round % 2 ? HELD : "" });
			copyFileSync(copy, filename);
			expect(await opened(filename)).toMatchObject({ prefixes: ["early"], count: 3, check: "ok" });
		}
	});

	test("although everything was in the file when it was killed: then there is no log", async () => {
		const filename = temporaryFile();
		await closed(filename, "early", 3);
		const copy = join(dirname(filename), "copy");
		copyFileSync(filename, copy);
		await killed(filename, "late", 40, { isEmptied: true });
		copyFileSync(copy, filename);
		expect(await opened(filename)).toMatchObject({ prefixes: ["early"], count: 3, strayLog: undefined, check: "ok" });
	});
});

describe("the log of a killed process is read", () => {
	test("where it was left, and in a copy of all its files elsewhere", async () => {
		const filename = temporaryFile();
		for (let round = 0; round < 6; round++) {
			await killed(filename, `round${round}`, 30, { before: round % 2 ? HELD : "" });
			const copy = join(temporaryDirectory(), "elsewhere.sqlite3");
			for (const suffix of ["", "-wal", "-shm"]) {
				if (existsSync(filename + suffix)) copyFileSync(filename + suffix, copy + suffix);
			}
			for (const file of round % 3 === 2 ? [copy, filename] : [copy]) {
				const found = await opened(file);
				expect(found).toMatchObject({ count: 30 * (round + 1), strayLog: undefined, check: "ok" });
			}
		}
		const left = readdirSync(dirname(filename)).filter((name) => name.startsWith(basename(filename)));
		expect(left).toEqual([basename(filename)]);
	});

	test("after another library has written, begun the log anew, and was killed", async () => {
		const filename = temporaryFile();
		await killed(filename, "own", 10, { before: HELD });
		const { default: Database } = await import("better-sqlite3");
		const foreign = new Database(filename);
		foreign.pragma("wal_checkpoint(RESTART)");
		foreign.prepare("insert into __rootapp_kv (key, value) values ('foreign:1', '1')").run();
		const copy = join(temporaryDirectory(), "copy.sqlite3");
		for (const suffix of ["", "-wal"]) copyFileSync(filename + suffix, copy + suffix);
		foreign.close();
		expect(await opened(copy)).toMatchObject({ prefixes: ["own", "foreign"], count: 11, strayLog: undefined });
	});

	test("after the store was restored in place, and the process killed", async () => {
		const filename = temporaryFile();
		const before = `
			await store.appData.set({ key: "first:1", value: 1 });
			const { id } = await store.backups.create();
			await store.appData.set({ key: "second:1", value: 1 });
			await store.backups.restore({ id });
			await store.appData.set({ key: "third:1", value: 1 });`;
		await killed(filename, "late", 3, { backup: "{ quiet: true }", before: before + HELD });
		const found = await opened(filename);
		expect(found).toMatchObject({ prefixes: ["first", "third", "late"], strayLog: undefined, check: "ok" });
	});

	test("while another process has the file open", async () => {
		const filename = temporaryFile();
		const other = startModule(
			`const store = openDataStore({ filename: process.argv[1], backup: false });
			for (let n = 0; ; n++) { await store.appData.set({ key: "busy:" + n % 50, value: "x".repeat(3000) }); if (n === 60) console.log("busy"); }`,
			{ args: [filename] },
		);
		await other.line("busy");
		for (let round = 0; round < 20; round++) {
			const store = temporaryStore(filename);
			await store.appData.set({ key: "own:1", value: round });
			expect(store.backups.status().strayLog).toBeUndefined();
			await store.close();
		}
	});
});
