// SQL and the end of things: close, process.exit, worker threads, the end of the event loop, a kill.

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { packageUrl, runModule, startModule } from "../helpers/child.mjs";
import { expectFailure } from "../helpers/errors.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { ENDLESS, numbers, storeWithRows, valuesOf } from "./tables.mjs";

const INSERT = "INSERT INTO t (a) VALUES (?)";
const OPEN =
	"const store = openDataStore({ filename: process.argv[1], backup: false });\nconst { sqlite, appData } = store;\n";

/** A file with the table `t`, and nobody at it. */
async function file() {
	const filename = temporaryFile();
	const store = await storeWithRows(0, filename);
	await store.close();
	return filename;
}

describe("close", () => {
	test("finishes what was issued, and later calls reject", async () => {
		const filename = temporaryFile();
		const store = await storeWithRows(0, filename);
		const { sqlite } = store;
		const issued = [
			sqlite.run(INSERT, ["a"]),
			sqlite.exec("INSERT INTO t (a) VALUES ('b'); VACUUM"),
			sqlite.transaction((tx) => tx.run(INSERT, ["c"])),
			sqlite.all("SELECT a FROM t"),
			sqlite.batch([{ sql: INSERT, params: ["d"] }]),
		];
		await store.close();
		// A transaction takes effect when it is committed: until then reads go past it.
		expect((await Promise.all(issued))[3]).toEqual([{ a: "a" }, { a: "b" }]);
		for (const call of [
			() => sqlite.run(INSERT, ["x"]),
			() => sqlite.all("SELECT 1"),
			() => sqlite.get("SELECT 1"),
			() => sqlite.exec("SELECT 1"),
			() => sqlite.batch([{ sql: "SELECT 1" }]),
			() => sqlite.iterate("SELECT 1").next(),
			() => sqlite.prepare("SELECT 1"),
			() => sqlite.transaction(() => {}),
			() => sqlite.reserve(),
			() => sqlite.migrate([]),
			() => sqlite.sql`SELECT 1`,
			() => sqlite.batch([]),
		]) {
			await expectFailure(call, "ERR_STORE_CLOSED");
		}
		expect(await valuesOf(temporaryStore(filename).sqlite)).toEqual(["a", "b", "c", "d"]);
	});

	test("lets a transaction that is at work finish", async () => {
		for (;;) {
			const filename = temporaryFile();
			const store = await storeWithRows(0, filename);
			let workedAt = performance.now();
			const work = async (tx) => {
				for (let i = 0; i < 10; i++) {
					workedAt = performance.now();
					await tx.run(INSERT, [String(i)]);
					await sleep(20);
				}
			};
			const working = store.sqlite.transaction(work).then(
				() => ({}),
				(error) => ({ error, idleMs: performance.now() - workedAt }),
			);
			await sleep(10);
			await store.close();
			const { error, idleMs } = await working;
			// On a busy machine it may have been idle for as long as one that is abandoned.
			if (error?.code === "ERR_TRANSACTION_TIMEOUT" && idleMs >= 1_000 - 5) continue;
			expect(error).toBeUndefined();
			expect(await valuesOf(temporaryStore(filename).sqlite)).toHaveLength(10);
			break;
		}
	});

	test("rolls an abandoned transaction and an idle reserved connection back, and does not hang", async () => {
		for (const abandon of [
			(sqlite) => sqlite.transaction((tx) => tx.run(INSERT, ["x"]).then(() => new Promise(() => {}))),
			(sqlite) => sqlite.reserve().then((connection) => connection.exec("BEGIN; INSERT INTO t (a) VALUES ('x')")),
		]) {
			const filename = temporaryFile();
			const store = await storeWithRows(0, filename);
			const abandoned = abandon(store.sqlite).catch((error) => error.code);
			await sleep(20);
			const started = Date.now();
			await store.close();
			// While the store is open it would take 30 s.
			expect(Date.now() - started).toBeLessThan(20_000);
			expect(["ERR_TRANSACTION_TIMEOUT", undefined]).toContain(await abandoned);
			expect(await valuesOf(temporaryStore(filename).sqlite)).toEqual([]);
		}
	}, 300_000);

	test("awaited in the callback of a transaction does not hang", async () => {
		const store = await storeWithRows();
		const transaction = store.sqlite.transaction(async (tx) => {
			await tx.run(INSERT, ["x"]);
			await store.close();
		});
		await expectFailure(() => transaction, "ERR_TRANSACTION_TIMEOUT");
		await store.close();
	}, 300_000);
});

