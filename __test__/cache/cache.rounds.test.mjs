// The read cache never answers what is not in the file any more, whoever has written to it. The others are in programs/.

import { copyFileSync, renameSync, rmSync } from "node:fs";
import { openDataStore } from "rootcellar";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { runModuleForJson, startModule } from "../helpers/child.mjs";
import { expectFailure } from "../helpers/errors.mjs";
import { raw } from "../helpers/raw.mjs";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryFile } from "../helpers/store.mjs";
import { before, past } from "../helpers/time.mjs";
import { play } from "./play.mjs";
import { run, runForJson } from "./run.mjs";
import { openBetterSqlite3, writers } from "./writers.mjs";

const FACTOR = rounds({ few: 0.2, many: 1, long: 20 });
const TIMEOUT_MS = 300_000 + 300_000 * FACTOR;

/** Steps at random in each of the many states that a file or a cache may be in. */
const STEPS_EACH = rounds({ few: 50, many: 150 });

/** Rounds of what is the same in each. */
const SEVERAL = rounds({ few: 60, many: 300 });

afterEach(() => vi.useRealTimers());

function open(filename = temporaryFile(), options = {}) {
	const store = openDataStore({ filename, backup: false, ...options });
	onTestFinished(() => store.close());
	return { filename, store, appData: store.appData };
}

/** A store, and better-sqlite3 on the same file in the same thread. */
async function openBeside(entries = [{ key: "k", value: 0 }], options) {
	const opened = open(undefined, options);
	await opened.appData.set(entries);
	const other = openBetterSqlite3(opened.filename);
	onTestFinished(() => other.close());
	return { ...opened, other };
}

/** Another writer of the same file, closed when the test ends. */
async function openWriter(kind, filename) {
	const writer = await writers[kind](filename);
	onTestFinished(() => writer.close());
	return writer;
}

describe("nothing is stale when reads and own writes alternate at random with the writes of", () => {
	const STEPS = { "another process with the SDK": 150 };

	test.each(Object.keys(writers))(
		"%s",
		async (kind) => {
			const { filename, appData } = open();
			await appData.set({ key: "own", value: 0 });
			const other = await openWriter(kind, filename);
			const seed = Math.floor(Math.random() * 2 ** 32);
			const steps = (STEPS[kind] ?? 500) * FACTOR;
			const { wrong, foreignWrites } = await play(appData, other, { steps, seed });
			expect(wrong, `seed ${seed}`).toEqual([]);
			expect(foreignWrites).toBeGreaterThan(steps / 2);
		},
		TIMEOUT_MS,
	);

	test("better-sqlite3, the file in rollback mode", async () => {
		const filename = temporaryFile();
		const first = open(filename);
		await first.appData.get("k");
		await first.store.close();
		await raw(filename, "pragma journal_mode = delete");
		const other = await openWriter("better-sqlite3", filename);
		// An open transaction keeps the store from changing the mode.
		other.database.exec("BEGIN");
		other.database.prepare("SELECT * FROM __rootapp_kv").all();
		const { appData } = open(filename);
		await appData.get("k");
		other.database.exec("COMMIT");
		expect(other.database.pragma("journal_mode", { simple: true })).toBe("delete");
		await appData.set({ key: "own", value: 0 });
		const { wrong } = await play(appData, other, { steps: STEPS_EACH, seed: 1 });
		expect(wrong).toEqual([]);
	}, 300_000);

	test("better-sqlite3, the file in UTF-16", async () => {
		const filename = temporaryFile();
		await raw(filename, "pragma encoding = 'UTF-16le'", "create table t (a)");
		const { appData } = open(filename);
		await appData.set({ key: "own", value: 0 });
		const other = await openWriter("better-sqlite3", filename);
		expect(other.database.pragma("encoding", { simple: true })).toBe("UTF-16le");
		const { wrong } = await play(appData, other, { steps: STEPS_EACH, seed: 2 });
		expect(wrong).toEqual([]);
	}, 300_000);

	test.each([0, 1, 2_000, 20_000])(
		"better-sqlite3, with a cache of %i bytes",
		async (cacheBytes) => {
			const { appData, filename } = open(undefined, { cacheBytes });
			await appData.set({ key: "own", value: 0 });
			const other = await openWriter("better-sqlite3", filename);
			const { wrong } = await play(appData, other, { steps: STEPS_EACH, seed: 3 });
			expect(wrong).toEqual([]);
		},
		300_000,
	);
});

