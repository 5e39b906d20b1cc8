// Keyv's own compliance suite over `rootcellar/keyv`, and what the adapter promises beyond it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import keyvTestSuite, { keyvIteratorTests } from "@keyv/test-suite";
import Keyv from "keyv";
import { openDataStore } from "rootcellar";
import { KeyvRootcellar } from "rootcellar/keyv";
import * as vitest from "vitest";
import { compatibility } from "../docs/compatibility.mjs";
import { expectArgumentError } from "../helpers/errors.mjs";
import { temporaryStore } from "../helpers/store.mjs";

const { afterAll, describe, expect, test } = vitest;

describe("Keyv's compliance suite", () => {
	const folder = mkdtempSync(join(tmpdir(), "rootcellar-keyv-"));
	const store = openDataStore({ filename: join(folder, "store.sqlite3"), backup: false });
	const passed = [];
	afterAll(async () => {
		console.log(`@keyv/test-suite over rootcellar/keyv: ${passed.length} tests passed`);
		await store.close();
		rmSync(folder, { recursive: true, force: true });
	});

	/** Vitest, as the suite wants it, with a count of its tests that pass. */
	const counting = {
		...vitest,
		it: (title, run) =>
			test(title, async (context) => {
				await run(context);
				passed.push(title);
			}),
	};

	const adapter = () => new KeyvRootcellar({ dataStore: store });
	describe("of methods, values and namespaces", () => keyvTestSuite(counting, Keyv, adapter));
	describe("of iteration", () => keyvIteratorTests(counting, Keyv, adapter));

	test("has as many tests as docs/compatibility.md says", () => {
		expect(compatibility).toContain(
			`the interface, values, namespaces and iteration, ${passed.length} of ${passed.length}.`,
		);
	});
});

/** A Keyv on a new temporary store. */
function temporaryKeyv(options) {
	const store = temporaryStore();
	return { store, keyv: new Keyv({ store: new KeyvRootcellar({ dataStore: store }), ...options }) };
}

describe("entries in the key-value store", () => {
	test("lie under the prefix, the namespace and the key", async () => {
		const { store, keyv } = temporaryKeyv({ namespace: "users" });
		await keyv.set("ada", 7);
		expect(await store.appData.get("keyv:users:ada")).toBe('{"value":7}');
	});

	test("expire with their time to live, so that their rows are removed", async () => {
		const { store, keyv } = temporaryKeyv();
		const before = Date.now();
		await keyv.set("brief", 1, 60_000);
		await keyv.set("lasting", 1);
		const [brief, lasting] = await store.appData.select("keyv:%");
		expect(brief.expiresAt.getTime()).toBeGreaterThanOrEqual(before + 60_000);
		expect(brief.expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 60_000);
		expect(lasting.expiresAt).toBeUndefined();
	});

	test.each([Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER])("of a time to live of %d stay", async (ttl) => {
		const { keyv } = temporaryKeyv();
		expect(await keyv.set("lasting", 1, ttl)).toBe(true);
		expect(await keyv.get("lasting")).toBe(1);
	});

	test("may be values as they are, without a serializer", async () => {
		const { store, keyv } = temporaryKeyv({ serialize: undefined, deserialize: undefined });
		await keyv.set("ada", { level: 7 });
		expect(await store.appData.get("keyv:keyv:ada")).toEqual({ value: { level: 7 } });
		expect(await keyv.get("ada")).toEqual({ level: 7 });
	});

	test("may be compressed", async () => {
		const compression = {
			compress: (value) => gzipSync(JSON.stringify(value)).toString("base64"),
			decompress: (text) => JSON.parse(gunzipSync(Buffer.from(text, "base64")).toString()),
		};
		const { keyv } = temporaryKeyv({ compression });
		await keyv.set("text", "a".repeat(1_000));
		expect(await keyv.get("text")).toBe("a".repeat(1_000));
	});

	test("are found by another store on the file", async () => {
		const { store, keyv } = temporaryKeyv();
		await keyv.set("ada", 7);
		const other = temporaryStore(store.config.sqlite3.filename);
		expect(await new Keyv({ store: new KeyvRootcellar({ dataStore: other }) }).get("ada")).toBe(7);
	});
});

describe("clearing", () => {
	test("takes effect in the order of the calls", async () => {
		const adapter = new KeyvRootcellar({ dataStore: temporaryStore() });
		await Promise.all([adapter.set("before", 1), adapter.clear(), adapter.set("after", 2)]);
		expect(await adapter.getMany(["before", "after"])).toEqual([undefined, 2]);
	});

	test("leaves namespaces alone that differ by case, or that LIKE would take for the same", async () => {
		const store = temporaryStore();
		const names = ["a_b", "A_B", "aXb", "a_b2", "a"];
		const keyvs = names.map((namespace) => new Keyv({ store: new KeyvRootcellar({ dataStore: store }), namespace }));
		await Promise.all(keyvs.map((keyv) => keyv.set("key", 1)));
		await keyvs[0].clear();
		expect(await Promise.all(keyvs.map((keyv) => keyv.get("key")))).toEqual([undefined, 1, 1, 1, 1]);
	});

	test("without a namespace removes all that is Keyv's, and nothing else", async () => {
		const { store, keyv } = temporaryKeyv({ namespace: undefined });
		await store.appData.set([
			{ key: "keyv", value: 1 },
			{ key: "keyv;", value: 1 },
			{ key: "Keyv:a", value: 1 },
		]);
		await Promise.all(["", "a", "\u{10ffff}"].map((key) => keyv.set(key, 1)));
		await keyv.clear();
		expect((await store.appData.select("%")).map(({ key }) => key)).toEqual(["keyv", "keyv;", "Keyv:a"]);
	});
});

