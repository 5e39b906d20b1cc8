// Backups: what is promised of dataStore.backups, on a folder.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore, RootcellarError } from "rootcellar";
import { describe, expect, onTestFinished, test } from "vitest";
import { runModule, runModuleForJson, startModule } from "../helpers/child.mjs";
import { expectFailure, expectInvalidArgument } from "../helpers/errors.mjs";
import { raw } from "../helpers/raw.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";
import { until } from "../helpers/time.mjs";
import { lose, openBackedUp as open } from "./backups.mjs";

/** A folder for a bot, whose file is `file` and whose backups lie in `file.backup`. */
function machine() {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	return { directory, file, destination: `${file}.backup` };
}

function captured(destination) {
	const folder = join(destination, "ltx/0");
	return existsSync(folder) ? readdirSync(folder) : [];
}

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
		await expectFailure(() => store.backups.create(), "ERR_BACKUP_ELSEWHERE");
		first.write("end\n");
		expect(await first.ended).toMatchObject({ code: 0, stderr: "" });
		await until(() => store.backups.status().state === "active", "the second to take over");
		const before = captured(destination).length;
		await store.appData.set({ key: "third", value: 1 });
		await until(() => captured(destination).length > before, "a backup of the second");
	});
});

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

describe("a destination that fails", () => {
	/** A file that is there: a missing one is not begun anew at such a destination. */
	async function machineWithFile() {
		const found = machine();
		const store = openDataStore({ filename: found.file, backup: false });
		await store.appData.set({ key: "k", value: 0 });
		await store.close();
		return found;
	}

	const SOURCE = `
		const [filename, url, kind] = process.argv.slice(1);
		const store = openDataStore({ filename, backup: { url, intervalMs: 20, quiet: kind === "quiet", shutdownTimeoutMs: 100 } });
		if (kind === "listening") store.backups.on("failure", () => {});
		await store.appData.set({ key: "k", value: 1 });
		if (kind === "short") process.exit(0);
		if (kind !== "natural") {
			const end = Date.now() + 120_000;
			while (store.backups.status().state !== "failing" && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
			await new Promise((resolve) => setTimeout(resolve, 300));
			await store.appData.set({ key: "k", value: 2 });
			await new Promise((resolve) => setTimeout(resolve, 300));
			await store.close();
		}`;

	test("is warned of once, unless somebody listens or it is to be quiet, also when the process ends", async () => {
		for (const kind of ["", "natural", "short", "quiet", "listening"]) {
			const { directory, file } = await machineWithFile();
			const url = join(directory, "text");
			writeFileSync(url, "no folder");
			const { code, stderr } = await runModule(SOURCE, { args: [file, url, kind] });
			expect(code).toBe(0);
			if (kind === "quiet" || kind === "listening") {
				expect(stderr, kind).toBe("");
			} else {
				expect(stderr.match(/ROOTCELLAR_BACKUP_FAILING/g), `${kind}: ${stderr}`).toHaveLength(1);
				for (const part of [file, url, "ERR_BACKUP_DESTINATION", "ROOTCELLAR_BACKUP=off"])
					expect(stderr).toContain(part);
			}
		}
	});

	test("because it is not allowed is warned of without what is secret", async () => {
		const { file } = await machineWithFile();
		const server = createServer((_, response) => response.writeHead(403).end());
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		onTestFinished(() => server.close());
		const { port } = server.address();
		const url = `s3://bucket/bot?endpoint=http://127.0.0.1:${port}`;
		const env = { AWS_ACCESS_KEY_ID: "secret-id", AWS_SECRET_ACCESS_KEY: "secret-key" };
		const { code, stderr } = await runModule(SOURCE, { args: [file, url, ""], env });
		expect([code, stderr.match(/ROOTCELLAR_BACKUP_FAILING/g)?.length], stderr).toEqual([0, 1]);
		expect(stderr).toContain("to s3://bucket/bot are not as they should be: ");
		expect(stderr).not.toContain("secret");
	});

	test("stops no write, is told, and gets everything when it is back", async () => {
		const { directory, file, destination } = machine();
		const store = open(file);
		const failures = [];
		store.backups.on("failure", (error) => failures.push(error));
		await store.appData.set({ key: "k", value: 0 });
		await store.backups.create();
		renameSync(destination, join(directory, "away"));
		writeFileSync(destination, "");
		for (let value = 1; value <= 20; value++) await store.appData.set({ key: "k", value });
		await until(() => failures.length > 0, "a failure");
		expect(failures[0]).toBeInstanceOf(RootcellarError);
		expect(failures[0].code).toBe("ERR_BACKUP_DESTINATION");
		expect(store.backups.status()).toMatchObject({ state: "failing", lastError: { code: "ERR_BACKUP_DESTINATION" } });
		await sleep(20);
		expect(store.backups.status().lagMs).toBeGreaterThan(0);
		rmSync(destination);
		renameSync(join(directory, "away"), destination);
		await until(() => store.backups.status().state === "active", "the destination to be used again");
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(20);
	});

	test("keeps a missing file from being begun anew", async () => {
		const { directory, file, destination } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		await store.close();
		lose(file);
		renameSync(join(destination, "ltx/0"), join(directory, "away"));
		writeFileSync(join(destination, "ltx/0"), "");
		const next = open(file);
		await expectFailure(() => next.appData.get("k"), "ERR_BACKUP_DESTINATION");
		rmSync(join(destination, "ltx/0"));
		renameSync(join(directory, "away"), join(destination, "ltx/0"));
		expect(await next.appData.get("k")).toBe(1);
	});

	test("that another database uses is a conflict, and histories are not mixed", async () => {
		const [one, other] = [machine(), machine()];
		const url = one.destination;
		const first = open(one.file, { url });
		await first.appData.set({ key: "k", value: 1 });
		await first.backups.create();
		// Without a file it would be given the first one's state.
		await raw(other.file, "create table t (x)");
		const second = open(other.file, { url });
		await second.appData.set({ key: "k", value: "second" });
		await second.backups.create();
		await first.appData.set({ key: "k", value: 2 });
		await expectFailure(() => first.backups.create(), "ERR_BACKUP_CONFLICT");
		expect(first.backups.status().state).toBe("conflict");
		await second.backups.restore({ to: join(other.directory, "copy.sqlite3") });
		expect(await raw(join(other.directory, "copy.sqlite3"), "select value from __rootapp_kv")).toEqual([
			{ value: '"second"' },
		]);
	});

	test("that a copy of the bot uses is a conflict for the one that comes second, whose file is kept", async () => {
		const [one, copy] = [machine(), machine()];
		const url = one.destination;
		const source = `
			const [file, url, value, waits] = process.argv.slice(1);
			const store = openDataStore({ filename: file, backup: { url, quiet: true } });
			const backUp = () => store.backups.create().then(() => "made", ({ code }) => code);
			const say = (what) => console.log(JSON.stringify(what));
			say(await store.appData.get("k") ?? "nothing");
			await store.appData.set({ key: "k", value });
			say(await backUp());
			if (waits) await new Promise((resolve) => process.stdin.once("data", resolve));
			await store.appData.set({ key: "k", value: value + ", later" });
			say(await backUp());
			await store.close();
			process.exit();`;
		const said = ({ lines }) => lines.map((line) => JSON.parse(line));
		const bot = startModule(source, { args: [one.file, url, "bot", "waits"] });
		await bot.lineCount(2);
		for (const suffix of ["", "-wal", ".backup-state"])
			cpSync(one.file + suffix, copy.file + suffix, { recursive: true });
		const other = startModule(source, { args: [copy.file, url, "copy"] });
		await other.ended;
		expect(said(other)).toEqual(["bot", "made", "made"]);
		bot.write("go on");
		await bot.ended;
		expect(said(bot)).toEqual(["nothing", "made", "ERR_BACKUP_CONFLICT"]);

		const again = open(one.file, { url });
		expect(await again.appData.get("k")).toBe("bot, later");
		expect(readdirSync(one.directory).filter((name) => /stale|damaged/.test(name))).toEqual([]);
		await expectFailure(() => again.backups.create(), "ERR_BACKUP_CONFLICT");
	});
});