describe("in one turn of the event loop", () => {
	test("a read issued right after a synchronous write of another library finds it", async () => {
		const keys = Array.from({ length: 10 }, (_, n) => `k${n}`);
		const { appData, other } = await openBeside(keys.map((key) => ({ key, value: 0 })));
		const wrong = [];
		const values = keys.map(() => 0);
		const inFlight = [];
		for (let round = 1; round <= 2_000 * FACTOR; round++) {
			const at = round % keys.length;
			other.set([{ key: keys[at], value: round }]);
			values[at] = round;
			// Half of the time while writes of the store itself are under way.
			if (round % 20 < 10) inFlight.push(appData.set({ key: `own${round % 5}`, value: round }));
			const found = keys.map((key) => appData.get(key));
			// A write after a read was issued and before it is answered may be in the answer, or not.
			for (const [index, value] of (await Promise.all(found)).entries()) {
				if (value !== values[index]) wrong.push({ round, index, value, expected: values[index] });
			}
		}
		await Promise.all(inFlight);
		expect(wrong).toEqual([]);
	}, 300_000);

	test("several writes each followed by a read are each found, and not more than one turn later", async () => {
		const { appData, other } = await openBeside();
		await appData.get("k");
		for (let round = 0; round < SEVERAL; round++) {
			const found = [];
			for (let n = 0; n < 5; n++) {
				other.set([{ key: "k", value: round * 5 + n }]);
				found.push(appData.get("k"));
			}
			const values = await Promise.all(found);
			// Read at the end of the turn at the latest, and never before they were issued.
			for (const [n, value] of values.entries()) expect(value).toBeGreaterThanOrEqual(round * 5 + n);
			expect(values[4]).toBe(round * 5 + 4);
		}
	});

	test("an update starts from what another library has just written", async () => {
		const { appData, other } = await openBeside();
		let calls = 0;
		for (let round = 0; round < SEVERAL; round++) {
			await appData.get("k");
			other.set([{ key: "k", value: round * 10 }]);
			await appData.update("k", (value) => {
				calls++;
				return value + 1;
			});
			expect(await appData.get("k")).toBe(round * 10 + 1);
		}
		expect(calls).toBe(SEVERAL);
	});
});

