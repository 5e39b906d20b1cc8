// Backing up into a folder: content, place and time.

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { runModule, runModuleForJson, startModule } from "../helpers/child.mjs";
import { raw } from "../helpers/raw.mjs";
import { until } from "../helpers/time.mjs";
import { lose, openBackedUp as open } from "./backups.mjs";
import { captured, machine } from "./machine.mjs";

describe("backing up", () => {
	test("a new machine has what the old one had", async () => {
		const { file } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		await store.close();
		lose(file);
		const next = open(file);
		expect(await next.appData.get("k")).toBe(1);
		await next.appData.set({ key: "k", value: 2 });
		await next.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(2);
	});

	test("is the default, in a folder beside the file, and `false` or the environment turn it off", async () => {
		const { directory, file, destination } = machine();
		const source = `
			const store = openDataStore({ filename: process.argv[1], backup: process.argv[2] === "false" ? false : undefined });
			await store.appData.set({ key: "k", value: 1 });
			const { state, destination } = store.backups.status();
			await store.close();
			console.log(JSON.stringify({ state: state === "off" ? "off" : "on", destination }));`;
		const run = (args, env) => runModuleForJson(source, { args, env });
		expect(await run([file, "false"])).toEqual({ state: "off" });
		expect(await run([file], { ROOTCELLAR_BACKUP: "off" })).toEqual({ state: "off" });
		expect(readdirSync(directory)).toEqual(["bot.sqlite3"]);
		expect(await run([file])).toEqual({ state: "on", destination });
		expect(captured(destination)).not.toEqual([]);
	});

	test("`off` in the environment is for every store that names no destination, in any letters", async () => {
		const source = `
			const [filename, given] = process.argv.slice(1);
			const store = openDataStore({ filename, backup: JSON.parse(given) });
			await store.appData.set({ key: "k", value: 1 });
			console.log(JSON.stringify(store.backups.status().state));
			await store.close();`;
		for (const word of ["off", "OFF", "Off", " off "]) {
			const { directory, file } = machine();
			const env = { ROOTCELLAR_BACKUP: word };
			const options = { env, cwd: directory };
			const run = (given) => runModuleForJson(source, { ...options, args: [file, JSON.stringify(given)] });
			expect(await run({ quiet: true })).toBe("off");
			expect(readdirSync(directory)).toEqual(["bot.sqlite3"]);
			expect(await run({ quiet: true, url: "named" })).not.toBe("off");
			expect(captured(join(directory, "named"))).not.toEqual([]);
		}
	});

	test("what looks like `off` and is not is refused, and makes no folder", async () => {
		const source = `
			const store = openDataStore();
			const failed = await store.appData.get("k").catch(({ code, message }) => ({ code, message }));
			console.log(JSON.stringify(failed));`;
		for (const word of ["false", "False", "0", "no", "none", "disabled"]) {
			const { directory } = machine();
			const { code, message } = await runModuleForJson(source, {
				cwd: directory,
				env: { ROOTCELLAR_BACKUP: word },
			});
			expect([code, message]).toEqual(["ERR_INVALID_CONFIG", expect.stringContaining("ROOTCELLAR_BACKUP")]);
			expect(message).toContain("expected off");
			expect(readdirSync(directory)).toEqual([]);
		}
	});

	test("an address that cannot be used is said with who gave it", async () => {
		const { directory, file } = machine();
		const source = `
			const [given] = process.argv.slice(1);
			const store = openDataStore(JSON.parse(given));
			const fails = (asked) => asked.then(() => "resolved", ({ code, message }) => code + ": " + message);
			console.log(JSON.stringify([
				await fails(store.appData.get("k")),
				await fails(store.backups.list()),
				await fails(store.backups.verify()),
				await fails(store.backups.restore({ to: "other" })),
			]));`;
		const run = (given, env) => runModuleForJson(source, { args: [JSON.stringify(given)], env, cwd: directory });
		for (const message of await run({}, { ROOTCELLAR_BACKUP: "s3://bucket" })) {
			expect(message).toMatch(/^ERR_INVALID_CONFIG: ROOTCELLAR_BACKUP cannot be used: it needs a prefix/);
			expect(message).not.toContain("DATABASE_CONFIG");
		}
		for (const message of await run({ filename: file, backup: { url: "s3://bucket" } }, {})) {
			expect(message).toMatch(/^ERR_INVALID_CONFIG: options.backup.url cannot be used: it needs a prefix/);
		}
	});

	test("begins anew where the file was removed together with the folder beside it", async () => {
		const { file, destination } = machine();
		const store = openDataStore({ filename: file });
		await store.appData.set({ key: "k", value: 1 });
		await store.close();
		for (const name of [file, destination]) rmSync(name, { recursive: true });
		const next = openDataStore({ filename: file });
		expect(await next.appData.get("k")).toBeUndefined();
		await next.appData.set({ key: "k", value: 2 });
		await next.close();
		rmSync(file);
		const restored = openDataStore({ filename: file, backup: { quiet: true } });
		expect(await restored.appData.get("k")).toBe(2);
		await restored.close();
	});

	test("goes where the environment says, for the store that it configures", async () => {
		const { directory, file } = machine();
		const elsewhere = join(directory, "else where");
		const env = {
			DATABASE_CONFIG: JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: file } }),
			ROOTCELLAR_BACKUP: `file://${elsewhere.replace(" ", "%20")}`,
		};
		const result = await runModule(
			`await dataStore.appData.set({ key: "k", value: 1 });
			const other = openDataStore({ filename: process.argv[1] });
			await other.appData.set({ key: "k", value: 1 });
			await Promise.all([dataStore.close(), other.close()]);`,
			{ args: [join(directory, "other.sqlite3")], env },
		);
		expect(result).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
		expect(captured(elsewhere)).not.toEqual([]);
		expect(captured(join(directory, "other.sqlite3.backup"))).not.toEqual([]);
	});

	test("captures what others write, within the interval", async () => {
		const { file, destination } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		const before = captured(destination).length;
		await raw(file, "create table other (x)", "insert into other values (7)");
		await until(() => captured(destination).length > before, "the backup of what another process wrote");
		await store.close();
		lose(file);
		await open(file).appData.get("k");
		expect(await raw(file, "select x from other")).toEqual([{ x: 7 }]);
	});

	test("`create` resolves with a backup that holds what was issued before", async () => {
		const { file } = machine();
		const store = open(file, { intervalMs: 100_000 });
		store.appData.set({ key: "k", value: 1 });
		const backup = await store.backups.create();
		expect(backup).toEqual({
			id: expect.stringMatching(/^[0-9a-f]{16}$/),
			createdAt: expect.any(Date),
			sizeBytes: expect.any(Number),
			kind: expect.stringMatching(/^(snapshot|increment)$/),
		});
		store.appData.set({ key: "k", value: 2 });
		const next = await store.backups.create();
		expect(next.kind).toBe("increment");
		expect((await store.backups.list()).slice(0, 2)).toEqual([next, backup]);
		expect(await store.backups.create()).toEqual(next);
		expect(store.backups.status()).toMatchObject({
			state: "active",
			lagMs: 0,
			lastBackupAt: next.createdAt,
			position: next.id,
		});
	});

	test("what was issued is backed up at the end of the process, however it ends by itself", async () => {
		for (const end of ["", "process.exit(0);"]) {
			const { file } = machine();
			const source = `
				const store = openDataStore({ filename: process.argv[1], backup: { intervalMs: 100_000 } });
				await store.appData.get("k");
				await store.backups.create();
				store.appData.set({ key: "k", value: 1 });
				${end}`;
			expect(await runModule(source, { args: [file] })).toMatchObject({ code: 0, stderr: "" });
			lose(file);
			const store = open(file);
			expect(await store.appData.get("k")).toBe(1);
			await store.close();
		}
	});

	test("what a killed process left is backed up by the next", async () => {
		const { file } = machine();
		const child = startModule(
			`const store = openDataStore({ filename: process.argv[1], backup: { intervalMs: 100_000 } });
			await store.appData.set({ key: "k", value: 1 });
			await store.backups.create();
			await store.appData.set({ key: "k", value: 2 });
			console.log("written");
			setInterval(() => {}, 1000);`,
			{ args: [file] },
		);
		await child.line("written");
		child.kill("SIGKILL");
		await child.ended;
		const store = open(file);
		expect(await store.appData.get("k")).toBe(2);
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(2);
	});

	test("one of two processes makes them, and the other takes over when it ends", { timeout: 300_000 }, async () => {
		const { file, destination } = machine();
		const first = startModule(
			`const store = openDataStore({ filename: process.argv[1], backup: { intervalMs: 50 } });
			await store.appData.set({ key: "first", value: 1 });
			await store.backups.create();
			console.log("open");
			process.stdin.once("data", () => store.close().then(() => process.exit(0)));`,
			{ args: [file] },
		);
		await first.line("open");
		const store = open(file);
		await store.appData.set({ key: "second", value: 1 });
		await until(() => store.backups.status().state === "elsewhere", "the second to notice the first");
		// The first makes it, and the second waits for that.
		const { id } = await store.backups.create();
		expect((await store.backups.list()).map((backup) => backup.id)).toContain(id);
		expect(store.backups.status().state).toBe("elsewhere");
		first.write("end\n");
		expect(await first.ended).toMatchObject({ code: 0, stderr: "" });
		await until(() => store.backups.status().state === "active", "the second to take over");
		const before = captured(destination).length;
		await store.appData.set({ key: "third", value: 1 });
		await until(() => captured(destination).length > before, "a backup of the second");
	});
});
