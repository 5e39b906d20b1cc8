// `update`: a read, a function and a write that nobody comes between.

import { once } from "node:events";
import vm from "node:vm";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { packagePath, runModule } from "../helpers/child.mjs";
import { expectInvalidArgument, rejection, SECRET } from "../helpers/errors.mjs";
import { raw, rawConnection, rawRows } from "../helpers/raw.mjs";
import { temporaryAppData, temporaryFile, temporaryStore } from "../helpers/store.mjs";

const HOUR_MS = 3_600_000;
const increment = (n) => n + 1;

describe("the value", () => {
	test("update of a missing key gives the function the default and stores what it returns", async () => {
		const appData = temporaryAppData();
		expect(await appData.update("k", (list) => [...list, 1], [0])).toEqual([0, 1]);
		expect(await appData.get("k")).toEqual([0, 1]);
	});

	test("update of a stored key gives the function the stored value", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: null });
		expect(await appData.update("k", (value) => ({ was: value }), "default")).toEqual({ was: null });
	});

	test("update resolves with the very object that the function returned", async () => {
		const appData = temporaryAppData();
		const returned = { at: new Date(5), list: [1] };
		expect(await appData.update("k", () => returned, null)).toBe(returned);
		expect(await appData.get("k")).toEqual({ at: "1970-01-01T00:00:00.005Z", list: [1] });
	});

	test("the stored value is what the function returned at that moment", async () => {
		const appData = temporaryAppData();
		const returned = { n: 1 };
		const pending = appData.update("k", () => returned, null);
		await pending;
		returned.n = 2;
		expect(await appData.get("k")).toEqual({ n: 1 });
	});

	test("the function may change its argument without changing the caller's default", async () => {
		const appData = temporaryAppData();
		const defaultValue = { list: [] };
		const push = (value) => {
			value.list.push(1);
			return value;
		};
		expect(await appData.update("a", push, defaultValue)).toEqual({ list: [1] });
		expect(await appData.update("b", push, defaultValue)).toEqual({ list: [1] });
		expect(defaultValue).toEqual({ list: [] });
	});

	test("a default that is undefined or left out reaches the function as undefined", async () => {
		const appData = temporaryAppData();
		expect(await appData.update("a", (value) => String(value))).toBe("undefined");
		expect(await appData.update("b", (value) => String(value), undefined)).toBe("undefined");
	});

	test("a BigInt that the function returns is stored as its decimal string", async () => {
		const appData = temporaryAppData();
		await appData.update("k", () => ({ n: 5n }), null);
		expect(await appData.get("k")).toEqual({ n: "5" });
	});

	test("a default that has no JSON text is a TypeError, and nothing is written", async () => {
		const appData = temporaryAppData();
		const circular = { secret: SECRET };
		circular.self = circular;
		await expectInvalidArgument(() => appData.update("k", (value) => value, circular), "defaultValue");
		expect(await appData.get("k")).toBeUndefined();
	});
});