describe("hooks", () => {
	test("are called around backups and restores, and awaited", async () => {
		const { file } = machine();
		const calls = [];
		const hook = (name) => async () => {
			calls.push(`${name} begins`);
			await sleep(10);
			calls.push(`${name} ends`);
		};
		const names = ["beforeBackup", "afterBackup", "beforeRestore", "afterRestore"];
		const store = open(file, { intervalMs: 100_000, ...Object.fromEntries(names.map((name) => [name, hook(name)])) });
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		await store.appData.set({ key: "k", value: 2 });
		calls.length = 0;
		await store.backups.create();
		expect(calls).toEqual(["beforeBackup begins", "beforeBackup ends", "afterBackup begins", "afterBackup ends"]);
		calls.length = 0;
		await store.backups.restore({ id: "0000000000000001" });
		expect([calls[0], calls.at(-1)]).toEqual(["beforeRestore begins", "afterRestore ends"]);
	});

	test("that throw are told, and backups go on", async () => {
		const { file } = machine();
		const failures = [];
		const store = open(file, {
			beforeBackup() {
				throw new Error("not now");
			},
			afterBackup: () => Promise.reject("no error"),
		});
		store.backups.on("failure", ({ code, message }) => failures.push(`${code}: ${message}`));
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		expect(failures.join()).toContain("ERR_BACKUP_HOOK: the hook beforeBackup failed: not now");
		expect(store.backups.status()).toMatchObject({ state: "active", lastError: { code: "ERR_BACKUP_HOOK" } });
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(1);
	});
});