describe("during the store's own commits", () => {
	/** Waits, without a turn of the event loop, until better-sqlite3 sees this value: the store's commit is on disk. */
	function spinUntil(other, key, text) {
		const statement = other.database.prepare("SELECT value FROM __rootapp_kv WHERE key = ?").pluck();
		const deadline = Date.now() + 60_000;
		while (statement.get(key) !== text) if (Date.now() > deadline) throw new Error("the store does not write");
	}
	async function turnsOfPromises() {
		for (let turn = 0; turn < 10; turn++) await undefined;
	}

	test("what another library writes over a commit before the store has heard of it is found", async () => {
		const { appData, other } = await openBeside();
		for (let round = 1; round <= 200 * FACTOR; round++) {
			await appData.get("k");
			const set = appData.set({ key: "k", value: `own ${round}` });
			await turnsOfPromises();
			spinUntil(other, "k", `"own ${round}"`);
			other.set([{ key: "k", value: `other ${round}` }]);
			const early = appData.get("k");
			await set;
			expect([await early, await appData.get("k")]).toEqual([`other ${round}`, `other ${round}`]);
		}
	}, 300_000);

	test("the same of deletes and updates, and where another key was looked at in between", async () => {
		const { appData, other } = await openBeside();
		for (let round = 1; round <= 50 * FACTOR; round++) {
			await appData.get("unrelated");
			const update = appData.update("k", () => `own ${round}`);
			await turnsOfPromises();
			spinUntil(other, "k", `"own ${round}"`);
			other.set([{ key: "k", value: `other ${round}` }]);
			await appData.get("unrelated");
			await update;
			expect(await appData.get("k")).toBe(`other ${round}`);
			const removal = appData.delete("k");
			await turnsOfPromises();
			spinUntil(other, "k", undefined);
			other.set([{ key: "k", value: `back ${round}` }]);
			await appData.get("unrelated");
			await removal;
			expect(await appData.get("k")).toBe(`back ${round}`);
		}
	}, 300_000);

	test.each(["a second store", "a worker thread", "another process", "another process with better-sqlite3"])(
		"no read is older than what %s has told of",
		async (kind) => {
			const { filename, appData } = open();
			await appData.set({ key: "count", value: 0 });
			const other = await openWriter(kind, filename);
			const wrong = [];
			let least = 0;
			let running = true;
			const reading = (async () => {
				for (let n = 0; running; n++) {
					const before = least;
					const found = await appData.get("count");
					if (found < before) wrong.push({ found, before });
					if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
				}
			})();
			const writing = (async () => {
				for (let n = 0; running; n++) {
					await appData.set({ key: `own${n % 7}`, value: n });
					const found = await appData.get(`own${n % 7}`);
					if (found !== n) wrong.push({ own: n, found });
				}
			})();
			for (let number = 1; number <= 250 * FACTOR; number++) {
				await other.set([{ key: "count", value: number }]);
				least = number;
			}
			running = false;
			await Promise.all([reading, writing]);
			expect(wrong).toEqual([]);
		},
		TIMEOUT_MS,
	);

	test("updates of both sides on one key lose nothing, and reads never go back", async () => {
		const { filename, appData } = open();
		await appData.set({ key: "n", value: 0 });
		const source = `
			const { appData } = openDataStore({ filename: process.argv[1], backup: false });
			for (let i = 0; i < 300; i++) await appData.update("n", (n) => n + 1);
			console.log("null");
			process.exit();
		`;
		const child = runModuleForJson(source, { args: [filename] });
		let last = 0;
		for (let i = 0; i < 300; i++) {
			const updated = await appData.update("n", (n) => n + 1);
			expect(updated).toBeGreaterThan(last);
			const found = await Promise.all([appData.get("n"), appData.get("n")]);
			expect(Math.min(...found)).toBeGreaterThanOrEqual(updated);
			last = Math.max(...found);
		}
		await child;
		expect(await appData.get("n")).toBe(600);
	}, 300_000);

	test("an expiry that another program moves while an update is made up is the one that counts", async () => {
		const filename = temporaryFile();
		const result = await runForJson("kept-expiry.cjs", [filename]);
		expect(result).toEqual({ cached: 2, stored: "2" });
	});

	test("an expiry that another library gives a write in flight counts for an update that builds on it", async () => {
		const { store, appData, other } = await openBeside();
		const expire = other.database.prepare("UPDATE __rootapp_kv SET expires_at = ? WHERE key = 'n'");
		for (const update of [
			() => appData.update("n", (value) => value + 1, 0),
			() => store.kv.updateMany(["n"], ({ n = 0 }) => ({ n: n + 1 })),
		]) {
			const { found, moment } = await before(async (expiresAt) => {
				await appData.get("k");
				const set = appData.set({ key: "n", value: 1 });
				await turnsOfPromises();
				spinUntil(other, "n", "1");
				expire.run(expiresAt);
				// The cache sees here that others have written.
				await Promise.all([set, appData.get("k"), update()]);
				return appData.get("n");
			});
			expect(found).toBe(2);
			await past(moment);
			expect(await appData.get("n")).toBe(undefined);
		}
	});

	test("a read behind an update that throws finds what another library has written over a write in flight", async () => {
		const { appData, other } = await openBeside();
		for (let round = 1; round <= 20; round++) {
			const set = appData.set({ key: "k", value: `own ${round}` });
			await turnsOfPromises();
			spinUntil(other, "k", `"own ${round}"`);
			other.set([{ key: "k", value: `other ${round}` }]);
			const update = appData.update("k", () => {
				throw new Error("thrown by the function");
			});
			const read = appData.get("k");
			// Each other time there is a write behind it, which it must not see.
			const last = round % 2 ? undefined : appData.set({ key: "k", value: `last ${round}` });
			await expect(update).rejects.toThrow("thrown by the function");
			// Time for the writer to do as much as it was sent.
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
			expect(await read).toBe(`other ${round}`);
			await Promise.all([set, last]);
			expect(await appData.get("k")).toBe(last ? `last ${round}` : `other ${round}`);
		}
	});

	test("a trigger of the bot's own may change other keys than the one that is written", async () => {
		const { appData, other } = await openBeside([{ key: "count", value: 0 }]);
		await appData.get("count");
		other.database.exec(`CREATE TRIGGER counting AFTER INSERT ON __rootapp_kv WHEN new.key LIKE 'item%' BEGIN
			UPDATE __rootapp_kv SET value = value + 1 WHERE key = 'count'; END`);
		expect(await appData.get("count")).toBe(0);
		await appData.set({ key: "item 1", value: 1 });
		await appData.set({ key: "item 2", value: 1 });
		expect(await appData.get("count")).toBe(2);
		other.database.exec(`CREATE TRIGGER bounding AFTER UPDATE OF value ON __rootapp_kv WHEN new.key = 'bounded' AND new.value > 9
			BEGIN UPDATE __rootapp_kv SET value = 9 WHERE key = 'bounded'; END`);
		await appData.set({ key: "bounded", value: 1 });
		await appData.set({ key: "bounded", value: 12 });
		expect(await appData.get("bounded")).toBe(9);
	});

	test("a read issued before a deleteLike does not see it, though another library writes meanwhile", async () => {
		const { appData, other } = await openBeside();
		for (let round = 1; round <= 10; round++) {
			const set = appData.set({ key: "k", value: round });
			await turnsOfPromises();
			const read = appData.get("k");
			const removal = appData.deleteLike("k%");
			await turnsOfPromises();
			// Time for the writer to do as much as it was sent.
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
			other.set([{ key: "unrelated", value: round }]);
			await Promise.all([set, removal]);
			expect(await read).toBe(round);
			expect(await appData.get("k")).toBe(undefined);
		}
	});

	test("a trigger may delete a key that the store has written, and the store writes it again", async () => {
		const { appData, other } = await openBeside();
		other.database.exec(`CREATE TRIGGER resetting AFTER INSERT ON __rootapp_kv WHEN new.key LIKE 'reset%' BEGIN
			DELETE FROM __rootapp_kv WHERE key = 'k'; END`);
		await appData.set({ key: "k", value: 1 });
		await appData.set({ key: "reset 1", value: 1 });
		expect(await appData.get("k")).toBe(undefined);
		await appData.set({ key: "k", value: 2 });
		expect(other.database.prepare("SELECT value FROM __rootapp_kv WHERE key = 'k'").pluck().get()).toBe("2");
	});

	test("an update takes a value that another library has stored as a blob", async () => {
		const { appData, other } = await openBeside();
		other.database.prepare("UPDATE __rootapp_kv SET value = ? WHERE key = 'k'").run(Buffer.from("5"));
		expect(await appData.get("k")).toBe(5);
		expect(await appData.update("k", (value) => value + 1)).toBe(6);
		expect(await appData.get("k")).toBe(6);
	});
});

