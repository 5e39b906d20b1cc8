// The studio on a file that something happens to: each answer says what is so, and nothing is written in its place.

import { existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { raw, rawConnection } from "../helpers/raw.mjs";
import { fileWith, startStudio } from "./studio.mjs";

const fileOf = (value, file) => fileWith((store) => store.appData.set({ key: "a", value }), file);

/** Removes what SQLite keeps beside a file. */
function removeLogs(file) {
	for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
}

test("of a file that another process keeps locked everything is shown, and a save waits, or says that it has waited", async () => {
	const file = await fileOf(1);
	const studio = await startStudio({ file, write: true });
	const { version } = await studio.call("key/read", { key: "a" });
	const other = rawConnection(file);
	await other.run("BEGIN IMMEDIATE");
	expect((await studio.call("keys/list")).keys).toHaveLength(1);
	expect(await studio.failure("key/save", { key: "a", value: "2", version })).toMatchObject({
		status: 500,
		code: "SQLITE_BUSY",
	});
	expect(await studio.call("key/read", { key: "a" })).toMatchObject({ value: "1" });
	const saving = studio.call("key/save", { key: "a", value: "2", version });
	await other.run("ROLLBACK");
	expect(await saving).toMatchObject({ version: expect.any(String) });
	expect(await studio.call("key/read", { key: "a" })).toMatchObject({ value: "2" });
});

test.each([false, true])(
	"a file that is replaced is shown as the new one, or nothing is written: with --write %s",
	async (write) => {
		const file = await fileOf("old");
		const studio = await startStudio({ file, write });
		const { version, fileVersion } = await studio.call("key/read", { key: "a" });
		renameSync(await fileOf("new"), file);
		removeLogs(file);
		const before = readFileSync(file);
		expect(studio.session.version()).not.toBe(fileVersion);
		if (write) {
			const moved = { code: "SQLITE_READONLY_DBMOVED", message: expect.stringContaining("deleted or replaced") };
			expect(await studio.failure("key/read", { key: "a" })).toMatchObject(moved);
			expect(await studio.failure("key/save", { key: "a", value: "5", version })).toMatchObject(moved);
		} else {
			expect(await studio.call("key/read", { key: "a" })).toMatchObject({ value: '"new"' });
		}
		expect(readFileSync(file).equals(before)).toBe(true);
	},
);

test.each([false, true])("a file that is deleted is said to be, and none is made: with --write %s", async (write) => {
	const file = await fileOf(1);
	const studio = await startStudio({ file, write });
	const { version } = await studio.call("key/read", { key: "a" });
	rmSync(file);
	removeLogs(file);
	for (const [name, input] of [
		["keys/list", {}],
		["key/read", { key: "a" }],
		["sql/run", { sql: "SELECT 1 FROM __rootapp_kv" }],
	]) {
		const { code, message } = await studio.failure(name, input);
		expect([name, code]).toEqual([name, write ? "SQLITE_READONLY_DBMOVED" : "SQLITE_CANTOPEN"]);
		expect(message).toContain(file);
	}
	if (write) await studio.failure("key/save", { key: "a", value: "2", version });
	await studio.close();
	await studio.session.close();
	expect(existsSync(file)).toBe(false);
});

test("a file that is damaged while it is shown is said to be", async () => {
	const file = await fileWith((store) =>
		store.appData.set(Array.from({ length: 5_000 }, (_, n) => ({ key: `k:${n}`, value: "x".repeat(200) }))),
	);
	const studio = await startStudio({ file });
	await studio.call("info");
	const size = readFileSync(file).length;
	writeSync(openSync(file, "r+"), Buffer.alloc(size - 8_192, 0xa5), 0, size - 8_192, 8_192);
	expect(await studio.failure("keys/count", { filter: "%k%", all: true })).toMatchObject({
		code: expect.stringMatching(/^SQLITE_CORRUPT/),
	});
	// Another program has made no database of it.
	writeFileSync(file, "nothing that SQLite knows".repeat(1_000));
	const other = await startStudio({ file });
	expect(await other.failure("keys/list")).toMatchObject({ code: "SQLITE_NOTADB" });
});

test("a file of a newer version is refused, whatever is asked", async () => {
	const file = await fileOf(1);
	await raw(file, "UPDATE __rootcellar_schema SET version = 999");
	const studio = await startStudio({ file, write: true });
	for (const name of ["keys/list", "schema", "communities"]) {
		expect(await studio.failure(name)).toMatchObject({ code: "ERR_SCHEMA_NEWER" });
	}
});

test("a bot that ends while its file is shown changes nothing of what the studio can do", async () => {
	const file = await fileOf(1);
	const bot = openDataStore({ filename: file, backup: false });
	await bot.appData.set({ key: "b", value: 1 });
	const studio = await startStudio({ file, write: true });
	const controller = new AbortController();
	onTestFinished(() => controller.abort());
	const lines = studio.lines("watch", { keys: ["a", "b"] }, controller.signal);
	expect((await lines.next()).value).toMatchObject({ watching: expect.any(String) });
	await bot.close();
	const { version } = await studio.call("key/read", { key: "b" });
	await studio.call("key/save", { key: "b", value: "2", version });
	for (;;) {
		const { value } = await lines.next();
		if (value.rows) {
			expect(value.rows).toMatchObject([{ key: "b", preview: "2" }]);
			break;
		}
	}
});
