// Modules that are loaded with the package, and at first use.

import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { packagePath } from "../helpers/child.mjs";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "rootcellar-loading-")));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program in a fresh process in the folder, and returns what it reports. */
function report(program) {
	const prelude = `
		const path = ${JSON.stringify(packagePath)};
		const loaded = () => ({
			files: Object.keys(require.cache).length,
			crypto: process.moduleLoadList.includes("NativeModule crypto"),
		});
		const report = (value) => process.stdout.write(JSON.stringify(value));`;
	const file = join(folder, "program.cjs");
	writeFileSync(file, prelude + program);
	return JSON.parse(execFileSync(process.execPath, [file], { cwd: folder, encoding: "utf8" }));
}

test("importing the package loads a few files, and using it no cryptography", () => {
	const { atImport, atUse } = report(`
		const { dataStore } = require(path);
		const atImport = loaded();
		dataStore.appData.set({ key: "a", value: 1 }).then(() => {
			const atUse = loaded();
			return dataStore.close().then(() => report({ atImport, atUse }));
		});`);
	expect(atImport.crypto).toBe(false);
	expect(atImport.files).toBeLessThanOrEqual(8);
	expect(atUse.files).toBeGreaterThan(20);
	expect(atUse.crypto).toBe(false);
});

test("the store of the environment has the same properties before and after its first use, each always the same", () => {
	const { before, after, same, set } = report(`
		const { dataStore, rootServer } = require(path);
		const names = () => Reflect.ownKeys(dataStore).map(String);
		const before = names();
		const { appData } = dataStore;
		const after = names();
		const same = appData === dataStore.appData && appData === rootServer.dataStore.appData;
		dataStore.appData = 1;
		report({ before, after, same, set: dataStore.appData === 1 && typeof dataStore.close === "function" });`);
	expect(before).toEqual([
		"appData",
		"kv",
		"backups",
		"sqlite",
		"transaction",
		"config",
		"close",
		String(Symbol.asyncDispose),
	]);
	expect(after).toEqual(before);
	expect(same).toBe(true);
	expect(set).toBe(true);
});

test("the working directory is that of the import, though the store is used in another one", () => {
	const { filename } = report(`
		const { dataStore } = require(path);
		process.chdir("/");
		report(dataStore.config.sqlite3);`);
	expect(resolve(folder, filename)).toBe(join(folder, "rootsdk.sqlite3"));
});

test("a store that is imported before timers are replaced, and first used afterwards, works", async () => {
	const { openDataStore } = await import("../../index.js");
	vi.useFakeTimers();
	try {
		const store = openDataStore({ filename: join(folder, "timers.sqlite3"), backup: false });
		await store.appData.set(Array.from({ length: 2_500 }, (_, index) => ({ key: `k${index}`, value: index })));
		expect(await store.appData.select("k%")).toHaveLength(2_500);
		await expect(
			store.sqlite.all(
				"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0",
				[],
				{
					timeoutMs: 20,
				},
			),
		).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
		await store.close();
	} finally {
		vi.useRealTimers();
	}
});

test("what a module gives by name it also gives as a whole, as its types say, by import and by require", async () => {
	for (const name of ["rootcellar", "rootcellar/keyv", "rootcellar/kysely", "rootcellar/knex"]) {
		const { default: whole, ...named } = await import(name);
		expect(Object.keys(named).length, name).toBeGreaterThan(0);
		for (const [key, value] of Object.entries(named)) {
			expect(whole[key], `${name}: ${key}`).toBe(value);
		}
	}
});