describe("expiry", () => {
	const HOUR_MS = 3_600_000;
	const START = 1_900_000_000_000;

	test.each([["the clock alone"], ["every timer"]])("follows a clock that a test turns: %s faked", async (what) => {
		const { appData, other } = await openBeside();
		vi.useFakeTimers(what === "the clock alone" ? { toFake: ["Date"] } : {});
		vi.setSystemTime(START);
		await appData.set({ key: "own", value: 1, expiresAt: new Date(START + HOUR_MS) });
		other.set([{ key: "other", value: 2, expiresAt: START + HOUR_MS }]);
		const found = async () => [await appData.get("own"), await appData.get("other"), await appData.get("k")];
		expect(await found()).toEqual([1, 2, 0]);
		expect(await found()).toEqual([1, 2, 0]);
		for (let round = 0; round < 3; round++) {
			vi.setSystemTime(START + HOUR_MS - 1);
			expect(await found()).toEqual([1, 2, 0]);
			vi.setSystemTime(START + HOUR_MS);
			expect(await found()).toEqual([undefined, undefined, 0]);
			vi.setSystemTime(START);
			expect(await found()).toEqual([1, 2, 0]);
		}
		vi.setSystemTime(START + 2 * HOUR_MS);
		other.set([{ key: "late", value: 3, expiresAt: START + HOUR_MS }]);
		expect(await appData.get("late")).toBe(undefined);
		// An update of an expired entry starts from nothing, without an expiry.
		expect(await appData.update("own", (value) => value ?? "none")).toBe("none");
		vi.setSystemTime(START);
		expect(await appData.get("late")).toBe(3);
		expect(await appData.get("own")).toBe("none");
	});

	test("ends an entry in the cache at its time, and an update keeps it", async () => {
		const { appData } = open();
		const { found, moment } = await before(async (expiresAt) => {
			await appData.set({ key: "k", value: 1, expiresAt });
			return [await appData.update("k", (value = 1) => value + 1), await appData.get("k")];
		});
		expect(found).toEqual([2, 2]);
		await past(moment);
		expect(await appData.get("k")).toBe(undefined);
	});
});

