// The command line: npx rootcellar.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { startModule } from "./helpers/child.mjs";
import { temporaryDirectory } from "./helpers/store.mjs";

const program = fileURLToPath(new URL("../bin/rootcellar.js", import.meta.url));

/** Runs a command; resolves with its exit code and what it printed. */
function rootcellar(args, { input = "", env = {} } = {}) {
	return new Promise((resolve) => {
		const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, NODE_OPTIONS, ...inherited } = process.env;
		const options = { env: { ...inherited, ...env }, timeout: 30_000 };
		const child = execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
			resolve({ code: error ? error.code : 0, stdout, stderr });
		});
		child.stdin.end(input);
	});
}

async function json(args, options) {
	const { stdout, stderr } = await rootcellar([...args, "--json"], options);
	expect(stderr).toBe("");
	return JSON.parse(stdout);
}

/** A store with two states, 1 and 2, and the backups of both. */
async function stored() {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	const store = openDataStore({ filename: file, backup: {} });
	const ids = [];
	for (const value of [1, 2]) {
		await store.appData.set({ key: "k", value });
		ids.push((await store.backups.create()).id);
	}
	await store.close();
	return { directory, file, ids };
}

async function valueIn(file) {
	const store = openDataStore({ filename: file, backup: false });
	const value = await store.appData.get("k");
	await store.close();
	return value;
}

test("help and the version are no errors, and a wrong command line ends with 2", async () => {
	const help = await rootcellar(["--help"]);
	expect(help.code).toBe(0);
	for (const command of ["status", "backup", "list", "restore", "verify", "export", "import"]) {
		expect(help.stdout).toContain(command);
		expect((await rootcellar([command, "--help"])).code).toBe(0);
	}
	expect((await rootcellar(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+/);
	for (const args of [["nonsense"], ["list", "--nonsense"], ["restore", "--at", "noon"], ["restore", "--id", "1"]]) {
		const { code, stdout, stderr } = await rootcellar(args);
		expect([code, stdout]).toEqual([2, ""]);
		expect(stderr).toContain("rootcellar --help tells more");
	}
});

test("status and list tell what there is", async () => {
	const { file, ids } = await stored();
	const backups = await json(["list", "--file", file]);
	expect(backups[0].id).toBe(ids[1]);
	const status = await json(["status", "--file", file]);
	expect(status).toMatchObject({ file, exists: true, destination: `${file}.backup`, backups: backups.length });
	expect(status.newest.id).toBe(ids[1]);
	expect((await rootcellar(["status", "-f", file])).stdout).toContain(ids[1]);
	expect((await rootcellar(["list", "-f", file])).stdout.split("\n")[0]).toContain(ids[1]);
	const env = { DATABASE_CONFIG: JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: file } }) };
	expect(await json(["list"], { env })).toEqual(backups);
});

test("backup makes one of what there is, and of nothing none", async () => {
	const { directory, file } = await stored();
	const store = openDataStore({ filename: file, backup: false });
	await store.appData.set({ key: "k", value: 3 });
	await store.close();
	const made = await json(["backup", "-f", file]);
	expect((await json(["list", "-f", file]))[0]).toEqual(made);
	const { code, stderr } = await rootcellar(["backup", "-f", join(directory, "missing.sqlite3")]);
	expect(code).toBe(1);
	expect(stderr).toContain("ERR_NOT_FOUND");
	expect(existsSync(join(directory, "missing.sqlite3"))).toBe(false);
});

