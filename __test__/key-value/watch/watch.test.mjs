// `kv.watch`: what is committed, by whomever, is told after the commit, with the latest state of each key.

import { copyFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { openDataStore } from "rootcellar";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageUrl, runModule, startModule } from "../../helpers/child.mjs";
import { expectArgumentError, rejection } from "../../helpers/errors.mjs";
import { makeSdkFile, raw, SDK_SCHEMA } from "../../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { shortest, until } from "../../helpers/time.mjs";

/** Collects the changes that a watch has told so far. */
function collect(watch) {
	const told = [];
	const done = (async () => {
		for await (const changes of watch) told.push(...changes);
	})();
	return { told, done, atLeast: (count) => until(() => told.length >= count, `${count} changes`) };
}

async function openWatch(options, filename = temporaryFile()) {
	const store = temporaryStore(filename);
	const watch = store.kv.watch(options);
	onTestFinished(() => watch.return());
	return { store, filename, watch, ...collect(watch) };
}

function otherLibrary(filename) {
	const database = new Database(filename);
	onTestFinished(() => database.close());
	return {
		set: (key, value, community = null) => {
			const sql = "INSERT INTO __rootapp_kv (key, community_id, value) VALUES (?, ?, ?)";
			database.prepare("DELETE FROM __rootapp_kv WHERE key = ? AND community_id IS ?").run(key, community);
			database.prepare(sql).run(key, community, JSON.stringify(value));
		},
		exec: (sql) => database.exec(sql),
		database,
	};
}