describe("whatever happens to the file", () => {
	test("checkpoints, VACUUM and schema changes by another connection change no answer", async () => {
		const { appData, other } = await openBeside();
		for (let round = 1; round <= 60; round++) {
			await appData.set({ key: "own", value: round });
			other.set([{ key: "k", value: round }]);
			const sql = [
				"PRAGMA wal_checkpoint(TRUNCATE)",
				"PRAGMA wal_checkpoint(RESTART)",
				"VACUUM",
				`CREATE TABLE t${round} (a)`,
				"PRAGMA wal_checkpoint(PASSIVE)",
				"REINDEX",
			][round % 6];
			other.database.exec(sql);
			expect([await appData.get("k"), await appData.get("own")]).toEqual([round, round]);
			other.set([{ key: "k", value: -round }]);
			if (round % 2) other.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
			expect([await appData.get("k"), await appData.get("own")]).toEqual([-round, round]);
		}
	});

	test("values larger than the cache, and back", async () => {
		const { appData, other } = await openBeside([{ key: "k", value: 0 }], { cacheBytes: 100_000 });
		for (let round = 0; round < 40; round++) {
			const large = `${round}`.padEnd(60_000, "x");
			other.set([{ key: "k", value: large }]);
			expect(await appData.get("k")).toBe(large);
			await appData.set({ key: "k", value: round });
			expect(await appData.get("k")).toBe(round);
			await appData.set({ key: "k", value: `own ${large}` });
			expect(await appData.get("k")).toBe(`own ${large}`);
			other.set([{ key: "k", value: round }]);
			expect(await appData.get("k")).toBe(round);
		}
	});

	test("a writer that is killed between two reads leaves every answer what is on disk", async () => {
		const { filename, appData } = open();
		const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
		await appData.set(keys.map((key) => ({ key, value: [0] })));
		for (let round = 0; round < 4 * FACTOR; round++) {
			const atFirst = (await appData.get("k0"))[0];
			const child = startModule(
				`await import(${JSON.stringify(new URL("programs/killed.mjs", import.meta.url).href)})`,
				{
					args: [filename],
				},
			);
			await child.line("begun");
			const deadline = Date.now() + 50 + Math.random() * 100;
			while (Date.now() < deadline) {
				await Promise.all(keys.map((key) => appData.get(key)));
				await new Promise((resolve) => setImmediate(resolve));
			}
			child.kill("SIGKILL");
			await child.ended;
			const found = await Promise.all(keys.map((key) => appData.get(key)));
			const rows = await raw(filename, "select key, value from __rootapp_kv");
			const stored = new Map(rows.map(({ key, value }) => [key, JSON.parse(value)]));
			expect(found.map(([number]) => number)).toEqual(keys.map((key) => stored.get(key)[0]));
			expect(new Set(found.map(([number]) => number)).size).toBe(1);
			expect(atFirst).toBeLessThanOrEqual(found[0][0]);
			await appData.set(keys.map((key) => ({ key, value: [0] })));
		}
	}, 300_000);

	test("a writer that dies while it tells of its commit is found out when the log is recovered", async () => {
		const { filename, appData } = open();
		await appData.set([
			{ key: "torn", value: "before" },
			{ key: "untouched", value: 1 },
		]);
		for (let round = 0; round < 3; round++) {
			expect(await appData.get("torn")).toBe("before");
			const { stdout, signal } = await run("torn.mjs", [filename]);
			expect({ stdout, signal }).toEqual({ stdout: "torn\n", signal: "SIGKILL" });
			// Nobody was told of the commit. Once a read of the file has recovered it, it is there for every key.
			expect(["before", "after"]).toContain(await appData.get("torn"));
			expect(await appData.get(`never read ${round}`)).toBe(undefined);
			expect(await appData.get("torn")).toBe("after");
			await appData.set({ key: "torn", value: "before" });
			expect(await appData.get("untouched")).toBe(1);
		}
	});

	test.each(["deleted", "replaced"])(
		"a file that is %s under a warm cache is an error in the next turn",
		async (how) => {
			const { filename, appData } = open();
			await appData.set({ key: "k", value: 1 });
			expect(await appData.get("k")).toBe(1);
			if (how === "replaced") {
				copyFileSync(filename, `${filename}.copy`);
				renameSync(`${filename}.copy`, filename);
			} else {
				rmSync(filename);
			}
			await new Promise((resolve) => setImmediate(resolve));
			await expectFailure(() => appData.get("k"), "SQLITE_READONLY_DBMOVED");
			await expectFailure(() => appData.get("k"), "SQLITE_READONLY_DBMOVED");
			await expectFailure(() => appData.update("k", () => 2), "SQLITE_READONLY_DBMOVED");
		},
	);

	test("a file that is deleted while the event loop waits is an error at the next event", async () => {
		// In a process of its own, where nothing else keeps the event loop turning.
		const { code } = await runForJson("deleted.mjs", [temporaryFile()]);
		expect(code).toBe("SQLITE_READONLY_DBMOVED");
	});

	test("a store that is closed and opened again reads what was written meanwhile", async () => {
		const filename = temporaryFile();
		const other = await openWriter("another process with better-sqlite3", filename);
		for (let round = 1; round <= 30; round++) {
			const { store, appData } = open(filename);
			if (round > 1) expect(await appData.get("k")).toBe(`between ${round - 1}`);
			await appData.set({ key: "k", value: round });
			expect(await appData.get("k")).toBe(round);
			await store.close();
			await other.set([{ key: "k", value: `between ${round}` }]);
			await expectFailure(() => appData.get("k"), "ERR_STORE_CLOSED");
		}
	});
});

