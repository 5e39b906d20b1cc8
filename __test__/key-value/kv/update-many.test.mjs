// `kv.updateMany`: several keys, all or none, without a lock while the function runs.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { packagePath, runModule } from "../../helpers/child.mjs";
import { expectFailure, expectInvalidArgument, rejection, SECRET } from "../../helpers/errors.mjs";
import { makeSdkFile, rawConnection, rawRows } from "../../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const HOUR_MS = 3_600_000;
const ACCOUNTS = Array.from({ length: 10 }, (_, i) => `account:${i}`);

/** Moves an amount from one account to another; of what is not there nothing. */
const transfer = (from, to, amount) => (values) =>
	values[from] < amount ? undefined : { [from]: values[from] - amount, [to]: values[to] + amount };

const total = (values) => values.reduce((sum, value) => sum + value, 0);

describe("what the function returns", () => {
	test("changes the keys that it has, deletes those that are undefined, and leaves the others", async () => {
		const filename = temporaryFile();
		const { kv, appData } = temporaryStore(filename);
		await appData.set(["a", "b", "c", "d"].map((key) => ({ key, value: { key } })));
		const seen = [];
		const result = await kv.updateMany(["a", "b", "c", "missing", "new"], (values) => {
			seen.push(structuredClone(values));
			values.c.key = "changed in place";
			return { a: 1, b: undefined, new: [2] };
		});
		expect(seen).toEqual([{ a: { key: "a" }, b: { key: "b" }, c: { key: "c" } }]);
		expect(result).toEqual({ a: 1, c: { key: "c" }, new: [2] });
		expect(Object.keys(result)).toEqual(["a", "c", "new"]);
		expect((await rawRows(filename)).map(({ key, value }) => [key, value])).toEqual([
			["a", "1"],
			["c", '{"key":"c"}'],
			["d", '{"key":"d"}'],
			["new", "[2]"],
		]);
	});

	test("undefined, and an empty object, change nothing and give the values", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set({ key: "a", value: 1, expiresAt: Date.now() + HOUR_MS });
		const before = await appData.select("%");
		for (const result of [undefined, {}]) {
			expect(await kv.updateMany(["a", "b"], () => result)).toEqual({ a: 1 });
			expect(await appData.select("%")).toEqual(before);
		}
	});

	test("keys keep their expiry, and new ones and expired ones have none", async () => {
		const { kv, appData } = temporaryStore();
		const expiresAt = new Date(Date.now() + HOUR_MS);
		await appData.set([
			{ key: "a", value: 1, expiresAt },
			{ key: "old", value: 1, expiresAt: 1_000 },
		]);
		const result = await kv.updateMany(["a", "old", "new"], (values) => {
			expect(values).toEqual({ a: 1 });
			return { a: 2, old: 3, new: 4 };
		});
		expect(result).toEqual({ a: 2, old: 3, new: 4 });
		expect(await appData.select("%")).toEqual([
			{ key: "a", value: 2, expiresAt, expires_at: expiresAt },
			{ key: "old", value: 3 },
			{ key: "new", value: 4 },
		]);
	});

	test("of no keys is called once, and may return nothing", async () => {
		const { kv } = temporaryStore();
		const calls = [];
		expect(await kv.updateMany([], (values) => void calls.push(values))).toEqual({});
		expect(calls).toEqual([{}]);
	});

	test("a key that is given twice is one, and numbers are keys as elsewhere", async () => {
		const { kv, appData } = temporaryStore();
		expect(await kv.updateMany(["5", 5, "a", "a"], () => ({ 5: 1, a: 2 }))).toEqual({ 5: 1, a: 2 });
		expect(await appData.get("5")).toBe(1);
	});

	test("keys with names of objects are keys like others", async () => {
		const { kv, appData } = temporaryStore();
		const keys = ["__proto__", "constructor", "toString", ""];
		const first = await kv.updateMany(keys, (values) => {
			expect(Object.keys(values)).toEqual([]);
			return Object.fromEntries(keys.map((key, i) => [key, i]));
		});
		expect(Object.entries(first)).toEqual(keys.map((key, i) => [key, i]));
		await kv.updateMany(keys, (values) => Object.fromEntries(keys.map((key) => [key, values[key] + 1])));
		expect(await Promise.all(keys.map((key) => appData.get(key)))).toEqual([1, 2, 3, 4]);
		expect({}.polluted).toBeUndefined();
		// An inherited property is none of the result's.
		expect(await kv.updateMany(["toString"], () => ({}))).toEqual({ toString: 3 });
	});

	test("of several rows of the SDK the newest is given, and one row is left", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [
			{ key: "a", value: "1" },
			{ key: "b", value: "1" },
			{ key: "a", value: "2" },
			{ key: "b", value: "2" },
		]);
		const { kv } = temporaryStore(filename);
		expect(await kv.updateMany(["a", "b"], ({ a, b }) => ({ a: a * 10, b: b > 1 ? undefined : 0 }))).toEqual({ a: 20 });
		expect((await rawRows(filename)).map(({ key, value }) => [key, value])).toEqual([["a", "20"]]);
	});

	test("1,000 keys, and values that no single read gives, are changed together", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		const keys = Array.from({ length: 1_000 }, (_, i) => `k${i}`);
		const large = "x".repeat(30_000);
		await appData.set(keys.map((key) => ({ key, value: large })));
		// With an empty cache.
		const { kv } = temporaryStore(filename);
		const result = await kv.updateMany(keys, (values) =>
			Object.fromEntries(keys.map((key) => [key, values[key].length])),
		);
		expect(new Set(Object.values(result))).toEqual(new Set([30_000]));
		expect(new Set(await appData.selectValue("k%"))).toEqual(new Set([30_000]));
	});
});

