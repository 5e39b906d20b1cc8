// Lifecycle: importing, idling, closing, sharing a file, and threads that end early.

import { once } from "node:events";
import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { openDataStore, RootcellarError } from "rootcellar";
import { describe, expect, test } from "vitest";
import { packagePath, packageUrl, runModule, runModuleForJson } from "../helpers/child.mjs";
import { expectFailure } from "../helpers/errors.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../helpers/store.mjs";

const OPEN = "const store = openDataStore({ filename: process.argv[1], backup: false });\nconst { appData } = store;\n";
const linux = process.platform === "linux";

const THREADS = JSON.stringify(new URL("../helpers/threads.mjs", import.meta.url).href);

describe("importing the package", () => {
	test("creates no file, prints nothing and lets the process end", async () => {
		const cwd = temporaryDirectory();
		expect(await runModule("", { cwd })).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
		const required = await runModule(
			`import { createRequire } from "node:module";
			createRequire(import.meta.url)(${JSON.stringify(packagePath)});`,
			{ cwd, bare: true },
		);
		expect(required).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
		expect(readdirSync(cwd)).toEqual([]);
	});

	test.runIf(linux)("starts no thread, and neither does opening a store that is not used", async () => {
		const source = `import { readdirSync } from "node:fs";
			import { readFile } from "node:fs/promises";
			import { threadNames } from ${THREADS};
			const threads = () => readdirSync("/proc/self/task").length;
			// Node's own pool of four starts with the first asynchronous work.
			await Promise.all(Array.from({ length: 8 }, () => readFile("/proc/self/stat")));
			const before = threads();
			const { dataStore, openDataStore } = await import(${JSON.stringify(packageUrl)});
			const imported = threads();
			openDataStore({ filename: "never.db", backup: false });
			dataStore.config;
			const opened = threads();
			await dataStore.appData.set({ key: "k", value: 1 });
			const used = threads();
			const names = threadNames();
			await dataStore.close();
			// The thread that closes tells of it, then ends.
			for (let n = 0; n < 3_000 && threads() > before; n++) await new Promise((resolve) => setTimeout(resolve, 20));
			const named = (name) => names.some((other) => other.startsWith(name));
			console.log(JSON.stringify({
				imported: imported - before, opened: opened - before, used: used > before,
				named: named("rootcellar"), closed: threads() - before,
			}));`;
		expect(await runModuleForJson(source, { cwd: temporaryDirectory(), bare: true })).toEqual({
			imported: 0,
			opened: 0,
			used: true,
			named: true,
			closed: 0,
		});
	});

	test("patches nothing global, and neither does using a store", async () => {
		const source = `
			const seen = new Map();
			// Every property of every built-in, as identities: what is replaced, added or removed shows.
			function snapshot() {
				const found = new Map();
				const walk = (path, object, depth) => {
					for (const key of Reflect.ownKeys(object)) {
						const descriptor = Object.getOwnPropertyDescriptor(object, key);
						const name = path + "." + String(key);
						found.set(name, descriptor);
						const value = descriptor.value;
						if (depth > 0 && (typeof value === "function" || (typeof value === "object" && value !== null))) {
							if (value !== globalThis && value !== process && !value.isProxy) walk(name, value, depth - 1);
						}
					}
				};
				walk("globalThis", globalThis, 3);
				for (const key of Reflect.ownKeys(process)) {
					const descriptor = Object.getOwnPropertyDescriptor(process, key);
					if (typeof descriptor.value === "function") found.set("process." + String(key), descriptor);
				}
				return found;
			}
			const differences = (before, after) => {
				const names = [];
				for (const name of new Set([...before.keys(), ...after.keys()])) {
					const [a, b] = [before.get(name), after.get(name)];
					if (!a || !b || a.value !== b.value && !(Number.isNaN(a.value)) || a.get !== b.get || a.set !== b.set || a.writable !== b.writable) names.push(name);
				}
				return names;
			};
			const before = snapshot();
			const { openDataStore } = await import(${JSON.stringify(packageUrl)});
			const imported = differences(before, snapshot());
			const events = process.eventNames().map(String);
			const { appData } = openDataStore({ filename: process.argv[1], backup: false });
			await appData.set({ key: "k", value: 5n });
			await appData.update("k", (text) => text + "!", "");
			await appData.select("%");
			await appData.get(null).catch(() => {});
			const used = differences(before, snapshot());
			let bigint;
			try { JSON.stringify(1n); } catch (error) { bigint = error.name; }
			console.log(JSON.stringify({ size: before.size > 1000, imported, used, events, bigint, toJSON: "toJSON" in BigInt.prototype }));`;
		expect(await runModuleForJson(source, { args: [temporaryFile()], bare: true })).toMatchObject({
			size: true,
			imported: [],
			used: [],
			bigint: "TypeError",
			toJSON: false,
		});
	});

	test("adds no listener to the process, and reads nothing of the environment that a bot could miss", async () => {
		const source = `const before = process.eventNames().length;
			const variables = JSON.stringify(process.env);
			await import(${JSON.stringify(packageUrl)});
			console.log(JSON.stringify([process.eventNames().length - before, JSON.stringify(process.env) === variables]));`;
		expect(await runModuleForJson(source, { bare: true })).toEqual([0, true]);
	});
});