test("what a read gives is nobody else's: two are equal and distinct, and changing one changes nothing", async () => {
	const { appData } = open();
	const value = { list: [1, { deep: true }] };
	await appData.set({ key: "k", value });
	value.list.push("changed by the writer");
	const reads = await Promise.all([appData.get("k"), appData.get("k")]);
	reads.push(await appData.get("k"));
	await appData.update("k", (data) => {
		reads.push(data);
		return structuredClone(data);
	});
	reads.push(await appData.get("k"));
	const pending = appData.set({ key: "k", value: { list: [1, { deep: true }] } });
	reads.push(...(await Promise.all([appData.get("k"), appData.get("k")])));
	await pending;
	expect(new Set(reads).size).toBe(reads.length);
	for (const read of reads) {
		expect(read).toEqual({ list: [1, { deep: true }] });
		read.list[1].deep = "changed";
		read.list.length = 0;
		expect(await appData.get("k")).toEqual({ list: [1, { deep: true }] });
	}
	const updated = await appData.update("k", (data) => data);
	updated.list.push("changed");
	expect(await appData.get("k")).toEqual({ list: [1, { deep: true }] });
});

test(
	"two stores in one environment, and workers that end while others read, neither crash nor read wrongly",
	async () => {
		const { reads, wrong } = await runForJson("together.mjs", [temporaryFile(), 12 * FACTOR], {
			flags: ["--expose-gc"],
		});
		expect(wrong).toEqual([]);
		expect(reads).toBeGreaterThan(100);
	},
	TIMEOUT_MS,
);