describe("what is refused changes nothing", () => {
	const results = [
		["a promise", async () => ({ a: 2 }), "synchronous"],
		["an object with a then method", () => ({ a: 2, then: () => {} }), "synchronous"],
		["a promise as a value", () => ({ a: 2, b: Promise.resolve(SECRET) }), "synchronous"],
		// Nobody can handle these rejections but the store.
		["promises that reject", () => ({ a: Promise.reject(SECRET), b: Promise.reject(SECRET) }), "synchronous"],
		["a promise that rejects, of another key", () => ({ other: Promise.reject(SECRET) }), '"other"'],
		["null", () => null, "must return an object"],
		["an array", () => [1], "must return an object"],
		["a text", () => SECRET, "must return an object"],
		["a map", () => new Map([["a", 2]]), "must return an object"],
		["a set", () => new Set(["a"]), "must return an object"],
		[
			"a generator",
			function* () {
				yield { a: 2 };
			},
			"must return an object",
		],
		[
			"an asynchronous generator",
			async function* () {
				yield { a: 2 };
			},
			"must return an object",
		],
		[
			"a proxy that was revoked",
			() => {
				const { proxy, revoke } = Proxy.revocable({ a: 2 }, {});
				revoke();
				return proxy;
			},
			"cannot be read",
		],
		["a key that was not given", () => ({ a: 2, other: SECRET }), '"other"'],
		["a function as a value", () => ({ a: 2, b: () => SECRET }), "something that JSON can express"],
		["a symbol as a value", () => ({ a: 2, b: Symbol(SECRET) }), "something that JSON can express"],
		[
			"a circular value",
			() => {
				const b = { secret: SECRET };
				b.self = b;
				return { a: 2, b };
			},
			"something that JSON can express",
		],
		[
			"a getter that throws",
			() => ({
				a: 2,
				get b() {
					throw new Error("no");
				},
			}),
			"cannot be read",
		],
	];

	for (const [name, updateFunc, words] of results) {
		test(`${name} is a TypeError`, async () => {
			const { kv, appData } = temporaryStore();
			await appData.set({ key: "a", value: 1 });
			const error = await expectInvalidArgument(() => kv.updateMany(["a", "b"], updateFunc), "updateFunc");
			expect(error.message).toContain(words);
			expect(await appData.select("%")).toEqual([{ key: "a", value: 1 }]);
			expect(await kv.updateMany(["a", "b"], ({ a }) => ({ b: a }))).toEqual({ a: 1, b: 1 });
		});
	}

	test("what the function throws is what the call rejects with", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set({ key: "a", value: { n: 1 } });
		const mine = new Error("mine");
		const error = await rejection(() =>
			kv.updateMany(["a", "b"], ({ a }) => {
				a.n = 2;
				throw mine;
			}),
		);
		expect(error).toBe(mine);
		expect(await appData.select("%")).toEqual([{ key: "a", value: { n: 1 } }]);
	});

	test("a stored text that is no JSON is an error of its key, and the function is not called", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [
			{ key: "a", value: "1" },
			{ key: "b", value: "{half" },
		]);
		const { kv } = temporaryStore(filename);
		const calls = [];
		const error = await expectFailure(() => kv.updateMany(["a", "b"], () => calls.push(1)), "ERR_VALUE_NOT_JSON");
		expect(error.message).toContain('"b"');
		expect(calls).toEqual([]);
		expect((await rawRows(filename)).map(({ value }) => value)).toEqual(["1", "{half"]);
	});
});

