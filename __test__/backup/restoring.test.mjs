// Backups that are restored: to a moment, to a backup, to another file, and undone.

import { randomBytes } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { runModule } from "../helpers/child.mjs";
import { expectFailure, expectInvalidArgument } from "../helpers/errors.mjs";
import { raw } from "../helpers/raw.mjs";
import { until } from "../helpers/time.mjs";
import { lose, openBackedUp as open } from "./backups.mjs";
import { machine } from "./machine.mjs";

describe("restoring", () => {
	test("to a moment, to a backup, and undone, while the store is open", async () => {
		const { file } = machine();
		const store = open(file, { intervalMs: 100_000 });
		await store.appData.set({ key: "k", value: 1 });
		const first = await store.backups.create();
		await sleep(20);
		await store.appData.set([
			{ key: "k", value: 2 },
			{ key: "other", value: 2 },
		]);
		const second = await store.backups.create();
		expect(await store.appData.get("k")).toBe(2);

		const restore = await store.backups.restore({ at: new Date(second.createdAt.getTime() - 1) });
		expect(restore).toMatchObject({ id: first.id, createdAt: first.createdAt, isComplete: true, undoId: second.id });
		expect(await store.appData.get("k")).toBe(1);
		expect(await store.appData.get("other")).toBeUndefined();
		await store.backups.restore({ id: restore.undoId });
		expect(await store.appData.get("k")).toBe(2);
		await store.backups.restore({ at: first.createdAt });
		expect(await store.appData.get("k")).toBe(1);
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(1);
	});

	test("of a file with a full-text index that is not up to date is complete, which is no damage at opening either", async () => {
		const { directory, file } = machine();
		const use = `
			const store = openDataStore({ filename: process.argv[1], backup: { quiet: true, intervalMs: 100000 } });
			await store.sqlite.exec(\`
				CREATE TABLE doc (id INTEGER PRIMARY KEY, t);
				INSERT INTO doc (t) VALUES ('before');
				CREATE VIRTUAL TABLE words USING fts4(content='doc', t);
				CREATE VIRTUAL TABLE more USING fts5(t, content='doc', content_rowid='id');
				INSERT INTO words (words) VALUES ('rebuild');
				INSERT INTO more (more) VALUES ('rebuild');
				UPDATE doc SET t = 'after'\`);
			await store.appData.set({ key: "k", value: 1 });
			const [{ quick_check }] = await store.sqlite.all("PRAGMA quick_check");
			await store.backups.create();
			const { isComplete } = await store.backups.verify();
			console.log(JSON.stringify({ quick_check, isComplete }));
			process.kill(process.pid, "SIGKILL");`;
		const { stdout } = await runModule(use, { args: [file] });
		expect(JSON.parse(stdout)).toEqual({ quick_check: expect.stringContaining("malformed"), isComplete: true });
		const again = open(file);
		expect(await again.appData.get("k")).toBe(1);
		await again.close();
		expect(readdirSync(directory).sort()).toEqual(["bot.sqlite3", "bot.sqlite3.backup", "bot.sqlite3.backup-state"]);
		lose(file);
		const restored = open(file);
		expect(await restored.appData.get("k")).toBe(1);
		expect(await restored.sqlite.get("SELECT t FROM doc")).toEqual({ t: "after" });
		expect(await restored.backups.verify()).toMatchObject({ isComplete: true, skipped: [] });
	});

	test("takes its place in the order of operations", async () => {
		const { file } = machine();
		const store = open(file, { intervalMs: 100_000 });
		await store.appData.set({ key: "k", value: 1 });
		const { id } = await store.backups.create();
		store.appData.set({ key: "k", value: 2 });
		const restored = store.backups.restore({ id });
		const between = store.appData.get("k");
		store.appData.set({ key: "later", value: 3 });
		const { undoId } = await restored;
		expect([await between, await store.appData.get("k"), await store.appData.get("later")]).toEqual([1, 1, 3]);
		await store.backups.restore({ id: undoId });
		expect(await store.appData.get("k")).toBe(2);
	});

	test("and listing and verifying are of the destination that the file's backups go to, whatever another store says", async () => {
		const { directory, file, destination } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		const { id } = await store.backups.create();
		const other = open(file, { url: join(directory, "elsewhere") });
		expect((await other.backups.list())[0].id).toBe(id);
		await other.appData.get("k");
		expect(other.backups.status().destination).toBe(destination);
		expect((await other.backups.list())[0].id).toBe(id);
		expect((await other.backups.verify()).id).toBe(id);
		const to = join(directory, "copy.sqlite3");
		expect((await other.backups.restore({ id, to })).id).toBe(id);
		expect(existsSync(join(directory, "elsewhere"))).toBe(false);
	});

	test("to another file, which is not overwritten unasked", async () => {
		const { directory, file } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		const to = join(directory, "copy.sqlite3");
		await store.backups.restore({ to });
		await expectFailure(() => store.backups.restore({ to }), "ERR_FILE_EXISTS");
		await store.backups.restore({ to, overwrite: true });
		const [{ value }] = await raw(to, "select value from __rootapp_kv");
		expect(value).toBe("1");
		expect(await store.backups.verify()).toMatchObject({ isComplete: true, skipped: [] });
		expect(readdirSync(directory).filter((name) => /verified|restoring/.test(name))).toEqual([]);
	});

	test("tells how far it has come", async () => {
		const { directory, file } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		const steps = [];
		const end = store.backups.on("progress", (progress) => steps.push(progress));
		await store.backups.restore({ to: join(directory, "copy.sqlite3") });
		await until(() => steps.some(({ doneBytes, totalBytes }) => doneBytes === totalBytes), "the end of the restore");
		end();
		steps.length = 0;
		await store.backups.verify();
		await sleep(50);
		expect(steps).toEqual([]);
	});

	test("tells its steps once each, in place and at opening too", async () => {
		const { file } = machine();
		const store = open(file, { intervalMs: 100_000 });
		await store.appData.set({ key: "k", value: randomBytes(8_000_000).toString("base64") });
		const { id } = await store.backups.create();
		const steps = [];
		const listen = ({ backups }) => backups.on("progress", ({ doneBytes }) => steps.push(doneBytes));
		listen(store);
		await store.backups.restore({ id });
		await until(() => steps.length > 100, "the steps of a restore in place");
		expect(steps.length).toBeLessThanOrEqual(201);
		expect(new Set(steps).size).toBe(steps.length);
		await store.close();
		lose(file);
		steps.length = 0;
		const next = open(file);
		listen(next);
		await next.appData.get("k");
		expect(steps.length).toBeGreaterThan(100);
		expect(steps.length).toBeLessThanOrEqual(201);
	});

	test("with an option that there is not is refused, and nothing changes", async () => {
		const { file } = machine();
		const store = open(file, { intervalMs: 100_000 });
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		await store.appData.set({ key: "k", value: 2 });
		for (const name of ["unknown", "url", "At", "path"]) {
			await expectInvalidArgument(() => store.backups.restore({ [name]: 1 }), `options.${name}`);
		}
		expect(await store.appData.get("k")).toBe(2);
	});

	test("to a time that was listed finds the state that was listed, also in a copy of the backups", async () => {
		const { directory, file, destination } = machine();
		const store = open(file, { intervalMs: 100_000 });
		for (const value of [1, 2, 3]) {
			await store.appData.set({ key: "k", value });
			await store.backups.create();
			await sleep(20);
		}
		const expected = await store.backups.list();
		await store.close();
		const copy = join(directory, "copy");
		cpSync(destination, copy, { recursive: true });
		const other = open(join(directory, "other.sqlite3"), { url: copy });
		const listed = await other.backups.list();
		expect(listed).toEqual(expected);
		for (const { id, createdAt } of listed) {
			const restored = await other.backups.restore({ at: createdAt, to: join(directory, `${id}.sqlite3`) });
			expect(restored.id).toBe(id);
		}
	});

	test("of what does not exist is refused, and nothing changes", async () => {
		const { file } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		await expectFailure(() => store.backups.restore({ id: "00000000000000ff" }), "ERR_BACKUP_NOT_FOUND");
		await expectFailure(() => store.backups.restore({ id: "nonsense" }), "ERR_BACKUP_NOT_FOUND");
		await expectFailure(() => store.backups.restore({ at: 0 }), "ERR_BACKUP_NOT_FOUND");
		expect(await store.appData.get("k")).toBe(1);
		await store.appData.set({ key: "k", value: 2 });
	});

	test("a damaged file at opening is said on standard error, once, unless told not to", async () => {
		for (const quiet of [false, true]) {
			const { directory, file } = machine();
			const store = open(file);
			await store.appData.set({ key: "k", value: 1 });
			await store.close();
			writeFileSync(file, readFileSync(file).fill(0, 0, 100));
			const source = `
				const restores = [];
				const store = openDataStore({ filename: process.argv[1], backup: { quiet: ${quiet} } });
				store.backups.on("restore", (restore) => restores.push(restore));
				console.log(JSON.stringify([await store.appData.get("k"), restores]));
				await store.close();`;
			const { code, stdout, stderr } = await runModule(source, { args: [file] });
			const aside = join(
				directory,
				readdirSync(directory).find((name) => /\.damaged-\d+$/.test(name)),
			);
			expect(code).toBe(0);
			expect(JSON.parse(stdout)).toMatchObject([1, [{ isComplete: true, setAside: aside }]]);
			expect(stderr.split("\n").length).toBe(quiet ? 1 : 2);
			if (!quiet) {
				expect(stderr).toContain(aside);
				expect(stderr).toContain(", for SQLite says: file is not a database; ");
			}
		}
	});

	test("an emptied file is never taken for a new one", async () => {
		const { file } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		await store.close();
		writeFileSync(file, "");
		expect(await open(file).appData.get("k")).toBe(1);
	});
});