describe("restore", () => {
	test("writes another file, and replaces none unasked", async () => {
		const { directory, file, ids } = await stored();
		const to = join(directory, "copy.sqlite3");
		expect(await json(["restore", "-f", file, "--id", ids[0], "--to", to])).toMatchObject({ id: ids[0], file: to });
		expect(await valueIn(to)).toBe(1);
		const refused = await rootcellar(["restore", "-f", file, "--to", to]);
		expect([refused.code, refused.stdout]).toEqual([1, ""]);
		expect(refused.stderr).toContain("ERR_FILE_EXISTS");
		expect(await valueIn(to)).toBe(1);
		await json(["restore", "-f", file, "--to", to, "--force"]);
		expect(await valueIn(to)).toBe(2);
	});

	test("puts the store itself back, and says how to undo it", async () => {
		const { file, ids } = await stored();
		expect((await rootcellar(["restore", "-f", file])).code).toBe(1);
		const { undoId } = await json(["restore", "-f", file, "--id", ids[0], "--force"]);
		expect(await valueIn(file)).toBe(1);
		await json(["restore", "-f", file, "--id", undoId, "--force"]);
		expect(await valueIn(file)).toBe(2);
	});

	test("brings back a file that is gone", async () => {
		const { directory, file } = await stored();
		for (const name of readdirSync(directory)) {
			if (!name.endsWith(".backup")) rmSync(join(directory, name), { recursive: true });
		}
		const { newest } = await json(["status", "-f", file]);
		await json(["restore", "-f", file, "--at", newest.createdAt]);
		expect(await valueIn(file)).toBe(2);
	});

	test("leaves a file alone that another process has open", async () => {
		const { file, ids } = await stored();
		const bot = startModule(
			`const store = openDataStore({ filename: process.argv[1], backup: {} });
			await store.appData.get("k");
			await store.backups.create();
			console.log("open");
			setInterval(() => {}, 1000);`,
			{ args: [file] },
		);
		await bot.line("open");
		for (const args of [
			["-f", file],
			["-f", `${file}.other`, "-u", `${file}.backup`, "--to", file],
		]) {
			const { code, stderr } = await rootcellar(["restore", ...args, "--id", ids[0], "--force"]);
			expect(code).toBe(1);
			expect(stderr).toMatch(/another process/);
		}
		bot.kill("SIGKILL");
		await bot.ended;
		expect(await valueIn(file)).toBe(2);
	});
});

test("verify proves the newest state, and ends with 1 if something cannot be used", async () => {
	const { file } = await stored();
	expect(await json(["verify", "-f", file])).toMatchObject({ isComplete: true, skipped: [] });
	const folder = join(`${file}.backup`, "ltx/0");
	const newest = join(folder, readdirSync(folder).sort().at(-1));
	writeFileSync(newest, readFileSync(newest).subarray(0, 150));
	const { code, stdout } = await rootcellar(["verify", "-f", file]);
	expect(code).toBe(1);
	expect(stdout).toContain("cannot be used");
	rmSync(`${file}.backup`, { recursive: true });
	expect(await json(["verify", "-f", file])).toMatchObject({ error: { code: "ERR_BACKUP_NOT_FOUND" } });
});

test("export and import carry every key, its value and its expiry", async () => {
	const { directory, file } = await stored();
	const expiresAt = new Date(Date.now() + 1_000_000);
	const store = openDataStore({ filename: file, backup: false });
	await store.appData.set({ key: "line\nfeed", value: { nested: ["x", null] }, expiresAt });
	await store.close();
	const { code, stdout } = await rootcellar(["export", "-f", file]);
	expect(code).toBe(0);
	expect(
		stdout
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line)),
	).toEqual([
		{ key: "k", value: 2 },
		{ key: "line\nfeed", value: { nested: ["x", null] }, expiresAt: expiresAt.toISOString() },
	]);

	const other = join(directory, "other.sqlite3");
	expect(await json(["import", "-f", other], { input: stdout })).toEqual({ keys: 2 });
	expect((await rootcellar(["export", "-f", other])).stdout).toBe(stdout);
	const again = await rootcellar(["import", "-f", other], {
		input: '{"key":"k","value":3}\n{"key":"new","value":1}\n',
	});
	expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("ERR_KEY_EXISTS")]);
	expect((await rootcellar(["export", "-f", other])).stdout).toBe(stdout);
	expect(await json(["import", "-f", other, "--force"], { input: '{"key":"k","value":3}\n' })).toEqual({ keys: 1 });
	expect(await valueIn(other)).toBe(3);
	for (const input of ["nonsense", '{"key":1,"value":1}', '{"key":"a"}', '{"key":"a","value":1,"expiresAt":"noon"}']) {
		expect(await json(["import", "-f", other], { input })).toMatchObject({ error: { code: "ERR_INVALID_INPUT" } });
	}
});