describe("atomicity", () => {
	test("within a process the function is called once, on what the writes before have left", async () => {
		const { kv, appData } = temporaryStore();
		let calls = 0;
		const updates = Array.from({ length: 200 }, (_, i) => {
			const [from, to] = [`k${i % 3}`, `k${(i + 1) % 3}`];
			if (i % 5 === 0) kv.increment(from, 10);
			if (i % 7 === 0) appData.update(to, (n) => n + 10, 0);
			return kv.updateMany([from, to], (values) => {
				calls++;
				return { [from]: (values[from] ?? 0) - 1, [to]: (values[to] ?? 0) + 1 };
			});
		});
		await Promise.all(updates);
		expect(calls).toBe(200);
		expect(total(await appData.selectValue("k%"))).toBe(10 * 40 + 10 * 29);
	});

	test("a read behind it sees all of it", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 2 },
			{ key: "c", value: 3 },
		]);
		const [, ...seen] = await Promise.all([
			kv.updateMany(["a", "b", "c"], ({ a, b }) => ({ a: b, b: a, c: undefined })),
			appData.get("a"),
			appData.get("b"),
			appData.get("c"),
			appData.set({ key: "c", value: 4 }),
			appData.get("c"),
		]);
		expect(seen).toEqual([2, 1, undefined, undefined, 4]);
		expect(await appData.get("c")).toBe(4);
	});

	test("it runs again when another store changed one of the keys, also one that it leaves", async () => {
		const filename = temporaryFile();
		const [one, other] = [temporaryStore(filename), temporaryStore(filename)];
		await one.appData.set([
			{ key: "limit", value: 10 },
			{ key: "n", value: 0 },
		]);
		const library = rawConnection(filename);
		await library.run("pragma busy_timeout = 5000");
		await library.run("begin immediate");
		const seen = [];
		const update = one.kv.updateMany(["limit", "n"], ({ limit, n }) => {
			seen.push({ limit, n });
			return { n: Math.min(n + 1, limit) };
		});
		// The function has run by now, or runs on what the library has changed.
		await one.appData.get("other");
		await library.run("update __rootapp_kv set value = '0' where key = 'limit'");
		await library.run("commit");
		expect(await update).toEqual({ limit: 0, n: 0 });
		expect(seen.at(-1)).toEqual({ limit: 0, n: 0 });
		expect(await other.appData.get("n")).toBe(0);
	});

	test("transfers between ten accounts, by processes, a worker, SQL and increments, keep their sum", async () => {
		const filename = temporaryFile();
		const { kv, appData, sqlite } = temporaryStore(filename);
		await appData.set(ACCOUNTS.map((key) => ({ key, value: 100 })));
		const body = `const pick = () => Math.floor(Math.random() * 10);
			const run = async (kv) => {
				for (let i = 0; i < 40; i++) {
					await Promise.all(Array.from({ length: 5 }, () => {
						const [from, to] = [pick(), pick()].map((n) => "account:" + n);
						if (from === to) return kv.updateMany([from], () => undefined);
						return kv.updateMany([from, to], (values) =>
							values[from] < 7 ? undefined : { [from]: values[from] - 7, [to]: values[to] + 7 });
					}));
				}
			};`;
		const child = `${body} const store = openDataStore({ filename: process.argv[1], backup: false });
			await run(store.kv);
			await store.close();`;
		const inWorker = `${body} const { workerData } = require("node:worker_threads");
			const { openDataStore } = require(workerData.packagePath);
			const store = openDataStore({ filename: workerData.filename, backup: false });
			run(store.kv).then(() => store.close());`;
		const children = [1, 2].map(() => runModule(child, { args: [filename] }));
		const worker = once(new Worker(inWorker, { eval: true, workerData: { packagePath, filename } }), "exit");
		const sums = [];
		const given = [];
		for (let i = 0; i < 40; i++) {
			const [from, to] = [ACCOUNTS[i % 10], ACCOUNTS[(i + 3) % 10]];
			await Promise.all([
				kv.updateMany([from, to], transfer(from, to, 5)),
				sqlite.transaction(async (tx) => {
					await tx.kv.increment(from, -1);
					await tx.kv.increment(to, 1);
				}),
				kv.updateMany(ACCOUNTS, (values) => void given.push(total(Object.values(values)))),
			]);
			sums.push(total(await appData.selectValue("account:%")));
		}
		for (const output of await Promise.all(children)) expect(output).toMatchObject({ code: 0, stderr: "" });
		expect(await worker).toEqual([0]);
		expect(new Set(sums)).toEqual(new Set([1_000]));
		expect(given.length).toBeGreaterThanOrEqual(40);
		expect(total(await appData.selectValue("account:%"))).toBe(1_000);
	}, 300_000);
});