describe("iteration", () => {
	test("yields each of many entries once, also while they are deleted", async () => {
		const { keyv } = temporaryKeyv({ namespace: "many" });
		const keys = Array.from({ length: 501 }, (_, index) => `key ${index}`);
		await keyv.setMany(keys.map((key) => ({ key, value: key })));
		const seen = [];
		for await (const [key, value] of keyv.iterator()) {
			expect(value).toBe(key);
			seen.push(key);
			await keyv.delete(key);
		}
		expect(seen).toEqual(keys.toSorted());
		expect(await keyv.has("key 0")).toBe(false);
	});

	test("yields every entry that clearing removes, also those of the empty key and of keys with NUL", async () => {
		const adapter = new KeyvRootcellar({ dataStore: temporaryStore() });
		const keys = ["", ...Array.from({ length: 450 }, (_, index) => `${index % 150}`.padEnd(3 + index / 150, "\0"))];
		await Promise.all(keys.map((key) => adapter.set(`many:${key}`, key)));
		const seen = [];
		for await (const entry of adapter.iterator("many")) seen.push(entry);
		expect(seen).toEqual(keys.toSorted().map((key) => [`many:${key}`, key]));
		adapter.namespace = "many";
		await adapter.clear();
		expect(await adapter.iterator("many").next()).toEqual({ value: undefined, done: true });
	});
});

describe("several keys", () => {
	test("are set, looked for and deleted together", async () => {
		const { keyv } = temporaryKeyv();
		const entries = [
			{ key: "a", value: 1 },
			{ key: "b", value: 2 },
		];
		expect(await keyv.setMany(entries)).toEqual([true, true]);
		expect(await keyv.hasMany(["a", "b", "c"])).toEqual([true, true, false]);
		expect(await keyv.deleteMany(["a", "b"])).toBe(true);
		expect(await keyv.deleteMany(["a", "b"])).toBe(false);
	});
});

describe("errors", () => {
	test("of reading are emitted, where Keyv itself is silent", async () => {
		const { store, keyv } = temporaryKeyv();
		const errors = [];
		keyv.on("error", ({ code }) => errors.push(code));
		await store.close();
		expect(await keyv.get("ada")).toBeUndefined();
		expect(errors).toEqual(["ERR_STORE_CLOSED"]);
	});

	test("of reading one of several keys are emitted, and leave the others", async () => {
		const { store, keyv } = temporaryKeyv();
		const errors = [];
		keyv.on("error", ({ code }) => errors.push(code));
		await keyv.set("good", 1);
		await keyv.set("bad", 2);
		await store.sqlite.run("UPDATE __rootapp_kv SET value = 'no JSON' WHERE key LIKE '%bad'");
		expect(await keyv.getMany(["good", "bad"])).toEqual([1, undefined]);
		expect(errors).toEqual(["ERR_VALUE_NOT_JSON"]);
	});

	test("of writing are emitted once", async () => {
		const { store, keyv } = temporaryKeyv();
		const errors = [];
		keyv.on("error", ({ code }) => errors.push(code));
		await store.close();
		expect(await keyv.set("ada", 1)).toBe(false);
		expect(errors).toEqual(["ERR_STORE_CLOSED"]);
	});

	test("are thrown where Keyv is asked to throw", async () => {
		const { store, keyv } = temporaryKeyv({ throwOnErrors: true, emitErrors: false });
		await store.close();
		await expect(keyv.get("ada")).rejects.toMatchObject({ code: "ERR_STORE_CLOSED" });
		await expect(keyv.set("ada", 1)).rejects.toMatchObject({ code: "ERR_STORE_CLOSED" });
		await expect(keyv.clear()).rejects.toMatchObject({ code: "ERR_STORE_CLOSED" });
	});

	test.each([
		[null, "options"],
		[{ dataStore: {} }, "options.dataStore"],
		[{ prefix: "cache" }, "options.prefix"],
	])("of options %j name the option", (options, argument) => {
		let error;
		try {
			new KeyvRootcellar(options);
		} catch (thrown) {
			error = thrown;
		}
		expectArgumentError(error, argument);
	});

	test("disconnecting leaves the store open", async () => {
		const { store, keyv } = temporaryKeyv();
		await keyv.disconnect();
		await store.appData.set({ key: "still", value: "open" });
		expect(await store.appData.get("still")).toBe("open");
	});
});