describe("the process", () => {
	test("ends by itself while a used store is open and idle", async () => {
		// Else it is killed when the time is over.
		const result = await runModule(`${OPEN}await appData.set({ key: "k", value: 1 });\nawait appData.get("k");`, {
			args: [temporaryFile()],
			timeoutMs: 120_000,
		});
		expect(result).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
	}, 300_000);

	for (const [name, operation, expected] of [
		["set", 'appData.set({ key: "k", value: 1 })', "undefined"],
		["an array set", 'appData.set([{ key: "k", value: 1 }])', "undefined"],
		["get", 'appData.get("k")', "undefined"],
		["update", 'appData.update("k", (n) => n + 1, 0)', "1"],
		["delete", 'appData.delete("k")', "undefined"],
		["deleteLike", 'appData.deleteLike("%")', "undefined"],
		["select", 'appData.select("%")', "[]"],
		["close", "store.close()", "undefined"],
	]) {
		test(`is kept alive by a pending ${name}, the first or a later operation`, async () => {
			const source = `${OPEN}const show = (value) => console.log(JSON.stringify(value) ?? "undefined");
				if (process.argv[2] === "later") await appData.get("other");
				${operation}.then(show);`;
			for (const when of ["first", "later"]) {
				const result = await runModule(source, { args: [temporaryFile(), when], timeoutMs: 120_000 });
				expect(result).toEqual({ code: 0, signal: null, stdout: `${expected}\n`, stderr: "" });
			}
		}, 300_000);
	}

	test("is kept alive through a chain of operations, and then ends", async () => {
		const source = `${OPEN}let n = 0;
			const next = () => appData.update("n", (n) => n + 1, 0).then((value) => { n = value; if (n < 50) return next(); });
			next();
			process.on("exit", () => console.log(n));`;
		expect(await runModule(source, { args: [temporaryFile()], timeoutMs: 120_000 })).toMatchObject({
			code: 0,
			stdout: "50\n",
		});
	}, 300_000);
});