test("every method of a store without backups says so", async () => {
	const { file } = machine();
	const store = openDataStore({ filename: file, backup: false });
	onTestFinished(() => store.close());
	for (const call of ["create", "list", "restore", "verify"]) {
		await expectFailure(() => store.backups[call](), "ERR_BACKUP_OFF");
	}
	expect(store.backups.status()).toMatchObject({ state: "off", destination: undefined });
});

test("a status shows no credentials and no options of a destination", () => {
	const { file } = machine();
	const shown = (url) => openDataStore({ filename: file, backup: { url } }).backups.status().destination;
	expect(shown("s3://key:secret@bucket/my/prefix?endpoint=http://host&key=secret")).toBe("s3://bucket/my/prefix");
	expect(shown("file:///var/back%20ups")).toBe("file:///var/back%20ups");
	expect(shown("/var/what?")).toBe("/var/what?");
});

test("arguments that cannot be used are named", async () => {
	const { file } = machine();
	const store = open(file);
	const invalid = (options, argument) =>
		expect(store.backups.restore(options)).rejects.toMatchObject({
			name: "TypeError",
			code: "ERR_INVALID_ARGUMENT",
			argument,
		});
	await invalid(null, "options");
	await invalid({ at: "yesterday" }, "options.at");
	await invalid({ at: new Date(Number.NaN) }, "options.at");
	await invalid({ id: 7 }, "options.id");
	await invalid({ id: "0000000000000001", at: 0 }, "options.id");
	await invalid({ to: "" }, "options.to");
	await invalid({ to: file }, "options.to");
	await invalid({ to: "copy", overwrite: 1 }, "options.overwrite");
	const options = (backup, argument) => {
		let error;
		try {
			openDataStore({ filename: file, backup });
		} catch (caught) {
			error = caught;
		}
		expect(error).toMatchObject({ name: "TypeError", code: "ERR_INVALID_ARGUMENT", argument });
	};
	options(true, "options.backup");
	options({ url: 7 }, "options.backup.url");
	options({ intervalMs: 0 }, "options.backup.intervalMs");
	options({ retentionMs: -1 }, "options.backup.retentionMs");
	options({ shutdownTimeoutMs: "5 s" }, "options.backup.shutdownTimeoutMs");
	options({ quiet: 1 }, "options.backup.quiet");
	options({ beforeBackup: "hook" }, "options.backup.beforeBackup");
	options({ destination: "elsewhere" }, "options.backup.destination");
	expect(() => store.backups.on("nothing", () => {})).toThrow(TypeError);
	expect(() => store.backups.on("backup", undefined)).toThrow(TypeError);
	const unknown = openDataStore({ filename: file, backup: { url: "ftp://host/path" } });
	await expectFailure(() => unknown.appData.get("k"), "ERR_INVALID_CONFIG");
});