test("a trigger that fails at one key undoes the others, and one that keeps a key is an error", async () => {
	const { kv, appData, sqlite } = temporaryStore();
	await appData.set(["a", "b", "c"].map((key) => ({ key, value: 1 })));
	const change = () => kv.updateMany(["a", "b", "c", "d"], () => ({ d: 2, a: 2, b: undefined, c: 2 }));
	for (const [action, code] of [
		["raise(abort, 'no')", "SQLITE_CONSTRAINT_TRIGGER"],
		["raise(fail, 'no')", "SQLITE_CONSTRAINT_TRIGGER"],
		["raise(ignore)", "ERR_NOT_WRITTEN"],
	]) {
		const when = "before update on __rootapp_kv when new.key = 'c'";
		await sqlite.exec(`create trigger refuse ${when} begin select ${action}; end`);
		await expectFailure(change, code);
		await expectFailure(() => kv.increment("c"), code);
		await expectFailure(() => kv.expire("c", { ttlMs: HOUR_MS }), code);
		expect(await appData.select("%")).toEqual(["a", "b", "c"].map((key) => ({ key, value: 1 })));
		await sqlite.exec("drop trigger refuse");
	}
	await sqlite.exec(
		"create trigger refuse before delete on __rootapp_kv when old.key = 'b' begin select raise(ignore); end",
	);
	for (const call of [() => kv.getAndDelete("b"), () => kv.deleteRange({ prefix: "" }), change]) {
		await expectFailure(call, "ERR_NOT_WRITTEN");
	}
	expect(await appData.select("%")).toEqual(["a", "b", "c"].map((key) => ({ key, value: 1 })));
	await sqlite.exec("drop trigger refuse");
	expect(await change()).toEqual({ a: 2, c: 2, d: 2 });
});

describe("in a transaction", () => {
	test("every method of tx.kv sees the transaction, and is rolled back with it", async () => {
		const { kv, appData, sqlite } = temporaryStore();
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 2 },
		]);
		const roll = async (tx) => {
			expect(await tx.kv.increment("a", 4)).toBe(5);
			expect(await tx.appData.get("a")).toBe(5);
			expect(await tx.kv.setIfAbsent({ key: "c", value: 3 })).toBe(true);
			expect(await tx.kv.updateMany(["a", "b", "c"], ({ a, b }) => ({ a: a + b, b: undefined }))).toEqual({
				a: 7,
				c: 3,
			});
			expect(await tx.kv.getAndDelete("c")).toBe(3);
			expect(await tx.kv.expire("a", { ttlMs: HOUR_MS })).toBe(true);
			const late = tx.transaction(async (inner) => {
				await inner.kv.increment("a", 100);
				throw new Error("inner");
			});
			expect((await rejection(() => late)).message).toBe("inner");
			expect(await tx.appData.get("a")).toBe(7);
			expect(await tx.kv.deleteRange({ prefix: "" })).toBe(1);
			throw new Error("outer");
		};
		expect((await rejection(() => sqlite.transaction(roll))).message).toBe("outer");
		expect(await appData.select("%")).toEqual([
			{ key: "a", value: 1 },
			{ key: "b", value: 2 },
		]);
		await sqlite.transaction(async (tx) => {
			await tx.kv.updateMany(["a", "b"], ({ a, b }) => ({ a: b, b: a }));
			await Promise.all([
				tx.kv.increment("a"),
				tx.kv.increment("a", 1, { max: 0 }).catch(() => {}),
				tx.kv.increment("a"),
			]);
		});
		expect(await appData.selectValue("%")).toEqual([4, 1]);
		expect(await kv.increment("a")).toBe(5);
	});

	test("a plain kv write within a callback is refused", async () => {
		const { kv, sqlite } = temporaryStore();
		await sqlite.transaction(async () => {
			for (const call of [
				() => kv.increment("a"),
				() => kv.setIfAbsent({ key: "a", value: 1 }),
				() => kv.getAndDelete("a"),
				() => kv.expire("a", null),
				() => kv.deleteRange({ prefix: "" }),
				() => kv.updateMany(["a"], () => ({ a: 1 })),
			]) {
				await expectFailure(call, "ERR_IN_TRANSACTION");
			}
		});
	});
});