describe("closing", () => {
	test("is idempotent, also while it is under way", async () => {
		const store = temporaryStore();
		await store.appData.set({ key: "k", value: 1 });
		const results = await Promise.all([store.close(), store.close(), store[Symbol.asyncDispose]()]);
		expect(results).toEqual([undefined, undefined, undefined]);
		expect(await store.close()).toBeUndefined();
	});

	test("makes every later call reject with ERR_STORE_CLOSED, at once and for good", async () => {
		const store = temporaryStore();
		await store.appData.set({ key: "k", value: 1 });
		const { appData } = store;
		const calls = [
			() => appData.get("k"),
			() => appData.set({ key: "k", value: 2 }),
			() => appData.set([{ key: "k", value: 2 }]),
			() => appData.update("k", () => 2, 0),
			() => appData.delete("k"),
			() => appData.deleteLike("%"),
			() => appData.select("%"),
			() => appData.selectValue("%"),
		];
		const closing = store.close();
		for (const call of calls) await expectFailure(call, "ERR_STORE_CLOSED");
		await closing;
		for (const call of calls) await expectFailure(call, "ERR_STORE_CLOSED");
	});

	test("a store that was never used creates no file", async () => {
		const filename = temporaryFile();
		const store = openDataStore({ filename, backup: false });
		await store.close();
		await expectFailure(() => store.appData.get("k"), "ERR_STORE_CLOSED");
		expect(readdirSync(dirname(filename))).toEqual([]);
	});

	test("a store whose file cannot be opened resolves", async () => {
		const filename = join(temporaryDirectory(), "missing", "store.sqlite3");
		const store = openDataStore({ filename, backup: false });
		await expectFailure(() => store.appData.get("k"), "SQLITE_CANTOPEN");
		expect(await store.close()).toBeUndefined();
		await expectFailure(() => store.appData.get("k"), "ERR_STORE_CLOSED");
	});

	test("while the file is being opened waits for what was issued", async () => {
		const filename = temporaryFile();
		const store = openDataStore({ filename, backup: false });
		const pending = store.appData.set({ key: "k", value: 1 });
		await store.close();
		await pending;
		expect(await temporaryStore(filename).appData.get("k")).toBe(1);
	});

	test("inside an update's function finishes that update", async () => {
		const filename = temporaryFile();
		const store = openDataStore({ filename, backup: false });
		let closed;
		const result = await store.appData.update(
			"k",
			(n) => {
				closed = store.close();
				return n + 1;
			},
			0,
		);
		await closed;
		expect(result).toBe(1);
		expect(await temporaryStore(filename).appData.get("k")).toBe(1);
	});

	test("Symbol.asyncDispose closes the store, as await using does", async () => {
		const store = temporaryStore();
		await store.appData.set({ key: "k", value: 1 });
		expect(store[Symbol.asyncDispose]).toBeTypeOf("function");
		await store[Symbol.asyncDispose]();
		await expectFailure(() => store.appData.get("k"), "ERR_STORE_CLOSED");
	});

	test("an error of a closed store is an Error and a RootcellarError", async () => {
		const store = temporaryStore();
		await store.close();
		const error = await expectFailure(() => store.appData.get("k"), "ERR_STORE_CLOSED");
		expect(error).toBeInstanceOf(RootcellarError);
		expect(error.stack).toContain("RootcellarError");
	});

	test("opening and closing 100 times leaves no thread and no descriptor behind", async () => {
		const filename = temporaryFile();
		const source = `import { existsSync, readdirSync } from "node:fs";
			const count = (what) => existsSync("/proc/self") ? readdirSync("/proc/self/" + what).length : 0;
			async function once(i) {
				const store = openDataStore({ filename: process.argv[1], backup: false });
				await store.appData.set({ key: "k", value: i });
				await store.close();
			}
			for (let i = 0; i < 10; i++) await once(i);
			const before = [count("task"), count("fd")];
			for (let i = 0; i < 100; i++) await once(i);
			// The thread that closes tells of it, then ends.
			for (let n = 0; n < 6_000 && count("task") > before[0]; n++) await new Promise((turn) => setTimeout(turn, 10));
			const after = [count("task"), count("fd")];
			console.log(JSON.stringify(after.map((n, i) => n - before[i])));`;
		const [threads, descriptors] = await runModuleForJson(source, { args: [filename] });
		expect(threads).toBeLessThanOrEqual(0);
		expect(descriptors).toBeLessThanOrEqual(2);
	}, 300_000);

	test("opening and closing many stores on one file at once works", async () => {
		const filename = temporaryFile();
		await Promise.all(
			Array.from({ length: 40 }, async (_, i) => {
				const store = openDataStore({ filename, backup: false });
				await store.appData.set({ key: `k${i}`, value: i });
				await store.close();
			}),
		);
		const values = await temporaryStore(filename).appData.selectValue("k%");
		expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
	}, 300_000);
});

