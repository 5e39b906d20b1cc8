// `:memory:`: a store for tests, which does all that others do, and is gone when it is closed or its process has ended.

import { existsSync, readdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { packageUrl, runModule, runModuleForJson, startModule } from "../helpers/child.mjs";
import { expectArgumentError, expectFailure, rejection } from "../helpers/errors.mjs";

function memoryStore(options) {
	const store = openDataStore({ filename: ":memory:", ...options });
	onTestFinished(() => store.close());
	return store;
}

const fileOf = (store) => store.config.sqlite3.filename;
const folderOf = (store) => dirname(fileOf(store));

test("has keys, SQL, transactions and iteration, in its own file, which another library may open", async () => {
	const store = memoryStore();
	await store.appData.set([
		{ key: "a", value: 1 },
		{ key: "b", value: 2, expiresAt: Date.now() - 1 },
	]);
	await store.sqlite.exec("CREATE TABLE players (name TEXT)");
	await store.sqlite.transaction(async (tx) => {
		await tx.run("INSERT INTO players VALUES ('ada')");
		await tx.appData.update("a", (value) => value + 1, 0);
	});
	await expect(
		store.sqlite.transaction(async (tx) => {
			await tx.run("DELETE FROM players");
			throw new Error("undone");
		}),
	).rejects.toThrow("undone");
	expect(await store.appData.select("%")).toEqual([{ key: "a", value: 2 }]);
	const rows = [];
	for await (const row of store.sqlite.iterate("SELECT name FROM players")) rows.push(row);
	expect(rows).toEqual([{ name: "ada" }]);
	const other = new Database(fileOf(store));
	other.prepare("UPDATE __rootapp_kv SET value = '9' WHERE key = 'a'").run();
	other.close();
	expect(await store.appData.get("a")).toBe(9);
});

test("no two share one, and none is there before its first use", async () => {
	const [one, two] = [memoryStore(), memoryStore()];
	expect(fileOf(one)).not.toBe(fileOf(two));
	expect(existsSync(folderOf(one))).toBe(false);
	await one.appData.set({ key: "k", value: 1 });
	expect(existsSync(folderOf(one))).toBe(true);
	expect(await two.appData.get("k")).toBeUndefined();
});

test("is gone after close, and makes no backups", async () => {
	const store = memoryStore();
	await store.appData.set({ key: "k", value: 1 });
	expect(store.backups.status()).toMatchObject({ state: "off" });
	await expectFailure(() => store.backups.create(), "ERR_BACKUP_OFF");
	expect(readdirSync(folderOf(store)).some((name) => name.includes("backup"))).toBe(false);
	await store.close();
	expect(existsSync(folderOf(store))).toBe(false);
	await expectFailure(() => store.appData.get("k"), "ERR_STORE_CLOSED");
});

test("is what DATABASE_CONFIG may name, whatever ROOTCELLAR_BACKUP says", async () => {
	const config = JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: ":memory:" } });
	const found = await runModuleForJson(
		`await dataStore.appData.set({ key: "k", value: 1 });
		console.log(JSON.stringify([await dataStore.appData.get("k"), dataStore.config.sqlite3.filename, dataStore.backups.status().state]));`,
		{ env: { DATABASE_CONFIG: config, ROOTCELLAR_BACKUP: "/nowhere/at/all" } },
	);
	expect(found).toEqual([1, expect.stringMatching(/memory\.sqlite3$/), "off"]);
	expect(existsSync(dirname(found[1]))).toBe(false);
});

const OPEN = `const store = openDataStore({ filename: ":memory:" });
	await store.appData.set({ key: "k", value: 1 });
	console.log(store.config.sqlite3.filename);`;

test.each([
	["by itself", ""],
	["by process.exit", "process.exit();"],
	["by an exception", "setImmediate(() => { throw new Error('the end'); });"],
	["with a write in its last turn", 'process.on("exit", () => void store.appData.set({ key: "late", value: 1 }));'],
])("is gone when the process ends %s", async (_, end) => {
	const { stdout } = await runModule(OPEN + end);
	expect(stdout.trim()).toMatch(/memory\.sqlite3$/);
	expect(existsSync(dirname(stdout.trim()))).toBe(false);
});

test("what a killed process left is removed by the next, and what a living one has is not", async () => {
	const [living, killed] = [
		startModule(`${OPEN}\nsetInterval(() => {}, 1000);`),
		startModule(`${OPEN}\nsetInterval(() => {}, 1000);`),
	];
	const printed = async (child) => {
		while (child.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
		return dirname(child.lines[0]);
	};
	const [kept, left] = [await printed(living), await printed(killed)];
	killed.kill("SIGKILL");
	await killed.ended;
	expect(existsSync(left)).toBe(true);
	const store = memoryStore();
	await store.appData.set({ key: "k", value: 1 });
	expect(existsSync(left)).toBe(false);
	expect(existsSync(kept)).toBe(true);
});

test("workers have each their own, gone with the worker, however it ends", async () => {
	const source = `
		const { parentPort } = require("node:worker_threads");
		import(${JSON.stringify(packageUrl)}).then(async ({ openDataStore }) => {
			const store = openDataStore({ filename: ":memory:" });
			await store.appData.set({ key: "k", value: 1 });
			parentPort.postMessage(store.config.sqlite3.filename);
			setInterval(() => {}, 1000);
		});`;
	const workers = [0, 1].map(() => new Worker(source, { eval: true }));
	const files = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))));
	expect(new Set(files).size).toBe(2);
	expect(files.every(existsSync)).toBe(true);
	await Promise.all(workers.map((worker) => worker.terminate()));
	expect(files.some((file) => existsSync(dirname(file)))).toBe(false);
});

test("lies in memory where there is room for it, and else in the folder for temporary files", () => {
	const base = dirname(folderOf(memoryStore()));
	expect(["/dev/shm", realpathSync(tmpdir())]).toContain(base);
});

test("options that do not fit are refused", async () => {
	const thrown = (options) => {
		try {
			openDataStore(options);
		} catch (error) {
			return error;
		}
		throw new Error("it did not throw");
	};
	expectArgumentError(thrown({ filename: ":memory:", backup: { url: "/tmp/backups" } }), "options.backup");
	expectArgumentError(thrown({ filename: "file::memory:" }), "options.filename");
	expect(await rejection(() => memoryStore({ backup: false }).backups.list())).toMatchObject({
		code: "ERR_BACKUP_OFF",
		message: "this store makes no backups: it is in memory",
	});
});