describe("it tells", () => {
	test("every own write once it is committed, and nothing of what was issued before", async () => {
		const store = temporaryStore();
		await store.appData.set({ key: "p:old", value: 1 });
		void store.appData.set({ key: "p:before", value: 1 });
		const { told, atLeast } = collect(store.kv.watch({ prefix: "p:" }));
		void store.appData.set({ key: "p:a", value: { deep: [1, "\u{1f600}"] } });
		await atLeast(1);
		await store.appData.update("p:a", () => 2, 0);
		await atLeast(2);
		await store.appData.set([
			{ key: "p:b", value: null },
			{ key: "q:c", value: 1 },
		]);
		await atLeast(3);
		await store.appData.delete("p:old");
		await atLeast(4);
		await store.sqlite.run("UPDATE __rootapp_kv SET value = '7' WHERE key = 'p:b'");
		await atLeast(5);
		await store.sqlite.transaction((tx) => tx.appData.set({ key: "p:t", value: "tx" }));
		await atLeast(6);
		await store.appData.deleteLike("p:_");
		await atLeast(9);
		expect(told.slice(0, 6)).toEqual([
			{ key: "p:a", value: { deep: [1, "\u{1f600}"] } },
			{ key: "p:a", value: 2 },
			{ key: "p:b", value: null },
			{ key: "p:old", deleted: true },
			{ key: "p:b", value: 7 },
			{ key: "p:t", value: "tx" },
		]);
		const deleted = told.slice(6).map(({ key, deleted }) => [key, deleted]);
		expect(deleted.sort()).toEqual([
			["p:a", true],
			["p:b", true],
			["p:t", true],
		]);
	});

	test("the keys that are named, and no others", async () => {
		const { store, told, atLeast } = await openWatch({ keys: ["a", "b", "a", ""] });
		await store.appData.set([
			{ key: "a", value: 1 },
			{ key: "ab", value: 1 },
			{ key: "B", value: 1 },
		]);
		await atLeast(1);
		await store.appData.set({ key: "", value: "empty" });
		await atLeast(2);
		expect(told).toEqual([
			{ key: "a", value: 1 },
			{ key: "", value: "empty" },
		]);
	});

	test("the latest state, and leaves out what was in between", async () => {
		const { store, watch } = await (async () => {
			const store = temporaryStore();
			return { store, watch: store.kv.watch({ keys: ["k"] }) };
		})();
		for (let n = 0; n < 100; n++) await store.appData.set({ key: "k", value: n });
		expect(await watch.next()).toEqual({ value: [{ key: "k", value: 99 }], done: false });
		// A change that was undone meanwhile is none.
		await store.appData.set({ key: "k", value: 1 });
		await store.appData.set({ key: "k", value: 99 });
		await store.appData.set({ key: "k", value: 100 });
		expect(await watch.next()).toEqual({ value: [{ key: "k", value: 100 }], done: false });
		await watch.return();
	});

	test("no write that leaves a value as it was, and none that is rolled back", async () => {
		const { store, told, atLeast } = await openWatch({ prefix: "" });
		await store.appData.set({ key: "k", value: 1 });
		await atLeast(1);
		await store.appData.set({ key: "k", value: 1 });
		await rejection(() =>
			store.sqlite.transaction(async (tx) => {
				await tx.appData.set({ key: "k", value: 2 });
				throw new Error("undone");
			}),
		);
		await store.sqlite.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1); VACUUM");
		await store.appData.set({ key: "end", value: 1 });
		await atLeast(2);
		expect(told).toEqual([
			{ key: "k", value: 1 },
			{ key: "end", value: 1 },
		]);
	});

	test("what another library writes anew in other words, for its text has changed", async () => {
		const { store, filename, told, atLeast } = await openWatch({ keys: ["k"] });
		await store.appData.set({ key: "k", value: { a: 1 } });
		await atLeast(1);
		const other = otherLibrary(filename);
		other.exec(`UPDATE __rootapp_kv SET value = '{ "a": 1.0 }'`);
		await atLeast(2);
		// The same text is no change, whoever writes it.
		other.exec(`UPDATE __rootapp_kv SET value = '{ "a": 1.0 }'`);
		await store.appData.set({ key: "k", value: { a: 2 } });
		await atLeast(3);
		expect(told).toEqual([1, 1, 2].map((a) => ({ key: "k", value: { a } })));
	});

	test("one community apart from another and from the default scope", async () => {
		const store = temporaryStore();
		const here = collect(store.kv.community("c1").watch({ prefix: "" }));
		const there = collect(store.kv.watch({ prefix: "" }));
		await store.appData.set([
			{ key: "k", value: 1, communityId: "c1" },
			{ key: "k", value: 2, communityId: "c2" },
		]);
		await here.atLeast(1);
		await store.appData.set({ key: "k", value: 3 });
		await there.atLeast(1);
		await store.appData.delete("k", "c1");
		await here.atLeast(2);
		expect(here.told).toEqual([
			{ key: "k", value: 1 },
			{ key: "k", deleted: true },
		]);
		expect(there.told).toEqual([{ key: "k", value: 3 }]);
	});

	test("an expiry within a second, as a deletion, whether the row is purged or not", async () => {
		let lifeMs = 150;
		const took = await shortest(1_000, async () => {
			lifeMs *= 2;
			const { store, told, atLeast } = await openWatch({ prefix: "" });
			const expiresAt = Date.now() + lifeMs;
			await store.appData.set([
				{ key: "stays", value: 1 },
				{ key: "k", value: 1, expiresAt },
			]);
			const isTold = () => told.some(({ key, value }) => key === "k" && value === 1);
			await until(() => isTold() || Date.now() > expiresAt, "the key that will expire");
			// It may have expired before it could be told.
			if (!isTold()) return Number.POSITIVE_INFINITY;
			await atLeast(3);
			expect(told.at(-1)).toEqual({ key: "k", deleted: true });
			return Date.now() - expiresAt;
		});
		expect(took).toBeGreaterThanOrEqual(0);
		expect(took).toBeLessThan(1_000);
	});

	test("values that are longer than a page, also if only their end changes", async () => {
		const { store, filename, told, atLeast } = await openWatch({ prefix: "long:" });
		await store.appData.set(Array.from({ length: 5 }, (_, n) => ({ key: `long:${n}`, value: "x".repeat(30_000) })));
		await atLeast(5);
		otherLibrary(filename).exec(`UPDATE __rootapp_kv SET value = substr(value, 1, 30000) || 'y"' WHERE key = 'long:3'`);
		await atLeast(6);
		expect(told.at(-1)).toEqual({ key: "long:3", value: `${"x".repeat(29_999)}y` });
		expect(told.length).toBe(6);
	});

	test("the newest of the rows that the SDK leaves of a key", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [{ key: "k", value: "1" }]);
		const { store, told, atLeast } = await openWatch({ prefix: "" }, filename);
		await store.appData.get("k");
		const other = otherLibrary(filename);
		other.exec(`INSERT INTO __rootapp_kv (key, value) VALUES ('k', '2')`);
		await atLeast(1);
		other.exec(`UPDATE __rootapp_kv SET value = '9' WHERE key = 'k' AND value = '1'`);
		other.exec(`INSERT INTO __rootapp_kv (key, value) VALUES ('k', '3')`);
		await atLeast(2);
		other.exec(`DELETE FROM __rootapp_kv WHERE key = 'k' AND value = '3'`);
		await atLeast(3);
		expect(told).toEqual([2, 3, 2].map((value) => ({ key: "k", value })));
	});

	test("many keys of a large store, and nothing else, while it grows and shrinks", async () => {
		const store = temporaryStore();
		const entries = Array.from({ length: 20_000 }, (_, n) => ({ key: `k:${n}`, value: n }));
		await store.appData.set(entries);
		const { told, atLeast } = collect(store.kv.watch({ prefix: "k:1" }));
		await store.appData.set(Array.from({ length: 3_000 }, (_, n) => ({ key: `new:${n}`, value: "x".repeat(200) })));
		await store.appData.set({ key: "k:123", value: "changed" });
		await atLeast(1);
		await store.appData.deleteLike("k:19%");
		await atLeast(1 + 1_111);
		expect(told[0]).toEqual({ key: "k:123", value: "changed" });
		expect(told.slice(1).every(({ key, deleted }) => key.startsWith("k:19") && deleted)).toBe(true);
		expect(new Set(told.slice(1).map(({ key }) => key)).size).toBe(1_111);
		expect(told.length).toBe(1_112);
	});

	test("changes all over a large store, in a time that does not grow with their number times that of the keys", async () => {
		const store = temporaryStore();
		const filler = "x".repeat(200);
		await store.appData.set(Array.from({ length: 30_000 }, (_, n) => ({ key: `k:${n}`, value: { n, filler } })));
		const { told, atLeast } = collect(store.kv.watch({ prefix: "" }));
		await store.appData.set({ key: "k:1", value: "begun" });
		await atLeast(1);
		let round = 0;
		const took = await shortest(4_000, async () => {
			round++;
			told.length = 0;
			const since = performance.now();
			// Each in a page of its own.
			await store.appData.set(Array.from({ length: 1_500 }, (_, n) => ({ key: `k:${n * 20}`, value: round })));
			await atLeast(1_500);
			return performance.now() - since;
		});
		expect(told.length).toBe(1_500);
		expect(took).toBeLessThan(4_000);
	});

	test("after more than 10,000 changes to read everything anew, and then what follows", async () => {
		const { store, told, atLeast } = await openWatch({ prefix: "" });
		await store.appData.set(Array.from({ length: 10_001 }, (_, n) => ({ key: `k:${n}`, value: n })));
		await atLeast(1);
		await store.appData.set({ key: "k:7", value: "after" });
		await atLeast(2);
		expect(told).toEqual([{ resync: true }, { key: "k:7", value: "after" }]);
	});

	test("a restore of the store as one", async () => {
		const store = openDataStore({ filename: temporaryFile(), backup: { quiet: true } });
		onTestFinished(() => store.close());
		await store.appData.set({ key: "k", value: 1 });
		const { id } = await store.backups.create();
		const { told, atLeast } = collect(store.kv.watch({ keys: ["k"] }));
		await store.appData.set({ key: "k", value: 2 });
		await atLeast(1);
		await store.backups.restore({ id });
		await until(() => told.some(({ resync }) => resync), "the restore");
		await store.appData.set({ key: "k", value: 3 });
		await until(() => told.some(({ value }) => value === 3), "what follows");
		expect(told[0]).toEqual({ key: "k", value: 2 });
	});
});