describe("one file under several names", () => {
	/** The same file by its own path, through a symbolic link, through a linked folder, and relative. */
	function namesOf(filename) {
		const link = join(temporaryDirectory(), "link.sqlite3");
		symlinkSync(filename, link);
		const folder = join(temporaryDirectory(), "folder");
		symlinkSync(dirname(filename), folder);
		const inner = join(dirname(filename), "inner");
		mkdirSync(inner);
		return [
			filename,
			link,
			join(folder, basename(filename)),
			relative(process.cwd(), filename),
			join(inner, "..", basename(filename)),
		];
	}

	test("stores see each other's writes at once, and one closes while the others go on", async () => {
		const filename = temporaryFile();
		await temporaryStore(filename).appData.set({ key: "k", value: 0 });
		const stores = namesOf(filename).map((name) => temporaryStore(name));
		let expected = 0;
		while (stores.length > 0) {
			for (const store of stores) {
				expected += 1;
				await store.appData.update("k", (n) => n + 1, 0);
				for (const other of stores) expect(await other.appData.get("k")).toBe(expected);
			}
			const closing = stores.shift();
			const [closed] = await Promise.all([
				closing.close(),
				...stores.map((store) => store.appData.set({ key: "other", value: 1 })),
			]);
			expect(closed).toBeUndefined();
			await expectFailure(() => closing.appData.get("k"), "ERR_STORE_CLOSED");
		}
		expect(await temporaryStore(filename).appData.get("k")).toBe(15);
	});

	test("stores on a file that does not exist yet, used in the same tick, share it", async () => {
		const filename = temporaryFile();
		const names = namesOf(filename);
		expect(existsSync(filename)).toBe(false);
		const stores = names.map((name) => temporaryStore(name));
		await Promise.all(stores.map((store, i) => store.appData.set({ key: `k${i}`, value: i })));
		for (const store of stores) expect((await store.appData.selectValue("k%")).sort()).toEqual([0, 1, 2, 3, 4]);
		const updates = stores.flatMap((store) =>
			Array.from({ length: 50 }, () => store.appData.update("n", (n) => n + 1, 0)),
		);
		await Promise.all(updates);
		expect(await stores[0].appData.get("n")).toBe(250);
	});

	test("a value that one store has cached is not kept when another store changes it", async () => {
		const filename = temporaryFile();
		const [a, b] = [temporaryStore(filename), temporaryStore(filename)];
		await a.appData.set({ key: "k", value: 1 });
		expect(await a.appData.get("k")).toBe(1);
		expect(await b.appData.get("k")).toBe(1);
		await b.appData.set({ key: "k", value: 2 });
		expect(await a.appData.get("k")).toBe(2);
		await b.appData.deleteLike("%");
		expect(await a.appData.get("k")).toBeUndefined();
	});

	test.runIf(linux)("stores under several names share one engine, and so its threads", async () => {
		const filename = temporaryFile();
		const source = `import { threadNames } from ${THREADS};
			const writers = () => threadNames().filter((name) => name.startsWith("rootcellar-writ")).length;
			const counts = [];
			for (const filename of process.argv.slice(1)) {
				await openDataStore({ filename, backup: false }).appData.set({ key: "k", value: 1 });
				counts.push(writers());
			}
			console.log(JSON.stringify(counts));`;
		const args = [...namesOf(filename), temporaryFile()];
		expect(await runModuleForJson(source, { args })).toEqual([1, 1, 1, 1, 1, 2]);
	});

	test("a hard link is the same file, or is refused, but never a second history", async () => {
		const filename = temporaryFile();
		const a = temporaryStore(filename);
		await a.appData.set({ key: "k", value: 1 });
		const link = join(dirname(filename), "hard.sqlite3");
		linkSync(filename, link);
		const b = temporaryStore(link);
		await b.appData.set({ key: "k", value: 2 });
		expect(await a.appData.get("k")).toBe(2);
		await a.appData.update("k", (n) => n + 1, 0);
		expect(await b.appData.get("k")).toBe(3);
	});
});