describe("the end of the process", () => {
	test("by itself: an idle store, a finished statement and an open iterator keep nobody alive", async () => {
		const result = await runModule(
			`${OPEN} await sqlite.run("INSERT INTO t (a) VALUES ('x')");
			await sqlite.run(${JSON.stringify(`${numbers(5_000)} INSERT INTO t (b) SELECT i FROM numbers`)});
			await sqlite.transaction((tx) => tx.all("SELECT 1"));
			await sqlite.iterate("SELECT * FROM t").next();
			await sqlite.prepare("SELECT 1");
			console.log("done");`,
			{ args: [await file()] },
		);
		expect(result).toEqual({ code: 0, signal: null, stdout: "done\n", stderr: "" });
	});

	test("waits for statements under way", async () => {
		const filename = await file();
		const result = await runModule(
			`${OPEN} sqlite.run("INSERT INTO t (a) VALUES ('x')");
			sqlite.transaction(async (tx) => { await null; await tx.run("INSERT INTO t (a) VALUES ('y')"); });`,
			{ args: [filename] },
		);
		expect(result).toMatchObject({ code: 0, stderr: "" });
		expect(await valuesOf(temporaryStore(filename).sqlite)).toEqual(["x", "y"]);
	});

	test("by process.exit writes what was issued, and rolls back the transaction that is open", async () => {
		const filename = await file();
		const result = await runModule(
			`${OPEN} await sqlite.run("INSERT INTO t (a) VALUES ('before')");
			sqlite.transaction(async (tx) => {
				await tx.run("INSERT INTO t (a) VALUES ('open')");
				await new Promise(() => {});
			}).catch(() => {});
			setTimeout(() => {
				appData.set({ key: "k", value: 1 });
				sqlite.run("INSERT INTO t (a) VALUES ('issued')");
				sqlite.transaction((tx) => tx.run("INSERT INTO t (a) VALUES ('never')")).catch(() => {});
				sqlite.run("INSERT INTO t (a) VALUES ('last')");
				process.exit(7);
			}, 100);`,
			{ args: [filename] },
		);
		expect(result).toMatchObject({ code: 7, stderr: "" });
		const store = temporaryStore(filename);
		expect(await valuesOf(store.sqlite)).toEqual(["before", "issued", "last"]);
		expect(await store.appData.get("k")).toBe(1);
	});

	test("by process.exit with a reserved connection does the same", async () => {
		const filename = await file();
		const result = await runModule(
			`${OPEN} const connection = await sqlite.reserve();
			await connection.run("BEGIN");
			await connection.run("INSERT INTO t (a) VALUES ('open')");
			sqlite.run("INSERT INTO t (a) VALUES ('issued')");
			process.exit(0);`,
			{ args: [filename] },
		);
		expect(result).toMatchObject({ code: 0, stderr: "" });
		expect(await valuesOf(temporaryStore(filename).sqlite)).toEqual(["issued"]);
	});

	test("by a kill keeps what was resolved, whole transactions, and nothing of an open one", async () => {
		const filename = await file();
		const child = startModule(
			`${OPEN} for (let i = 0; ; i++) {
				await sqlite.transaction(async (tx) => {
					await tx.run("INSERT INTO t (a) VALUES (?)", [i + " a"]);
					await tx.appData.set({ key: "n", value: i });
					await tx.run("INSERT INTO t (a) VALUES (?)", [i + " b"]);
				});
				console.log(i);
			}`,
			{ args: [filename] },
		);
		await child.lineCount(20);
		child.kill("SIGKILL");
		await child.ended;
		const resolved = Number(child.lines.at(-1));
		const { sqlite, appData } = temporaryStore(filename);
		const values = await valuesOf(sqlite);
		const n = await appData.get("n");
		expect(n).toBeGreaterThanOrEqual(resolved);
		expect(values).toEqual(Array.from({ length: n + 1 }, (_, i) => [`${i} a`, `${i} b`]).flat());
		expect(await sqlite.get("PRAGMA integrity_check")).toEqual({ integrity_check: "ok" });
	});
});