describe("it notices within 250 ms what is written by", () => {
	const changed = async (filename, write) => {
		const { store, told, atLeast } = await openWatch({ keys: ["k"] }, filename);
		await store.appData.get("k");
		let n = 0;
		const took = await shortest(250, async () => {
			n++;
			await write(n);
			const since = performance.now();
			await atLeast(n);
			return performance.now() - since;
		});
		expect(told.at(-1)).toEqual({ key: "k", value: n });
		expect(took).toBeLessThan(250);
	};

	test("another store of the process", async () => {
		const filename = temporaryFile();
		const other = temporaryStore(filename);
		await changed(filename, (n) => other.appData.set({ key: "k", value: n }));
	});

	test("another library in the process", async () => {
		const filename = temporaryFile();
		await temporaryStore(filename).appData.get("k");
		const other = otherLibrary(filename);
		await changed(filename, async (n) => other.set("k", n));
	});

	test("a worker thread", async () => {
		const filename = temporaryFile();
		const source = `
			const { parentPort } = require("node:worker_threads");
			import(${JSON.stringify(packageUrl)}).then(({ openDataStore }) => {
				const { appData } = openDataStore({ filename: ${JSON.stringify(filename)}, backup: false });
				parentPort.on("message", async (value) => {
					await appData.set({ key: "k", value });
					parentPort.postMessage(value);
				});
			});`;
		const worker = new Worker(source, { eval: true });
		onTestFinished(() => worker.terminate());
		await changed(filename, (n) => {
			const answer = new Promise((resolve) => worker.once("message", resolve));
			worker.postMessage(n);
			return answer;
		});
	});

	test("another process", async () => {
		const filename = temporaryFile();
		await temporaryStore(filename).appData.get("k");
		const child = startModule(
			`const { appData } = openDataStore({ filename: process.argv[1], backup: false });
			for await (const line of (await import("node:readline")).createInterface({ input: process.stdin })) {
				await appData.set({ key: "k", value: Number(line) });
				console.log(line);
			}`,
			{ args: [filename] },
		);
		await changed(filename, (n) => {
			child.write(`${n}\n`);
			return child.line(String(n));
		});
	});
});