describe("worker threads", () => {
	const WORKER = `const { parentPort, workerData } = require("node:worker_threads");
		const { openDataStore } = require(workerData.packagePath);
		const store = openDataStore({ filename: workerData.filename, backup: false });
		const { appData } = store;\n`;

	function startWorker(source, filename) {
		return new Worker(WORKER + source, { eval: true, workerData: { packagePath, filename } });
	}

	const BUSY = `async function lane(n) {
			for (let i = 0; ; i++) {
				const key = workerData.filename.length + ":" + n + ":" + i;
				await appData.set({ key: "worker:" + key, value: i });
				parentPort.postMessage("worker:" + key);
				await appData.update("n", (n) => n + 1, 0);
				await appData.select("worker:%" + i);
			}
		}
		for (let n = 0; n < 8; n++) lane(n);`;

	test("one that is terminated in mid-work leaves the store usable, with all that it saw acknowledged", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		const acknowledged = [];
		for (let round = 0; round < 6; round++) {
			await appData.deleteLike("worker:%");
			acknowledged.length = 0;
			const worker = startWorker(BUSY, filename);
			worker.on("message", (key) => acknowledged.push(key));
			await once(worker, "message");
			await sleep(Math.random() * 40);
			await worker.terminate();
			expect(await appData.update("main", (n) => n + 1, 0)).toBe(round + 1);
			const keys = new Set((await appData.select("worker:%")).map((entry) => entry.key));
			expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
		}
	}, 300_000);

	test("one that is terminated before the main thread ever used the store leaves the file usable", async () => {
		const filename = temporaryFile();
		for (let round = 0; round < 2; round++) {
			const worker = startWorker(BUSY, filename);
			await once(worker, "message");
			await worker.terminate();
		}
		const { appData } = temporaryStore(filename);
		expect((await appData.select("worker:%")).length).toBeGreaterThan(0);
		await appData.set({ key: "main", value: 1 });
	}, 300_000);

	for (const [name, end] of [
		["process.exit", "process.exit(0);"],
		["running out of work", ""],
		["an exception", 'setImmediate(() => { throw new Error("the bot\'s own"); });'],
	]) {
		test(`one that ends by ${name} has written what it issued`, async () => {
			const filename = temporaryFile();
			const source = `for (let i = 0; i < 200; i++) appData.set({ key: "k" + i, value: i });
				for (let i = 0; i < 50; i++) appData.update("n", (n) => n + 1, 0);
				${end}`;
			const worker = startWorker(source, filename);
			const errors = [];
			worker.on("error", (error) => errors.push(error.message));
			await new Promise((resolve) => worker.once("exit", resolve));
			expect(errors).toEqual(name === "an exception" ? ["the bot's own"] : []);
			const { appData } = temporaryStore(filename);
			expect(await appData.selectValue("k%")).toEqual(Array.from({ length: 200 }, (_, i) => i));
			expect(await appData.get("n")).toBe(50);
		}, 300_000);
	}

	test("one that imports the package and ends at once disturbs nobody", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		for (let round = 0; round < 4; round++) {
			const worker = startWorker("", filename);
			const writes = Array.from({ length: 20 }, (_, i) => appData.set({ key: `k${i}`, value: round }));
			expect(await once(worker, "exit")).toEqual([0]);
			await Promise.all(writes);
		}
		expect(await appData.selectValue("k%")).toEqual(Array(20).fill(3));
	}, 300_000);

	test("a value that one thread has cached is not kept when another thread changes it", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: 0 });
		const worker = startWorker(
			`parentPort.on("message", async (n) => {
				if (n === "end") return parentPort.close();
				await appData.set({ key: "k", value: n });
				parentPort.postMessage(await appData.get("k"));
			});`,
			filename,
		);
		for (let n = 1; n <= 50; n++) {
			expect(await appData.get("k")).toBe(n - 1);
			worker.postMessage(n);
			await once(worker, "message");
			expect(await appData.get("k")).toBe(n);
		}
		worker.postMessage("end");
		await once(worker, "exit");
	}, 300_000);
});