describe("a defect of the core", () => {
	test("ends the transaction that it meets, says so, and the store goes on", async () => {
		const filename = await file();
		// The panic says what happened on the error stream.
		const { code, stdout } = await runModule(
			`${OPEN} const codeOf = (promise) => promise.then(() => "resolved", ({ code }) => code);
			const broken = codeOf(sqlite.transaction(async (tx) => {
				await tx.run("INSERT INTO t (a) VALUES ('x')");
				await tx.appData.set({ key: "panic", value: 1 });
			}));
			const behind = codeOf(sqlite.run("INSERT INTO t (a) VALUES ('y')"));
			const codes = [await broken, await behind, await codeOf(sqlite.transaction((tx) => tx.all("SELECT 1")))];
			console.log(JSON.stringify([codes, await sqlite.all("SELECT a FROM t")]));`,
			{ args: [filename], env: { ROOTCELLAR_TEST_PANIC_ON_KEY: "panic" } },
		);
		expect(code).toBe(0);
		expect(JSON.parse(stdout)).toEqual([["ERR_INTERNAL", "resolved", "resolved"], [{ a: "y" }]]);
	});
});

describe("a worker thread", () => {
	/** Runs an ES module in a worker, with the package imported. */
	function startWorker(source, filename) {
		const prelude = `import { openDataStore } from ${JSON.stringify(packageUrl)};
			import { parentPort, workerData } from "node:worker_threads";
			const { sqlite, appData } = openDataStore({ filename: workerData, backup: false });\n`;
		const url = new URL(`data:text/javascript,${encodeURIComponent(prelude + source)}`);
		return new Worker(url, { workerData: filename });
	}

	test("that is terminated in a transaction, an iterator or an endless read leaves nothing behind", async () => {
		for (const source of [
			`await sqlite.transaction(async (tx) => {
				await tx.run("INSERT INTO t (a) VALUES ('open')");
				parentPort.postMessage("ready");
				await new Promise(() => setInterval(() => {}, 1_000));
			});`,
			`const connection = await sqlite.reserve();
			await connection.run("BEGIN");
			await connection.run("INSERT INTO t (a) VALUES ('open')");
			parentPort.postMessage("ready");
			setInterval(() => {}, 1_000);`,
			`await sqlite.iterate("SELECT a.name FROM sqlite_schema a, sqlite_schema b, sqlite_schema c, sqlite_schema d, sqlite_schema e").next();
			parentPort.postMessage("ready");
			setInterval(() => {}, 1_000);`,
			`sqlite.all(${JSON.stringify(ENDLESS)}).catch(() => {});
			sqlite.all(${JSON.stringify(ENDLESS)}, [], { timeoutMs: 60_000 }).catch(() => {});
			sqlite.iterate(${JSON.stringify(ENDLESS)}).next().catch(() => {});
			setTimeout(() => parentPort.postMessage("ready"), 50);`,
		]) {
			const filename = temporaryFile();
			const { sqlite, close } = await storeWithRows(0, filename);
			const worker = startWorker(source, filename);
			await once(worker, "message");
			const waiting = sqlite.run(INSERT, ["from the main thread"]);
			await worker.terminate();
			await waiting;
			expect(await valuesOf(sqlite)).toEqual(["from the main thread"]);
			await close();
		}
	}, 300_000);

	test("takes turns with the others at transactions", async () => {
		const filename = temporaryFile();
		const { sqlite } = await storeWithRows(0, filename);
		await sqlite.run("INSERT INTO t (id, b) VALUES (1, 0)");
		const add = `for (let i = 0; i < 50; i++) {
			await sqlite.transaction(async (tx) => {
				const { b } = await tx.get("SELECT b FROM t WHERE id = 1");
				await tx.run("UPDATE t SET b = ?", [b + 1]);
			});
		}`;
		const workers = [1, 2, 3].map(() => startWorker(`${add} parentPort.postMessage("done");`, filename));
		await Promise.all(workers.map((worker) => once(worker, "message")));
		await Promise.all(workers.map((worker) => worker.terminate()));
		expect(await sqlite.get("SELECT b FROM t")).toEqual({ b: 150 });
	}, 300_000);
});

test("an endless read of one store does not keep another from closing", async () => {
	const filename = temporaryFile();
	const one = await storeWithRows(0, filename);
	const other = temporaryStore(filename);
	const endless = one.sqlite.all(ENDLESS, [], { timeoutMs: 1_000 }).catch((error) => error.code);
	await other.sqlite.all("SELECT 1");
	await other.close();
	expect(await endless).toBe("ERR_TIMEOUT");
});