/** Makes a file that this package has opened, with some keys. */
async function setUp(filename, keys) {
	const store = openDataStore({ filename, backup: false });
	await store.appData.set(keys.map((key) => ({ key, value: "before" })));
	await store.close();
}

/** Takes the write-ahead log away, and keeps the next store from making one, by reading until COMMIT. */
function keepWithoutLog(other) {
	other.exec("PRAGMA journal_mode = DELETE; BEGIN");
	other.database.prepare("SELECT count(*) FROM __rootapp_kv").get();
}

test("a file without a write-ahead log is watched, too", async () => {
	const filename = temporaryFile();
	await setUp(filename, ["k0"]);
	const other = otherLibrary(filename);
	keepWithoutLog(other);
	const { store, told, atLeast } = await openWatch({ prefix: "k" }, filename);
	expect(await store.appData.get("k0")).toBe("before");
	other.exec("COMMIT");
	expect(other.database.pragma("journal_mode", { simple: true })).toBe("delete");
	await store.appData.set({ key: "k1", value: 1 });
	await atLeast(1);
	other.set("k2", 2);
	await atLeast(2);
	other.exec("DELETE FROM __rootapp_kv WHERE key = 'k0'");
	await atLeast(3);
	expect(told).toEqual([
		{ key: "k1", value: 1 },
		{ key: "k2", value: 2 },
		{ key: "k0", deleted: true },
	]);
});