describe("the expiry", () => {
	const later = new Date(Date.now() + HOUR_MS);
	const evenLater = new Date(Date.now() + 2 * HOUR_MS);

	test("an update without an expiry keeps the one of the live row", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1, expiresAt: later });
		await appData.update("k", increment, 0);
		await appData.update("k", increment, 0, undefined);
		expect(await appData.select("k")).toEqual([{ key: "k", value: 3, expiresAt: later, expires_at: later }]);
	});

	test("an update with an expiry replaces the one of the row, as a Date or as milliseconds", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1, expiresAt: later });
		await appData.update("k", increment, 0, evenLater);
		expect((await appData.select("k"))[0].expiresAt).toEqual(evenLater);
		await appData.update("k", increment, 0, later.getTime());
		expect((await appData.select("k"))[0].expiresAt).toEqual(later);
	});

	test("an update with null as the expiry removes the one of the row, within a batch and a transaction too", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		const { appData, sqlite } = store;
		const soon = Date.now() + 60_000;
		const keys = ["alone", "together", "again", "within", "community"];
		await appData.set(keys.map((key) => ({ key, value: 1, expiresAt: soon })));
		await appData.set({ key: "community", value: 1, expiresAt: soon, communityId: "c" });
		const more = (value) => value + 1;
		await appData.update("alone", more, 0, null);
		await Promise.all([
			appData.update("together", more, 0),
			appData.update("together", more, 0, null),
			appData.update("together", more, 0),
			appData.update("again", more, 0, null),
			appData.update("again", more, 0, soon),
		]);
		await sqlite.transaction((tx) => tx.appData.update("within", more, 0, null));
		await appData.update("community", more, 0, null, "c");
		await appData.update("new", more, 0, null);
		const rows = await rawRows(filename);
		const expiries = rows.map(({ key, community_id, expires_at }) => [key, community_id, expires_at]);
		expect(expiries).toEqual([
			["alone", null, null],
			["together", null, null],
			["again", null, soon],
			["within", null, null],
			["community", null, soon],
			["community", "c", null],
			["new", null, null],
		]);
		const shown = await appData.select("%");
		expect(shown.filter((entry) => "expiresAt" in entry).map(({ key }) => key)).toEqual(["again", "community"]);
	});

	test("an update with an expiry gives one to a new key and to a key that had none", async () => {
		const appData = temporaryAppData();
		await appData.update("new", increment, 0, later);
		await appData.set({ key: "old", value: 1 });
		await appData.update("old", increment, 0, later);
		expect((await appData.select("%")).map((entry) => entry.expiresAt)).toEqual([later, later]);
	});

	test("an update with an expiry that has passed leaves no value", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1 });
		expect(await appData.update("k", increment, 0, new Date(1))).toBe(2);
		expect(await appData.get("k")).toBeUndefined();
	});

	test("update of an expired key gives the function the default and leaves one row without the old expiry", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: 100, expiresAt: new Date(Date.now() - HOUR_MS) });
		expect(await appData.update("k", increment, 0)).toBe(1);
		expect(await rawRows(filename)).toEqual([{ key: "k", community_id: null, value: "1", expires_at: null }]);
	});

	test("an update that fails leaves the expiry as it was", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1, expiresAt: later });
		const fail = () => {
			throw new Error("no");
		};
		await rejection(() => appData.update("k", fail, 0, evenLater));
		expect((await appData.select("k"))[0].expiresAt).toEqual(later);
	});
});

describe("a function that fails", () => {
	const thrown = [
		["an error", new Error("mine")],
		["a string", "mine"],
		["undefined", undefined],
		["null", null],
	];

	for (const [name, value] of thrown) {
		test(`update rejects with ${name} that the function throws, and nothing changes`, async () => {
			const filename = temporaryFile();
			const { appData } = temporaryStore(filename);
			await appData.set({ key: "k", value: { n: 1 } });
			const fail = (data) => {
				data.n = 2;
				throw value;
			};
			expect(await rejection(() => appData.update("k", fail, {}))).toBe(value);
			expect(await rejection(() => appData.update("missing", fail, {}))).toBe(value);
			expect(await appData.get("k")).toEqual({ n: 1 });
			expect((await rawRows(filename)).map((row) => row.value)).toEqual(['{"n":1}']);
			expect(await appData.update("k", (data) => data.n, {})).toBe(1);
		});
	}

	const unwritable = [
		["undefined", () => undefined],
		["nothing", () => {}],
		["a function", () => () => SECRET],
		["a symbol", () => Symbol(SECRET)],
		[
			"a circular object",
			() => {
				const value = { secret: SECRET };
				value.self = value;
				return value;
			},
		],
		[
			"an object whose toJSON throws",
			() => ({
				secret: SECRET,
				toJSON() {
					throw new Error("no");
				},
			}),
		],
	];

	for (const [name, updateFunc] of unwritable) {
		test(`a function that returns ${name} is a TypeError, and nothing changes`, async () => {
			const appData = temporaryAppData();
			await appData.set({ key: "k", value: 1 });
			for (const key of ["k", "missing"]) {
				const { message } = await expectInvalidArgument(() => appData.update(key, updateFunc, 0), "updateFunc");
				expect(message).toContain(
					`the result of updateFunc for the key "${key}" must be something that JSON can express`,
				);
			}
			expect(await appData.select("%")).toEqual([{ key: "k", value: 1 }]);
		});
	}

	const promises = [
		["a promise", async (n) => n + 1],
		["a promise of another realm", vm.runInNewContext("async (n) => n + 1")],
		["an object with a then method", (n) => ({ n, then: (resolve) => resolve(n) })],
	];

	for (const [name, updateFunc] of promises) {
		test(`a function that returns ${name} is a TypeError that asks for a synchronous one, and nothing changes`, async () => {
			const appData = temporaryAppData();
			await appData.set({ key: "k", value: 1 });
			const error = await expectInvalidArgument(() => appData.update("k", updateFunc, 0), "updateFunc");
			expect(error.message).toContain("synchronous");
			expect(error.message).toContain('for the key "k"');
			expect(await appData.get("k")).toBe(1);
		});
	}

	test("the rejection of a promise that the function returned does not end the process", async () => {
		const { code, stdout } = await runModule(
			`const store = openDataStore({ filename: process.argv[1], backup: false });
			const asynchronous = async () => { throw new Error("inside"); };
			await store.appData.update("k", asynchronous, 0).catch((error) => console.log(error.code));
			await new Promise((resolve) => setTimeout(resolve, 50));
			console.log(await store.appData.get("k"));`,
			{ args: [temporaryFile()] },
		);
		expect({ code, stdout }).toEqual({ code: 0, stdout: "ERR_INVALID_ARGUMENT\nundefined\n" });
	});
});

