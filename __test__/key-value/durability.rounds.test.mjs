// Durability: a resolved write survives a kill, and what was issued before an end of the process is written.

import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { runModule, startModule } from "../helpers/child.mjs";
import { expectFailure } from "../helpers/errors.mjs";
import { raw } from "../helpers/raw.mjs";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";

const OPEN = "const { appData } = openDataStore({ filename: process.argv[1], backup: false });\n";

describe("a killed process", () => {
	const KILLS = rounds({ few: 5, many: 36, long: 360 });
	// Three kinds of writer at once; each prints a key as soon as, and only when, its write has resolved.
	const WRITER =
		OPEN +
		`import { writeSync } from "node:fs";
		const run = process.argv[2];
		const acknowledge = (key) => writeSync(1, key + "\\n");
		async function singles(lane) {
			for (let i = 0; ; i++) {
				const key = "single:" + run + ":" + lane + ":" + i;
				await appData.set({ key, value: key });
				acknowledge(key);
			}
		}
		async function arrays() {
			for (let i = 0; ; i++) {
				const key = "array:" + run + ":" + i;
				await appData.set(Array.from({ length: 10 }, (_, n) => ({ key: key + ":" + n, value: key })));
				acknowledge(key);
			}
		}
		async function counters() {
			for (;;) {
				const n = await appData.update("counter:" + run, (n) => n + 1, 0);
				acknowledge("counter:" + run + ":" + n);
			}
		}
		for (let lane = 0; lane < 20; lane++) singles(lane);
		arrays();
		counters();`;

	test("by SIGKILL at any moment loses nothing that was acknowledged, and no array by half", async () => {
		const filename = temporaryFile();
		const acknowledged = [];
		for (let run = 0; run < KILLS; run++) {
			const child = startModule(WRITER, { args: [filename, String(run)] });
			await child.lineCount(1 + Math.floor(Math.random() * 400));
			await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
			child.kill("SIGKILL");
			expect(await child.ended).toMatchObject({ signal: "SIGKILL", stderr: "" });
			acknowledged.push(...child.lines);
		}
		const { appData } = temporaryStore(filename);
		const stored = new Map((await appData.select("%")).map(({ key, value }) => [key, value]));
		const missing = acknowledged.filter((line) => {
			const [kind, run, n] = line.split(":");
			if (kind === "counter") return !(stored.get(`counter:${run}`) >= Number(n));
			return stored.get(kind === "array" ? `${line}:9` : line) !== line;
		});
		expect(missing).toEqual([]);
		expect(acknowledged.length).toBeGreaterThan(KILLS);
		const arrays = new Map();
		for (const [key, value] of stored) {
			if (key.startsWith("array:")) arrays.set(value, (arrays.get(value) ?? 0) + 1);
		}
		expect([...arrays].filter(([, count]) => count !== 10)).toEqual([]);
		expect(await raw(filename, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
	}, 300_000);

	test("leaves a file that another SQLite library opens with every acknowledged row", async () => {
		const filename = temporaryFile();
		const child = startModule(WRITER, { args: [filename, "0"] });
		await child.lineCount(200);
		child.kill("SIGKILL");
		await child.ended;
		const rows = await raw(filename, "select key from __rootapp_kv");
		const keys = new Set(rows.map((row) => row.key));
		const singles = child.lines.filter((line) => line.startsWith("single:"));
		expect(singles.filter((key) => !keys.has(key))).toEqual([]);
	}, 300_000);
});

describe("what was issued before the end of the process is written", () => {
	const MANY = `for (let i = 0; i < 500; i++) appData.set({ key: "k" + i, value: i });
		appData.set(Array.from({ length: 500 }, (_, i) => ({ key: "a" + i, value: i })));
		for (let i = 0; i < 100; i++) appData.update("n", (n) => n + 1, 0);
		appData.delete("k0");
		appData.update("k1", (n) => n + 1_000, 0);
		appData.deleteLike("k2%");
		appData.set({ key: "k2", value: "again" });
		appData.update("k2", (text) => text + "!", "");\n`;

	async function expectMany(filename) {
		const { appData } = temporaryStore(filename);
		expect(await appData.get("k0")).toBeUndefined();
		expect(await appData.get("k1")).toBe(1_001);
		expect(await appData.get("k2")).toBe("again!");
		expect(await appData.get("k20")).toBeUndefined();
		expect(await appData.get("k499")).toBe(499);
		expect(await appData.selectValue("a%")).toEqual(Array.from({ length: 500 }, (_, i) => i));
		expect(await appData.get("n")).toBe(100);
	}

	const ends = [
		["by process.exit in the same tick, the store never opened before", `${MANY}process.exit(0);`, 0],
		["by process.exit in the same tick, the store open", `await appData.get("k");\n${MANY}process.exit(0);`, 0],
		["by process.exit in a later microtask", `${MANY}Promise.resolve().then(() => process.exit(0));`, 0],
		["by process.exit a moment later", `${MANY}setImmediate(() => process.exit(0));`, 0],
		["by process.exit with another code", `${MANY}process.exit(7);`, 7],
		["by running out of work", MANY, 0],
		["by a close that nobody waits for", `${MANY}store.close();\nprocess.exit(0);`, 0],
	];

	for (const [name, source, code] of ends) {
		test(`${name}`, async () => {
			const filename = temporaryFile();
			const prelude =
				"const store = openDataStore({ filename: process.argv[1], backup: false });\nconst { appData } = store;\n";
			const result = await runModule(prelude + source, { args: [filename] });
			expect(result).toMatchObject({ code, signal: null, stdout: "", stderr: "" });
			await expectMany(filename);
		}, 300_000);
	}

	test("by an exception that nobody catches", async () => {
		const filename = temporaryFile();
		const result = await runModule(`${OPEN}${MANY}throw new Error("the bot's own");`, { args: [filename] });
		expect(result.code).toBe(1);
		await expectMany(filename);
	}, 300_000);

	test("by process.exit inside an update's function", async () => {
		const filename = temporaryFile();
		const source = `${OPEN}if (process.argv[2] === "open") await appData.get("k");
			appData.set({ key: "before", value: 1 });
			appData.update("k", () => process.exit(0), 0);
			appData.set({ key: "after", value: 2 });`;
		for (const state of ["new", "open"]) {
			expect(await runModule(source, { args: [filename, state] })).toMatchObject({ code: 0, stderr: "" });
			const store = temporaryStore(filename);
			expect(await store.appData.select("%")).toEqual([
				{ key: "before", value: 1 },
				{ key: "after", value: 2 },
			]);
			await store.appData.deleteLike("%");
			await store.close();
		}
	});

	test("by what a listener of the process's exit issues, before or after ours", async () => {
		const filename = temporaryFile();
		const source = `process.on("exit", () => appData.set({ key: "early listener", value: 1 }));
			${OPEN}await appData.set({ key: "before", value: 1 });
			process.on("exit", () => {
				appData.update("count", (n) => n + 1, 0);
				appData.update("count", (n) => n + 1, 0);
			});
			if (process.argv[2] === "busy") appData.set({ key: "busy", value: 1 });
			process.exit(0);`;
		for (const state of ["idle", "busy"]) {
			expect(await runModule(source, { args: [filename, state] })).toMatchObject({ code: 0, stderr: "" });
			const store = temporaryStore(filename);
			const entries = await store.appData.select("%");
			expect(Object.fromEntries(entries.map(({ key, value }) => [key, value]))).toEqual({
				before: 1,
				"early listener": 1,
				count: 2,
				...(state === "busy" && { busy: 1 }),
			});
			await store.appData.deleteLike("%");
			await store.close();
		}
	});

	test("by process.exit while a select of the same tick is under way", async () => {
		const filename = temporaryFile();
		const source = `${OPEN}appData.set({ key: "a", value: 1 });
			appData.select("%");
			appData.get("a");
			appData.set({ key: "b", value: 2 });
			process.exit(0);`;
		expect(await runModule(source, { args: [filename] })).toMatchObject({ code: 0, stderr: "" });
		expect(await temporaryStore(filename).appData.selectValue("%")).toEqual([1, 2]);
	});

	test("also when an update's function throws on the way", async () => {
		const filename = temporaryFile();
		const source = `${OPEN}appData.update("k", (n) => n + 1, 0);
			appData.update("k", () => { throw new Error("no"); }, 0).catch(() => {});
			appData.update("k", (n) => n + 1, 0);
			process.exit(0);`;
		expect(await runModule(source, { args: [filename] })).toMatchObject({ code: 0, stderr: "" });
		expect(await temporaryStore(filename).appData.get("k")).toBe(2);
	});
});

describe("a closed store", () => {
	test("finishes every operation that was in flight", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		const { appData } = store;
		const operations = [];
		for (let i = 0; i < 300; i++) {
			operations.push(
				appData.set({ key: `k${i}`, value: i }),
				appData.update("n", (n) => n + 1, 0),
			);
		}
		operations.push(appData.select("k%"), appData.get("n"));
		const closed = store.close();
		const late = expectFailure(() => appData.set({ key: "late", value: 1 }), "ERR_STORE_CLOSED");
		const results = await Promise.all(operations);
		expect(results.at(-1)).toBe(300);
		expect(results.at(-2)).toHaveLength(300);
		await closed;
		await late;
		const again = temporaryStore(filename).appData;
		expect(await again.get("n")).toBe(300);
		expect(await again.selectValue("k%")).toEqual(Array.from({ length: 300 }, (_, i) => i));
		expect(await again.get("late")).toBeUndefined();
	});

	test("leaves no file beside the database when it was the last on it", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		await store.appData.set({ key: "k", value: 1 });
		await store.close();
		expect(readdirSync(dirname(filename))).toEqual([basename(filename)]);
	});
});

test("the file is in WAL mode, and whole for every library that opens it", async () => {
	const filename = temporaryFile();
	const { appData } = temporaryStore(filename);
	await appData.set({ key: "k", value: 1 });
	expect(await raw(filename, "pragma journal_mode")).toEqual([{ journal_mode: "wal" }]);
	expect(await raw(filename, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
});