describe("ranges of keys in a file whose texts are", () => {
	// The next prefix lies before the prefix: of the second in the bytes of UTF-16le, of the third in those of UTF-16be.
	const prefixes = ["b:", "b\u{ff}", "b\u{ffff}"];
	const inRange = (prefix) => ["", "\0", "a", "\u{100}", "\u{1f600}"].map((rest) => prefix + rest).sort();
	const keys = [...prefixes.flatMap(inRange), "", "a", "b", "b;", "b\u{100}", "b\u{10000}", "c"];
	test.each([
		["UTF-8", "WAL"],
		["UTF-16le", "WAL"],
		["UTF-16be", "WAL"],
		["UTF-16le", "DELETE"],
	])("%s, with the journal mode %s, are watched whole", async (encoding, mode) => {
		const filename = temporaryFile();
		await raw(filename, `pragma encoding = '${encoding}'`, ...SDK_SCHEMA);
		await setUp(filename, keys);
		const other = otherLibrary(filename);
		if (mode === "DELETE") keepWithoutLog(other);
		const store = temporaryStore(filename);
		const watches = prefixes.map((prefix) => ({ prefix, ...collect(store.kv.watch({ prefix })) }));
		expect(await store.appData.get("a")).toBe("before");
		if (mode === "DELETE") other.exec("COMMIT");
		expect(other.database.pragma("journal_mode", { simple: true }).toUpperCase()).toBe(mode);
		const steps = [
			[() => other.exec("DELETE FROM __rootapp_kv"), { deleted: true }],
			[() => store.appData.set(keys.map((key) => ({ key, value: "again" }))), { value: "again" }],
			[() => other.exec(`UPDATE __rootapp_kv SET value = '"changed"'`), { value: "changed" }],
		];
		for (const [step, expected] of steps) {
			await step();
			for (const { prefix, told, atLeast } of watches) {
				const all = inRange(prefix);
				await atLeast(all.length);
				const changes = told.splice(0).sort((one, other) => (one.key < other.key ? -1 : 1));
				expect(changes).toEqual(all.map((key) => ({ key, ...expected })));
			}
		}
	});
});

test("while something is watched, backups are made of what others commit, and it comes into the file, as soon as otherwise", async () => {
	const filename = temporaryFile();
	const store = openDataStore({ filename, backup: { quiet: true } });
	onTestFinished(() => store.close());
	const watch = store.kv.watch({ prefix: "" });
	const { told, atLeast } = collect(watch);
	await store.appData.set({ key: "k", value: 0 });
	await atLeast(1);
	await store.backups.create();
	const other = otherLibrary(filename);
	let [made, n] = [0, 0];
	store.backups.on("backup", () => made++);
	const inFile = () => {
		copyFileSync(filename, `${filename}.copy`);
		const copy = new Database(`${filename}.copy`, { readonly: true });
		try {
			return Number(copy.prepare("SELECT value FROM __rootapp_kv").pluck().get());
		} catch {
			// It was copied while a checkpoint wrote to the file.
			return Number.NaN;
		} finally {
			copy.close();
		}
	};
	const backedUp = async () => {
		// Longer than anybody takes to look for commits who is not told of them.
		await sleep(2_000);
		const [before, since] = [made, performance.now()];
		other.set("k", ++n);
		await until(() => made > before && inFile() === n, "the backup and the checkpoint");
		return performance.now() - since;
	};
	expect(await shortest(5_000, backedUp)).toBeLessThan(5_000);
	expect(told.at(-1)).toEqual({ key: "k", value: n });
	await watch.return();
	expect(await shortest(5_000, backedUp)).toBeLessThan(5_000);
});

test("a store with readOnly and one in memory watch like others", async () => {
	const filename = temporaryFile();
	const store = temporaryStore(filename);
	await store.appData.set({ key: "k", value: 1 });
	const reader = openDataStore({ filename, readOnly: true });
	const memory = openDataStore({ filename: ":memory:" });
	onTestFinished(() => Promise.all([reader.close(), memory.close()]));
	const [one, two] = [reader, memory].map((from) => collect(from.kv.watch({ prefix: "" })));
	await reader.appData.select("%");
	await Promise.all([store, memory].map(({ appData }) => appData.set({ key: "k", value: 2 })));
	await Promise.all([one.atLeast(1), two.atLeast(1)]);
	expect([one.told, two.told]).toEqual([[{ key: "k", value: 2 }], [{ key: "k", value: 2 }]]);
});