describe("atomicity", () => {
	test("200 concurrent increments give 200, and each sees another value", async () => {
		const appData = temporaryAppData();
		const results = await Promise.all(Array.from({ length: 200 }, () => appData.update("k", increment, 0)));
		expect(results).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
		expect(await appData.get("k")).toBe(200);
	});

	test("within one process the function is called once per update", async () => {
		const filename = temporaryFile();
		const stores = [temporaryStore(filename), temporaryStore(filename)];
		let calls = 0;
		const updates = Array.from({ length: 300 }, (_, i) =>
			stores[0].appData.update(
				`k${i % 3}`,
				(n) => {
					calls += 1;
					return n + 1;
				},
				0,
			),
		);
		await Promise.all(updates);
		expect(calls).toBe(300);
		expect(await stores[1].appData.selectValue("k%")).toEqual([100, 100, 100]);
	});

	test("increments through two stores on one file add up exactly", async () => {
		const filename = temporaryFile();
		const stores = [temporaryStore(filename), temporaryStore(filename)];
		await Promise.all(Array.from({ length: 400 }, (_, i) => stores[i % 2].appData.update("k", increment, 0)));
		expect(await stores[0].appData.get("k")).toBe(400);
		expect(await stores[1].appData.get("k")).toBe(400);
	});

	test("increments of two processes, 500 each, add up exactly", async () => {
		const filename = temporaryFile();
		const source = `const { appData } = openDataStore({ filename: process.argv[1], backup: false });
			const results = [];
			for (let i = 0; i < 100; i++) results.push(await appData.update("k", (n) => n + 1, 0));
			for (let i = 0; i < 40; i++) {
				const updates = Array.from({ length: 10 }, () => appData.update("k", (n) => n + 1, 0));
				results.push(...(await Promise.all(updates)));
			}
			console.log(JSON.stringify(results));`;
		const children = await Promise.all([
			runModule(source, { args: [filename] }),
			runModule(source, { args: [filename] }),
		]);
		for (const child of children) expect(child).toMatchObject({ code: 0, stderr: "" });
		expect(await temporaryStore(filename).appData.get("k")).toBe(1_000);
		const results = children.flatMap((child) => JSON.parse(child.stdout));
		expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
	}, 300_000);

	test("increments of worker threads and the main thread, 300 each, add up exactly", async () => {
		const filename = temporaryFile();
		const source = `const { workerData } = require("node:worker_threads");
			const { openDataStore } = require(workerData.packagePath);
			const store = openDataStore({ filename: workerData.filename, backup: false });
			const increments = Array.from({ length: 300 }, () => store.appData.update("k", (n) => n + 1, 0));
			Promise.all(increments).then(() => store.close());`;
		const workers = [1, 2].map(() => new Worker(source, { eval: true, workerData: { packagePath, filename } }));
		const exits = workers.map((worker) => once(worker, "exit"));
		const { appData } = temporaryStore(filename);
		for (let i = 0; i < 30; i++) {
			await Promise.all(Array.from({ length: 10 }, () => appData.update("k", increment, 0)));
		}
		expect(await Promise.all(exits)).toEqual([[0], [0]]);
		expect(await appData.get("k")).toBe(900);
	}, 300_000);

	test("increments beside another SQLite library add up exactly", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: 0 });
		const other = rawConnection(filename);
		await other.run("pragma busy_timeout = 5000");
		const foreign = "update __rootapp_kv set value = cast(value as integer) + 1 where key = 'k'";
		const theirs = (async () => {
			for (let i = 0; i < 200; i++) await other.run(foreign);
		})();
		const ours = (async () => {
			for (let i = 0; i < 200; i++) await appData.update("k", increment, -1_000_000);
		})();
		await Promise.all([theirs, ours]);
		expect(await appData.get("k")).toBe(400);
		expect(await raw(filename, "select value from __rootapp_kv")).toEqual([{ value: "400" }]);
	}, 300_000);
});
