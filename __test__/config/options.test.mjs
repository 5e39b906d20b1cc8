// What is no options, of which all would seem to be left out, is refused wherever there are options.

import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { KeyvRootcellar } from "rootcellar/keyv";
import { describe, expect, onTestFinished, test } from "vitest";
import { expectArgumentError, expectInvalidArgument } from "../helpers/errors.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

/** Each with what the defaults would stand for. */
const NO_OPTIONS = [
	["a URL", new URL("file:///mnt/backups")],
	["a signal", AbortSignal.timeout(3_600_000)],
	["a Map", new Map([["url", "/mnt/backups"]])],
	["an array", []],
	["a Date", new Date()],
	["an object of a class", new (class Settings {})()],
	["an object with another name", { timeout: 50 }],
];

const WITH_PROMISE = {
	run: ({ sqlite }, options) => sqlite.run("DELETE FROM t", [], options),
	get: ({ sqlite }, options) => sqlite.get("SELECT 1", [], options),
	all: ({ sqlite }, options) => sqlite.all("SELECT 1", [], options),
	iterate: ({ sqlite }, options) => sqlite.iterate("SELECT 1", [], options).next(),
	exec: ({ sqlite }, options) => sqlite.exec("DELETE FROM t", options),
	batch: ({ sqlite }, options) => sqlite.batch([{ sql: "DELETE FROM t" }], options),
	prepare: ({ sqlite }, options) => sqlite.prepare("SELECT 1", options),
	transaction: ({ sqlite }, options) => sqlite.transaction((tx) => tx.run("DELETE FROM t"), options),
	reserve: ({ sqlite }, options) => sqlite.reserve(options),
	migrate: ({ sqlite }, options) => sqlite.migrate([], options),
	"DataStore.transaction": (store, options) => store.transaction((tx) => tx.run("DELETE FROM t"), options),
	verify: ({ backups }, options) => backups.verify(options),
	restore: ({ backups }, options) => backups.restore(options),
	diff: ({ backups }, options) => backups.diff(options).next(),
	restoreKeys: ({ backups }, options) => backups.restoreKeys(options),
	list: ({ kv }, options) => kv.list(options),
	count: ({ kv }, options) => kv.count(options),
	deleteRange: ({ kv }, options) => kv.deleteRange(options),
	increment: ({ kv }, options) => kv.increment("k", 1, options),
	watch: ({ kv }, options) => kv.watch(options).next(),
};

const AT_ONCE = {
	openDataStore: (_store, options) => openDataStore(options),
	"openDataStore, of its backups": (_store, backup) => openDataStore({ filename: ":memory:", backup }),
	KeyvRootcellar: (_store, options) => new KeyvRootcellar(options),
};

/** A store with a row that is still there if nothing was done. */
async function storeWithRow() {
	const folder = temporaryDirectory();
	const store = openDataStore({ filename: join(folder, "bot.sqlite3") });
	onTestFinished(() => store.close());
	await store.sqlite.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	return store;
}

describe("what is no options is refused, and nothing is done", () => {
	test.each(Object.entries(WITH_PROMISE))("by %s", async (_name, call) => {
		const store = await storeWithRow();
		for (const [name, given] of NO_OPTIONS) {
			await expectInvalidArgument(() => call(store, given), /^(options|range)/).catch((cause) => {
				throw new Error(name, { cause });
			});
		}
		expect(await store.sqlite.all("SELECT a FROM t")).toEqual([{ a: 1 }]);
		expect(await store.appData.select("%")).toEqual([]);
	});

	test.each(Object.entries(AT_ONCE))("by %s", async (_name, call) => {
		const store = await storeWithRow();
		for (const [name, given] of NO_OPTIONS) {
			let error;
			try {
				call(store, given);
			} catch (thrown) {
				error = thrown;
			}
			expect(error, name).toBeDefined();
			expectArgumentError(error, /^options/);
		}
	});
});

test("options may be of a class that has them, or have no prototype", async () => {
	const store = await storeWithRow();
	class Rows {
		get rowMode() {
			return "array";
		}
	}
	expect(await store.sqlite.all("SELECT a FROM t", [], new Rows())).toEqual([[1]]);
	const bare = Object.assign(Object.create(null), { rowMode: "array" });
	expect(await store.sqlite.all("SELECT a FROM t", [], bare)).toEqual([[1]]);
	expect(await store.sqlite.all("SELECT a FROM t", [], {})).toEqual([{ a: 1 }]);
});

test("an entry with ttlMs, which set does not have, is refused, and not kept for ever", async () => {
	const { appData } = await storeWithRow();
	await expectInvalidArgument(() => appData.set({ key: "k", value: 1, ttlMs: 1_000 }), "values.ttlMs");
	await expectInvalidArgument(() => appData.set([{ key: "k", value: 1, ttlMs: 1_000 }]), "values[0].ttlMs");
	expect(await appData.select("%")).toEqual([]);
});