describe("it ends", () => {
	test("with return, and break, also while somebody waits", async () => {
		const { store, watch, done } = await openWatch({ prefix: "" });
		await store.appData.get("k");
		expect(await watch.return("x")).toEqual({ value: "x", done: true });
		await done;
		expect(await watch.next()).toEqual({ value: undefined, done: true });
		const again = store.kv.watch({ prefix: "" });
		void store.appData.set({ key: "k", value: 1 });
		for await (const changes of again) {
			expect(changes).toEqual([{ key: "k", value: 1 }]);
			break;
		}
		expect(await again.next()).toEqual({ value: undefined, done: true });
	});

	test("with its signal, before and after it was aborted", async () => {
		const store = temporaryStore();
		const controller = new AbortController();
		const { done, told } = collect(store.kv.watch({ prefix: "", signal: controller.signal }));
		await store.appData.get("k");
		controller.abort();
		await done;
		await store.appData.set({ key: "k", value: 1 });
		expect(told).toEqual([]);
		expect(await store.kv.watch({ prefix: "", signal: controller.signal }).next()).toMatchObject({ done: true });
	});

	test("when the store is closed, and only then of those of one file", async () => {
		const filename = temporaryFile();
		const [one, two] = [temporaryStore(filename), temporaryStore(filename)];
		const [first, second] = [one, two].map((store) => collect(store.kv.watch({ prefix: "" })));
		await Promise.all([one, two].map((store) => store.appData.get("k")));
		await one.close();
		await first.done;
		await two.appData.set({ key: "k", value: 1 });
		await second.atLeast(1);
		await two.close();
		await second.done;
		const error = await rejection(() => two.kv.watch({ prefix: "" }).next());
		expect(error.code).toBe("ERR_STORE_CLOSED");
	});

	test("with the error of a value that is not JSON, without showing it", async () => {
		const { store, filename, done } = await openWatch({ prefix: "" });
		await store.appData.get("k");
		otherLibrary(filename).exec("INSERT INTO __rootapp_kv (key, value) VALUES ('k', 'no json: hunter2')");
		const error = await rejection(() => done);
		expect(error.code).toBe("ERR_VALUE_NOT_JSON");
		expect(error.message).not.toContain("hunter2");
	});

	test("with the error of a file that cannot be opened", async () => {
		const store = temporaryStore("/nowhere/at/all.sqlite3");
		const error = await rejection(() => store.kv.watch({ prefix: "" }).next());
		expect(error.code).toBe("SQLITE_CANTOPEN");
	});

	test("and is collected with all that it holds, where it is abandoned and where it has ended", async () => {
		const { stdout, stderr, code } = await runModule(
			`const store = openDataStore({ filename: ":memory:" });
			const alive = setInterval(() => {}, 1_000);
			const counts = { abandoned: 0, ended: 0 };
			const registry = new FinalizationRegistry((kind) => counts[kind]++);
			for (let n = 0; n < 20; n++) {
				for (const kind of ["abandoned", "ended"]) {
					const watch = store.kv.watch({ prefix: "" });
					registry.register(watch, kind);
					await store.appData.set({ key: "k", value: kind + n });
					await watch.next();
					if (kind === "ended") await watch.return();
				}
			}
			for (let n = 0; n < 3_000 && Math.min(counts.abandoned, counts.ended) < 10; n++) {
				globalThis.gc();
				await new Promise((resolve) => setTimeout(resolve, 20));
			}
			console.log(counts.abandoned >= 10, counts.ended >= 10);
			clearInterval(alive);`,
			{ env: { NODE_OPTIONS: "--expose-gc" } },
		);
		expect({ stdout, stderr, code }).toEqual({ stdout: "true true\n", stderr: "", code: 0 });
	});

	test("by itself where it is abandoned, so that the store can be collected", async () => {
		const { stdout, stderr, code } = await runModule(
			`let count = 0;
			const alive = setInterval(() => {}, 1_000);
			const registry = new FinalizationRegistry(() => count++);
			for (let n = 0; n < 20; n++) {
				const store = openDataStore({ filename: ":memory:" });
				const watch = store.kv.watch({ prefix: "" });
				await store.appData.set({ key: "k", value: 1 });
				await watch.next();
				registry.register(store, n);
			}
			for (let n = 0; n < 3_000 && count < 10; n++) {
				globalThis.gc();
				await new Promise((resolve) => setTimeout(resolve, 20));
			}
			console.log(count >= 10);
			clearInterval(alive);`,
			{ env: { NODE_OPTIONS: "--expose-gc" } },
		);
		expect({ stdout, stderr, code }).toEqual({ stdout: "true\n", stderr: "", code: 0 });
	});
});

