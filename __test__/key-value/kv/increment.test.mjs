// `kv.increment`: sums as JavaScript has them, in one step of the writer.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packagePath, runModule } from "../../helpers/child.mjs";
import { expectFailure, rejection } from "../../helpers/errors.mjs";
import { makeSdkFile, rawConnection, rawRows } from "../../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const HOUR_MS = 3_600_000;

describe("the sum", () => {
	test("increment of a missing key starts at 0, and adds 1 unless told otherwise", async () => {
		const { kv, appData } = temporaryStore();
		expect(await kv.increment("k")).toBe(1);
		expect(await kv.increment("k", undefined, undefined)).toBe(2);
		expect(await kv.increment("k", -2.5)).toBe(-0.5);
		expect(await kv.increment("other", 40)).toBe(40);
		expect(await kv.increment("zero", 0)).toBe(0);
		expect(await appData.select("%")).toEqual([
			{ key: "k", value: -0.5 },
			{ key: "other", value: 40 },
			{ key: "zero", value: 0 },
		]);
	});

	const sums = [
		["tenths", 0.1, 0.2],
		["a sum of 1e21, from which on there is an exponent", 999_999_999_999_999_900_000, 100_000],
		["small numbers around the other bound of exponents", 0.000_001, -0.000_000_1],
		["an integer beyond 2^53, where 1 is lost", 2 ** 53, 1],
		["integers that are exact beyond 2^53", 2 ** 53, 2],
		["the largest numbers", Number.MAX_VALUE, -Number.MIN_VALUE],
		["the smallest numbers", Number.MIN_VALUE, Number.MIN_VALUE],
		["a difference of 0", 0.1, -0.1],
		["a negative zero", -0, -0],
	];

	for (const [name, first, second] of sums) {
		test(`${name}: the sum and its text are those of JavaScript`, async () => {
			const filename = temporaryFile();
			const { kv } = temporaryStore(filename);
			expect(await kv.increment("k", first)).toBe(0 + first);
			const sum = (first === 0 ? 0 : first) + second;
			expect(await kv.increment("k", second)).toBe(sum);
			expect((await rawRows(filename))[0].value).toBe(JSON.stringify(sum));
		});
	}

	test("random sums and their texts are those of JavaScript", async () => {
		const filename = temporaryFile();
		const { kv, appData, sqlite } = temporaryStore(filename);
		const scaled = fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.integer({ min: -30, max: 30 }));
		const number = fc.oneof(
			fc.double({ noNaN: true, noDefaultInfinity: true }),
			fc.integer(),
			fc.maxSafeInteger(),
			// Often as far from one decimal as from the next.
			fc.maxSafeInteger().map((quarters) => quarters / 4),
			scaled.map(([digits, exponent]) => digits * 10 ** exponent),
		);
		const pairs = fc.sample(fc.tuple(number, number), 2_000).filter(([a, b]) => Number.isFinite(a + b));
		await appData.set(pairs.map(([value], index) => ({ key: `k${index}`, value })));
		const sums = await Promise.all(pairs.map(([, by], index) => kv.increment(`k${index}`, by)));
		// JSON has a positive zero for a negative one.
		const expected = pairs.map(([a, b]) => JSON.parse(JSON.stringify(a)) + b + 0);
		expect(sums).toEqual(expected);
		const rows = await sqlite.all("select value from __rootapp_kv order by rowid");
		expect(rows.map(({ value }) => value)).toEqual(expected.map((sum) => JSON.stringify(sum)));
	});

	const texts = [
		["1.0", 2],
		["1E2", 101],
		["1e+2", 101],
		[" 7\n", 8],
		["-0", 1],
		["0.1e1", 2],
		["123456789012345678901234567890", 123456789012345680000000000000],
	];

	for (const [text, sum] of texts) {
		test(`a number that another program wrote as ${JSON.stringify(text)} counts as JSON.parse has it`, async () => {
			const filename = temporaryFile();
			await makeSdkFile(filename, [{ key: "k", value: text }]);
			const { kv, appData } = temporaryStore(filename);
			expect(await kv.increment("k")).toBe(sum);
			expect(await appData.get("k")).toBe(sum);
			expect((await rawRows(filename)).map(({ value }) => value)).toEqual([JSON.stringify(sum)]);
		});
	}

	test("of several rows of the SDK the newest counts, and one row is left in the place of the oldest", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [
			{ key: "k", value: "1" },
			{ key: "other", value: "0" },
			{ key: "k", value: "5", expires_at: Date.now() + HOUR_MS },
		]);
		const { kv, appData } = temporaryStore(filename);
		expect(await kv.increment("k")).toBe(6);
		const entries = await appData.select("%");
		expect(entries.map(({ key, value }) => [key, value])).toEqual([
			["k", 6],
			["other", 0],
		]);
		expect(entries[0].expiresAt.getTime()).toBeGreaterThan(Date.now());
		expect((await rawRows(filename)).map(({ value }) => value)).toEqual(["6", "0"]);
	});
});

