// The command line beside a bot of another user, as `docker exec` runs it: root's commands leave nothing that the bot
// cannot use. Where the tests do not run as root, both are the same user.

import { execFile } from "node:child_process";
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { environment, program } from "../cli/cli.mjs";
import { runModuleForJson } from "../helpers/child.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

vi.setConfig({ testTimeout: 300_000 });

const BOT = 1000;
const isRoot = process.getuid?.() === 0;

/** A bot that, once all is loaded, becomes the user of the folder, and sets a key; prints what it found and did. */
const SOURCE = `
	const [filename, scratch, key] = process.argv.slice(1);
	const warm = openDataStore({ filename: scratch });
	await warm.appData.set({ key: "k", value: 1 });
	await warm.backups.create();
	await warm.close();
	if (process.getuid() === 0) { process.setgroups([]); process.setgid(${BOT}); process.setuid(${BOT}); }
	const failures = [];
	const store = openDataStore({ filename, backup: { quiet: true } });
	store.backups.on("failure", ({ code, message }) => failures.push({ code, message }));
	const keys = (await store.appData.select("%")).map((entry) => entry.key);
	await store.appData.set({ key, value: "x".repeat(10_000) });
	const { id } = await store.backups.create();
	const { undoId } = await store.backups.restore({ id });
	const state = store.backups.status().state;
	await store.close();
	console.log(JSON.stringify({ keys, failures, state, undone: undoId !== undefined }));`;

/** A folder of the bot's, and what the bot and root do in it. */
function world() {
	const outer = temporaryDirectory();
	chmodSync(outer, 0o755);
	const folder = join(outer, "data");
	mkdirSync(folder, { mode: 0o700 });
	if (isRoot) chownSync(folder, BOT, BOT);
	const filename = join(folder, "bot.sqlite3");
	const bot = (key) => runModuleForJson(SOURCE, { args: [filename, join(temporaryDirectory(), "s.sqlite3"), key] });
	const root = (args, input = "") =>
		new Promise((resolve) => {
			const [command, ...rest] = args;
			const all = [program, command, "-f", filename, ...rest];
			const child = execFile(process.execPath, all, { env: environment() }, (error, stdout, stderr) => {
				resolve({ code: error ? error.code : 0, stdout, stderr });
			});
			child.stdin.on("error", () => {});
			child.stdin.end(input);
		});
	return { folder, filename, bot, root };
}

/** Everything in a folder that is not its owner's. */
function foreign(folder) {
	const owner = lstatSync(folder).uid;
	return readdirSync(folder, { recursive: true }).filter((name) => lstatSync(join(folder, name)).uid !== owner);
}

const line = `${JSON.stringify({ key: "imported", value: 1 })}\n`;

/** Commands of root on a store of the bot's that has backups. */
const WITH_STORE = [
	["status"],
	["backup"],
	["list"],
	["verify"],
	["export"],
	["restore", "--force"],
	["import", "--force"],
	["reset"],
];

test.runIf(process.platform !== "win32").each(WITH_STORE)("the bot goes on after root's %s (%s)", async (...args) => {
	const { folder, bot, root } = world();
	expect(await bot("first")).toMatchObject({ keys: [], failures: [], undone: true });
	const done = await root(args.filter(Boolean), line);
	expect([done.code, done.stderr]).toEqual([0, ""]);
	expect(foreign(folder)).toEqual([]);
	const found = await bot("second");
	expect(found).toMatchObject({ failures: [], state: "active", undone: true });
	if (args[0] !== "reset") expect(found.keys).toContain("first");
	if (args[0] === "import") expect(found.keys).toContain("imported");
	expect(foreign(folder)).toEqual([]);
});

test.runIf(process.platform !== "win32").each([
	["with what backups know of it", []],
	["with nothing beside it but the backups", [".backup-state"]],
])("the bot goes on after root has restored a file that was missing, %s", async (_name, missing) => {
	const { folder, filename, bot, root } = world();
	await bot("first");
	for (const suffix of ["", "-wal", "-shm", ...missing]) rmSync(filename + suffix, { recursive: true, force: true });
	const done = await root(["restore"]);
	expect([done.code, done.stderr]).toEqual([0, ""]);
	expect(foreign(folder)).toEqual([]);
	expect(await bot("second")).toMatchObject({ keys: ["first"], failures: [], state: "active" });
});

test.runIf(process.platform !== "win32")("the bot begins with a store that root's import has made", async () => {
	const { folder, bot, root } = world();
	const done = await root(["import"], line);
	expect([done.code, done.stderr]).toEqual([0, ""]);
	expect(foreign(folder)).toEqual([]);
	expect(await bot("first")).toMatchObject({ keys: ["imported"], failures: [], state: "active" });
});

test.runIf(process.platform !== "win32")("the bot uses the file that root has restored with --to", async () => {
	const { folder, filename, bot, root } = world();
	await bot("first");
	const to = join(folder, "copy.sqlite3");
	expect((await root(["restore", "--to", to])).code).toBe(0);
	expect((await root(["export", "--output", join(folder, "keys.jsonl")])).code).toBe(0);
	expect(foreign(folder)).toEqual([]);
	for (const suffix of ["", "-wal", "-shm", ".backup", ".backup-state"]) {
		rmSync(filename + suffix, { recursive: true, force: true });
	}
	renameSync(to, filename);
	expect(await bot("second")).toMatchObject({ keys: ["first"], failures: [], state: "active" });
});