test("an idle watch does not keep the process alive, and one of a store that was dropped goes on", async () => {
	const { stdout, code } = await runModule(
		`const filename = process.argv[1];
		let tell;
		const isTold = new Promise((resolve) => (tell = resolve));
		const report = async () => {
			for await (const changes of openDataStore({ filename, backup: false }).kv.watch({ prefix: "" })) {
				for (const change of changes) {
					console.log(JSON.stringify(change));
					if (change.key === "k") tell();
				}
			}
		};
		void report();
		const store = openDataStore({ filename, backup: false });
		await store.appData.set({ key: "first", value: 1 });
		for (let n = 0; n < 20; n++) { globalThis.gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
		await store.appData.set({ key: "k", value: 1 });
		// Keeps the process alive until it is told, which the watch does not do.
		const alive = setTimeout(tell, 120_000);
		await isTold;
		clearTimeout(alive);
		console.log("end");`,
		{ args: [temporaryFile()], env: { NODE_OPTIONS: "--expose-gc" } },
	);
	expect(code).toBe(0);
	const lines = stdout.trim().split("\n");
	expect(lines).toContain('{"key":"k","value":1}');
	expect(lines.at(-1)).toBe("end");
});

test("within a transaction there is none", async () => {
	const store = temporaryStore();
	const error = await store.transaction((tx) => rejection(() => tx.kv.watch({ prefix: "" }).next()));
	expect(error.code).toBe("ERR_IN_TRANSACTION");
});

test("what a callback of a transaction writes is told when it is committed, and not before", async () => {
	const { store, told, atLeast } = await openWatch({ prefix: "" });
	await store.transaction(async (tx) => {
		await tx.appData.set({ key: "k", value: 1 });
		await sleep(300);
		expect(told).toEqual([]);
	});
	await atLeast(1);
	expect(told).toEqual([{ key: "k", value: 1 }]);
});

test("options that do not fit reject, and name the argument", async () => {
	const store = temporaryStore();
	const refused = async (options, argument) =>
		expectArgumentError(await rejection(() => store.kv.watch(options).next()), argument);
	for (const options of [undefined, null, 1, "p:", [], {}]) await refused(options, "options");
	await refused({ keys: ["a"], prefix: "a" }, "options.prefix");
	for (const keys of [[], "a", {}, null, Array.from({ length: 1_001 }, String)])
		await refused({ keys }, "options.keys");
	await refused({ keys: ["a", null] }, "options.keys[1]");
	await refused({ keys: ["a", "\ud800"] }, "options.keys[1]");
	await refused({ keys: ["a", , "b"] }, "options.keys[1]");
	for (const prefix of [null, {}, "\ud800", Number.NaN]) await refused({ prefix }, "options.prefix");
	for (const signal of [null, {}, "abort", new AbortController()])
		await refused({ prefix: "", signal }, "options.signal");
	await refused({ prefix: "", start: "a" }, "options.start");
	const hostile = {
		get prefix() {
			throw new Error("no");
		},
	};
	await refused(hostile, "options");
	const { proxy, revoke } = Proxy.revocable([], {});
	revoke();
	await refused({ keys: proxy }, "options.keys");
	await refused({ prefix: "", signal: proxy }, "options.signal");
	expect(await store.kv.watch({ keys: [1] }).return()).toMatchObject({ done: true });
});