describe("the expiry", () => {
	test("counts where the key is created, and is kept from then on", async () => {
		const { kv, appData } = temporaryStore();
		const first = Date.now() + HOUR_MS;
		await kv.increment("k", 1, { expiresAt: new Date(first) });
		await kv.increment("k", 1, { expiresAt: first + HOUR_MS });
		await kv.increment("k", 1, { ttlMs: 1 });
		await kv.increment("k");
		const [entry] = await appData.select("k");
		expect(entry).toEqual({ key: "k", value: 4, expiresAt: new Date(first), expires_at: new Date(first) });
	});

	test("a key without one gets none", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set({ key: "k", value: 1 });
		await kv.increment("k", 1, { ttlMs: HOUR_MS });
		expect(await appData.select("%")).toEqual([{ key: "k", value: 2 }]);
	});

	test("an expired key starts at 0, and gets the one that is given", async () => {
		const filename = temporaryFile();
		const { kv, appData } = temporaryStore(filename);
		await appData.set([
			{ key: "a", value: 100, expiresAt: 1_000 },
			{ key: "b", value: "text", expiresAt: 1_000 },
		]);
		expect(await Promise.all([kv.increment("a"), kv.increment("b", 2, { ttlMs: HOUR_MS })])).toEqual([1, 2]);
		const rows = await rawRows(filename);
		expect(rows.map(({ key, value }) => [key, value])).toEqual([
			["a", "1"],
			["b", "2"],
		]);
		expect(rows[0].expires_at).toBeNull();
		expect(rows[1].expires_at - Date.now()).toBeGreaterThan(HOUR_MS / 2);
	});

	test("one that has passed leaves no key", async () => {
		const { kv, appData } = temporaryStore();
		expect(await kv.increment("k", 5, { expiresAt: 1_000 })).toBe(5);
		expect(await appData.get("k")).toBeUndefined();
		expect(await kv.increment("k", 5)).toBe(5);
		expect(await appData.get("k")).toBe(5);
	});
});

describe("what is refused changes nothing", () => {
	for (const value of ["1", true, null, [1], { n: 1 }]) {
		test(`ERR_VALUE_TYPE where ${JSON.stringify(value)} is stored`, async () => {
			const { kv, appData } = temporaryStore();
			const expiresAt = new Date(Date.now() + HOUR_MS);
			await appData.set({ key: "k", value, expiresAt });
			const before = await appData.select("%");
			const error = await expectFailure(() => kv.increment("k"), "ERR_VALUE_TYPE");
			expect(error.message).toContain('"k"');
			expect(await appData.select("%")).toEqual(before);
		});
	}

	test("ERR_VALUE_NOT_JSON where another program stored what is no JSON", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [{ key: "k", value: "+1" }]);
		const { kv } = temporaryStore(filename);
		await expectFailure(() => kv.increment("k"), "ERR_VALUE_NOT_JSON");
		expect((await rawRows(filename)).map(({ value }) => value)).toEqual(["+1"]);
	});

	const outOfRange = [
		["above max", 10, 1, { max: 10 }],
		["below min", 0, -0.5, { min: 0 }],
		["outside of both", 5, 5, { min: 0, max: 9.5 }],
		["not finite", Number.MAX_VALUE, Number.MAX_VALUE, {}],
		["not finite, below", -Number.MAX_VALUE, -Number.MAX_VALUE, { min: Number.NEGATIVE_INFINITY }],
	];

	for (const [name, value, by, options] of outOfRange) {
		test(`ERR_OUT_OF_RANGE for a sum that is ${name}`, async () => {
			const { kv, appData } = temporaryStore();
			await appData.set({ key: "k", value });
			const error = await rejection(() => kv.increment("k", by, options));
			expect(error).toBeInstanceOf(RangeError);
			expect(error.code).toBe("ERR_OUT_OF_RANGE");
			expect(error.message).toContain('"k"');
			expect(await appData.get("k")).toBe(value);
		});
	}

	test("a missing key stays missing, with and without an expiry", async () => {
		const { kv, appData } = temporaryStore();
		for (const options of [{ max: 0 }, { max: 0, ttlMs: HOUR_MS }, { min: 2 }]) {
			expect((await rejection(() => kv.increment("k", 1, options))).code).toBe("ERR_OUT_OF_RANGE");
		}
		expect(await appData.select("%")).toEqual([]);
	});

	test("sums on the bounds are allowed", async () => {
		const { kv } = temporaryStore();
		expect(await kv.increment("k", 10, { max: 10 })).toBe(10);
		expect(await kv.increment("k", -10, { min: 0 })).toBe(0);
		expect(await kv.increment("k", 1, { min: 1, max: 1 })).toBe(1);
	});

	test("of many at once only those that fit count, in the order of issue", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set({ key: "stock", value: 3 });
		const sales = Array.from({ length: 10 }, () => kv.increment("stock", -1, { min: 0 }));
		const results = await Promise.allSettled(sales);
		expect(results.map(({ value, reason }) => value ?? reason.code)).toEqual([
			2,
			1,
			0,
			...Array.from({ length: 7 }, () => "ERR_OUT_OF_RANGE"),
		]);
		expect(await appData.get("stock")).toBe(0);
	});
});

describe("atomicity", () => {
	test("1,000 at once on 100 keys each see another sum, between other operations", async () => {
		const { kv, appData } = temporaryStore();
		const calls = Array.from({ length: 1_000 }, (_, i) => [
			kv.increment(`k${i % 100}`),
			i % 7 ? undefined : appData.get(`k${i % 100}`),
		]);
		for (const [i, [sum, seen]] of calls.entries()) {
			expect(await sum).toBe(Math.floor(i / 100) + 1);
			if (seen) expect(await seen).toBe(Math.floor(i / 100) + 1);
		}
		expect(await appData.selectValue("k%")).toEqual(Array.from({ length: 100 }, () => 10));
	});

	test("two stores on one file, and the cache of each, agree", async () => {
		const filename = temporaryFile();
		const [one, other] = [temporaryStore(filename), temporaryStore(filename)];
		for (let i = 1; i <= 20; i++) {
			expect(await one.kv.increment("k")).toBe(2 * i - 1);
			expect(await other.appData.get("k")).toBe(2 * i - 1);
			expect(await other.kv.increment("k")).toBe(2 * i);
			expect(await one.appData.get("k")).toBe(2 * i);
		}
		await Promise.all(Array.from({ length: 400 }, (_, i) => [one, other][i % 2].kv.increment("k")));
		expect(await Promise.all([one.appData.get("k"), other.appData.get("k")])).toEqual([440, 440]);
	});

	test("two processes, a worker, the main thread and another SQLite library add up exactly", async () => {
		const filename = temporaryFile();
		const { kv, appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: 0 });
		const source = `const { kv } = openDataStore({ filename: process.argv[1], backup: false });
			const sums = [];
			for (let i = 0; i < 30; i++) sums.push(...(await Promise.all(Array.from({ length: 10 }, () => kv.increment("k")))));
			console.log(JSON.stringify(sums));`;
		const children = [1, 2].map(() => runModule(source, { args: [filename] }));
		const inWorker = `const { workerData } = require("node:worker_threads");
			const { openDataStore } = require(workerData.packagePath);
			const store = openDataStore({ filename: workerData.filename, backup: false });
			Promise.all(Array.from({ length: 300 }, () => store.kv.increment("k"))).then(() => store.close());`;
		const worker = once(new Worker(inWorker, { eval: true, workerData: { packagePath, filename } }), "exit");
		const library = rawConnection(filename);
		await library.run("pragma busy_timeout = 5000");
		const theirs = (async () => {
			for (let i = 0; i < 100; i++) {
				await library.run("update __rootapp_kv set value = cast(value as integer) + 1 where key = 'k'");
			}
		})();
		const ours = [];
		for (let i = 0; i < 30; i++) {
			ours.push(...(await Promise.all(Array.from({ length: 10 }, () => kv.increment("k")))));
		}
		const outputs = await Promise.all(children);
		for (const output of outputs) expect(output).toMatchObject({ code: 0, stderr: "" });
		expect(await worker).toEqual([0]);
		await theirs;
		expect(await appData.get("k")).toBe(2 * 300 + 300 + 100 + 300);
		const sums = [...ours, ...outputs.flatMap(({ stdout }) => JSON.parse(stdout))];
		expect(new Set(sums).size).toBe(900);
	}, 300_000);
});
