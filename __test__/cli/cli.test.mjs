// The command line: npx rootcellar.

import { spawn } from "node:child_process";
import {
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { describe, expect, test, vi } from "vitest";
import { packagePath, runModuleForJson } from "../helpers/child.mjs";
import { raw } from "../helpers/raw.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";
import {
	atTerminal,
	environment,
	failure,
	fileWith,
	json,
	program,
	rootcellar,
	rootcellarAgain,
	startBot,
	stored,
	valueIn,
} from "./cli.mjs";

vi.setConfig({ testTimeout: 300_000 });

const COMMANDS = ["status", "backup", "list", "restore", "diff", "reset", "verify", "export", "import"];

describe("how it is called", () => {
	test("help and the version are no errors, and every command shows an example of itself", async () => {
		const help = await rootcellar(["--help"]);
		expect(help.code).toBe(0);
		expect(help.stdout).toContain("Ends with 0 if all went well");
		for (const command of COMMANDS) {
			expect(help.stdout).toContain(command);
			const { code, stdout } = await rootcellarAgain([command, "--help"]);
			expect(code).toBe(0);
			expect(stdout).toMatch(new RegExp(`Example:\\n  npx rootcellar ${command} -`));
		}
		expect((await rootcellar(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+/);
	});

	test("a wrong command line ends with 2", async () => {
		const wrong = [
			["nonsense"],
			["list", "--nonsense"],
			["list", "more"],
			["status", "--file", ""],
			["status", "--file", ":memory:"],
			["status", "--url", ""],
			["restore", "--to", ""],
			["restore", "--at", "noon"],
			["restore", "--at", "2025-02-30"],
			["restore", "--at", "2025-01-01T25:00:00Z"],
			["restore", "--id", "1"],
			["restore", "--id", "0000000000000001", "--at", "2025-01-01"],
			["export", "--output", ""],
			["import", "--input", ""],
		];
		for (const args of wrong) {
			const { said, code } = await failure(args, { code: 2 });
			expect(code).toBe("ERR_USAGE");
			expect(said, args.join(" ")).toMatch(/^rootcellar: .* \(ERR_USAGE\)\n\(rootcellar --help tells more\)\n$/s);
		}
		expect((await rootcellar([])).code).toBe(2);
	});

	test("a time without a zone is local, also a date alone", async () => {
		const texts = [
			"2025-01-31",
			"2025-01-31T00:00",
			"2025-01-31 12:00:00",
			"2025-01-31T12:00Z",
			"2025-01-31T12:00+02:00",
		];
		const times = await runModuleForJson(
			`import { createRequire } from "node:module";
			const { parseMoment, parseTime } = createRequire(process.argv[1])("./lib/cli/options.js");
			console.log(JSON.stringify(process.argv.slice(2).map((text) => [parseTime(text), parseMoment(text)])));`,
			{ args: [packagePath, ...texts], env: { TZ: "Asia/Tokyo" }, bare: true },
		);
		expect(times.map(([time]) => time)).toEqual([
			"2025-01-30T15:00:00.000Z",
			"2025-01-30T15:00:00.000Z",
			"2025-01-31T03:00:00.000Z",
			"2025-01-31T12:00:00.000Z",
			"2025-01-31T10:00:00.000Z",
		]);
		for (const [time, moment] of times) expect(moment).toBe(time);
	});

	test("a configuration that cannot be used ends with 2, and says what was expected", async () => {
		const { file } = await stored();
		const env = { DATABASE_CONFIG: "nonsense" };
		for (const command of COMMANDS) {
			const args = command === "diff" ? ["--at", "2025-01-01"] : [];
			const { code, message } = await failure([command, ...args], { code: 2, env });
			expect([code, message]).toEqual(["ERR_INVALID_CONFIG", expect.stringContaining("DATABASE_CONFIG")]);
		}
		for (const url of ["ftp://host/path", "s3://bucket", "s3:///prefix", "file:relative", "nonsense://x/y"]) {
			for (const command of ["status", "list", "verify", "restore"]) {
				const args = command === "restore" ? ["--to", `${file}.other`] : [];
				const { code, message } = await failure([command, "-f", file, "-u", url, ...args], { code: 2 });
				expect(code, `${command} ${url}`).toBe("ERR_INVALID_CONFIG");
				expect(message).toMatch(/^--url cannot be used: /);
			}
		}
		for (const command of ["backup", "list", "restore", "verify"]) {
			const off = await failure([command, "-f", file], { env: { ROOTCELLAR_BACKUP: "off" } });
			expect([off.code, off.message]).toEqual(["ERR_BACKUP_OFF", expect.stringContaining("--url")]);
		}
	});

	test("a file that is none is refused by every command, and nothing is made beside it", async () => {
		const directory = temporaryDirectory();
		const folder = join(directory, "folder");
		mkdirSync(folder);
		writeFileSync(join(directory, "text"), "no database\n".repeat(1_000));
		const before = readdirSync(directory);
		for (const command of ["status", "backup", "restore", "export", "import"]) {
			const input = '{"key":"a","value":1}\n';
			const { code, message } = await failure([command, "-f", folder], { input });
			expect([code, message]).toEqual(["ERR_NOT_A_FILE", expect.stringContaining(folder)]);
		}
		for (const command of ["status", "list", "backup", "export", "import"]) {
			const input = '{"key":"a","value":1}\n';
			const { code, message } = await failure([command, "-f", join(directory, "text")], { input });
			expect([code, message]).toEqual(["SQLITE_NOTADB", expect.stringContaining(join(directory, "text"))]);
			expect(message).not.toContain("options.");
		}
		for (const command of ["backup", "export"]) {
			for (const name of ["missing", "text/within", "missing/within"]) {
				const { code, message } = await failure([command, "-f", join(directory, name)]);
				expect([code, message]).toEqual(["ERR_NOT_FOUND", expect.stringContaining("rootcellar restore")]);
			}
		}
		expect(readdirSync(directory)).toEqual(before);
	});

	test("a store of which there is nothing, and a folder of backups that is not there, are errors of every command", async () => {
		const { directory, file } = await stored();
		const before = readdirSync(directory);
		for (const name of ["nope.sqlite3", "nowhere/nope.sqlite3"]) {
			const missing = join(directory, name);
			for (const args of [
				["status"],
				["list"],
				["verify"],
				["backup"],
				["export"],
				["reset"],
				["restore"],
				["restore", "--to", join(directory, "to")],
			]) {
				const { code, message } = await failure([...args, "-f", missing]);
				expect(code, args[0]).toMatch(/^ERR_(BACKUP_)?NOT_FOUND$/);
				expect(message).toContain(missing);
			}
		}
		const nowhere = join(directory, "nowhere");
		for (const args of [["list"], ["verify"], ["restore", "--force"], ["restore", "--to", join(directory, "to")]]) {
			const { code, message } = await failure([...args, "-f", file, "-u", nowhere]);
			expect(code, args[0]).toMatch(/^ERR_(BACKUP_)?NOT_FOUND$/);
			expect(message).toContain(nowhere);
		}
		expect(readdirSync(directory)).toEqual(before);
		// A folder that is there and empty, and a store without backups yet, are none.
		mkdirSync(nowhere);
		expect(await json(["list", "-u", nowhere], { cwd: directory })).toEqual([]);
		const fresh = join(directory, "fresh.sqlite3");
		await json(["import", "-f", fresh], { input: '{"key":"a","value":1}\n', env: { ROOTCELLAR_BACKUP: "off" } });
		expect(await json(["list", "-f", fresh])).toEqual([]);
		expect(await json(["status", "-f", fresh])).toMatchObject({ exists: true, backups: 0 });
	});

	test("a destination that looks like an address is refused in the words of the option", async () => {
		const { file } = await stored();
		for (const url of ['"s3://bucket/x"', " s3://bucket/x", "s3:/bucket/x"]) {
			for (const command of ["status", "list", "verify", "restore", "backup", "reset"]) {
				const { message, code } = await failure([command, "-f", file, "-u", url], { code: 2 });
				expect([code, message]).toEqual(["ERR_INVALID_ARGUMENT", expect.stringMatching(/^--url must be /)]);
			}
		}
	});

	test("a destination that cannot be read is said by every command", async () => {
		const { directory, file } = await stored();
		const url = join(directory, "text");
		writeFileSync(url, "no folder");
		for (const args of [["status"], ["list"], ["verify"], ["restore", "--to", join(directory, "to")], ["backup"]]) {
			const { code, message } = await failure([...args, "-f", file, "-u", url]);
			expect([code, message], args[0]).toEqual(["ERR_BACKUP_DESTINATION", expect.stringContaining(url)]);
		}
		expect(existsSync(join(directory, "to"))).toBe(false);
	});

	test("ROOTCELLAR_BACKUP counts for the store that DATABASE_CONFIG names, by whatever name it is called", async () => {
		const { directory, file } = await stored();
		const env = {
			DATABASE_CONFIG: JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: file } }),
			ROOTCELLAR_BACKUP: join(directory, "elsewhere"),
		};
		for (const args of [[], ["--file", file], ["--file", "bot.sqlite3"]]) {
			expect((await json(["status", ...args], { env, cwd: directory })).destination).toBe(env.ROOTCELLAR_BACKUP);
		}
		const other = await fileWith([], directory, "other.sqlite3");
		expect((await json(["status", "-f", other], { env })).destination).toBe(`${other}.backup`);
	});
});

describe("what it prints", () => {
	test("a reader that has gone is no error", async () => {
		const { file } = await stored();
		const store = openDataStore({ filename: file, backup: false });
		await store.appData.set(Array.from({ length: 20_000 }, (_, n) => ({ key: `key ${n}`, value: "x".repeat(50) })));
		await store.close();
		for (const command of ["list", "status", "export"]) {
			const child = spawn(process.execPath, [program, command, "-f", file], {
				env: environment(),
				stdio: ["ignore", "pipe", "pipe"],
			});
			let stderr = "";
			child.stderr.on("data", (text) => {
				stderr += text;
			});
			child.stdout.destroy();
			const code = await new Promise((resolve) => child.once("close", resolve));
			expect([command, code, stderr]).toEqual([command, 0, ""]);
		}
	});

	test.runIf(existsSync("/dev/full"))("what cannot be written is said (where there is a /dev/full)", async () => {
		const { file } = await stored();
		for (const command of ["list", "export"]) {
			const child = spawn(
				"/bin/sh",
				["-c", `"$0" "$1" ${command} -f "$2" > /dev/full`, process.execPath, program, file],
				{
					env: environment(),
				},
			);
			let stderr = "";
			child.stderr.on("data", (text) => {
				stderr += text;
			});
			const code = await new Promise((resolve) => child.once("close", resolve));
			expect([code, stderr]).toEqual([1, expect.stringMatching(/^rootcellar: .*ERR_OUTPUT\)\n$/)]);
		}
	});

	test("a terminal is shown a bar, the result is left on it, and --json shows none", async () => {
		const { directory, file } = await stored();
		const lines = Array.from({ length: 3_000 }, (_, n) => `${JSON.stringify({ key: `key ${n}`, value: n })}\n`);
		const keys = join(directory, "keys.jsonl");
		writeFileSync(keys, lines.join(""));
		const shows = [
			[["import", "--input", keys], /reading .*%.*importing .*% of [\d.]+ kB.*3000 keys were imported/s],
			[["export", "--output", join(directory, "out")], /exporting .*\d% of the rows, \d+ keys.*3001 keys are in/s],
			[["backup"], /backing up .*\d+ s.*snapshot|increment/s],
			[["restore", "--force"], /restoring .*\d+ s.*restoring .*% of [\d.]+ .*is now as it was/s],
			[["restore", "--to", join(directory, "to")], /restoring .*% of [\d.]+ .*is now as it was/s],
			[["verify"], /verifying .*% of [\d.]+ .*can be restored/s],
		];
		for (const [args, expected] of shows) {
			const { code, shown } = await atTerminal([...args, "-f", file]);
			expect(shown).toMatch(expected);
			expect(shown).toContain("\u2588");
			// The cursor is back, and the bar is not in the way of the last line.
			expect(shown.lastIndexOf("\u001b[?25h")).toBeGreaterThan(shown.lastIndexOf("\u2588"));
			expect(code).toBe(0);
		}
		for (const args of [["verify"], ["backup"], ["restore", "--force"]]) {
			const { shown } = await atTerminal([...args, "-f", file, "--json"]);
			expect(shown).not.toContain("\u001b");
			expect(() => JSON.parse(shown)).not.toThrow();
		}
	});
});

test("status and list tell what there is", async () => {
	const { directory, file, ids } = await stored();
	const backups = await json(["list", "--file", file]);
	expect(backups[0].id).toBe(ids[1]);
	const status = await json(["status", "--file", file]);
	expect(status).toMatchObject({ file, exists: true, destination: `${file}.backup`, backups: backups.length });
	expect(status).toMatchObject({ isServed: false, lag: { state: "none", changedPages: 0 } });
	expect(status.newest.id).toBe(ids[1]);
	expect((await rootcellar(["status", "-f", file])).stdout).toContain(ids[1]);
	expect((await rootcellar(["list", "-f", file])).stdout.split("\n")[0]).toContain(ids[1]);
	const env = { DATABASE_CONFIG: JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: file } }) };
	expect(await json(["list"], { env })).toEqual(backups);
	const none = await rootcellar(["list", "-f", join(directory, "none")]);
	expect([none.code, none.stderr]).toEqual([1, expect.stringContaining(join(directory, "none.backup"))]);
});

test("a backup whose time is damaged is listed with another time", async () => {
	const { file, ids } = await stored();
	const path = join(`${file}.backup`, "ltx", "0", `${ids[1]}-${ids[1]}.ltx`);
	const whole = readFileSync(path);
	for (const sign of [0x40, 0xc0]) {
		const bytes = Buffer.from(whole);
		// The first byte of the time in milliseconds.
		bytes[32] ^= sign;
		writeFileSync(path, bytes);
		const backups = await json(["list", "--file", file]);
		expect(backups.map((/** @type {{ id: string }} */ backup) => backup.id)).toContain(ids[1]);
		expect((await rootcellar(["list", "--file", file])).code).toBe(0);
		expect((await rootcellar(["status", "--file", file])).code).toBe(0);
	}
});

describe("status", () => {
	test("tells how far the newest backup is behind the file, and changes nothing by looking", async () => {
		const { directory, file } = await stored();
		const store = openDataStore({ filename: file, backup: false });
		await store.appData.set({ key: "k", value: 3 });
		await store.close();
		const before = readdirSync(directory);
		const { lag, newest } = await json(["status", "-f", file]);
		expect(lag).toMatchObject({ state: "pages", changedPages: expect.any(Number), since: newest.createdAt });
		expect(lag.changedBytes).toBe(lag.changedPages * 4096);
		expect((await rootcellar(["status", "-f", file])).stdout).toMatch(/lag +\d+ pages? \([\d.]+ kB\) changed since /);
		expect(readdirSync(directory)).toEqual(before);
		await json(["backup", "-f", file]);
		expect((await json(["status", "-f", file])).lag.state).toBe("none");
	});

	test("says why where that cannot be told", async () => {
		const { directory, file } = await stored();
		const elsewhere = await json(["status", "-f", file, "-u", join(directory, "other")]);
		expect(elsewhere.lag).toMatchObject({ state: "unknown", reason: expect.stringContaining("another destination") });
		rmSync(`${file}.backup-state`, { recursive: true });
		expect((await json(["status", "-f", file])).lag).toMatchObject({ state: "unknown" });
		rmSync(file);
		const gone = await json(["status", "-f", file]);
		expect(gone).toMatchObject({ exists: false, lag: { state: "unknown", reason: "there is no file" } });
		const { stdout } = await rootcellar(["status", "-f", file]);
		expect(stdout).toContain("not there");
		expect(stdout).toMatch(/^in the log +nothing$/m);
		expect(existsSync(file)).toBe(false);
	});

	test("tells how much lies in the log where backups are turned off, too", async () => {
		const file = await fileWith([{ key: "k", value: 1 }]);
		const options = { env: { ROOTCELLAR_BACKUP: "off" } };
		const bot = await startBot(file, "false");
		bot.write("2\n");
		await bot.line("did 2");
		const open = await json(["status", "-f", file], options);
		expect(open).toMatchObject({ file, exists: true, isServed: false, destination: null, backups: 0, newest: null });
		expect(open).toMatchObject({
			lag: { state: "unknown", reason: expect.stringMatching(/^ROOTCELLAR_BACKUP .*--url$/) },
		});
		expect(open.logBytes).toBeGreaterThan(0);
		bot.end();
		await bot.ended;
		const { code, stdout, stderr } = await rootcellar(["status", "-f", file], options);
		expect([code, stderr]).toEqual([0, ""]);
		expect(stdout).toMatch(/^in the log +nothing: the file has everything$/m);
		expect(stdout).toMatch(/^destination +none: ROOTCELLAR_BACKUP turns backups off/m);
		expect(stdout.trimEnd().split("\n")).toHaveLength(4);
		expect(readdirSync(dirname(file))).toEqual([basename(file)]);
		const { code: name, message } = await failure(["status", "-f", `${file}.none`], options);
		expect([name, message]).toEqual(["ERR_NOT_FOUND", expect.stringContaining(`${file}.none`)]);
	});
});

test("backup refuses the database of another program, and leaves it as it is", async () => {
	const directory = temporaryDirectory();
	const file = join(directory, "other.db");
	await raw(file, "CREATE TABLE notes (text)", "INSERT INTO notes VALUES ('mine')");
	const before = readFileSync(file);
	const { code, message } = await failure(["backup", "-f", file]);
	expect([code, message]).toEqual(["ERR_NOT_A_STORE", expect.stringContaining(file)]);
	expect(readFileSync(file).equals(before)).toBe(true);
	expect(readdirSync(directory)).toEqual(["other.db"]);
});

test("backup makes one of what there is", async () => {
	const { file } = await stored();
	const store = openDataStore({ filename: file, backup: false });
	await store.appData.set({ key: "k", value: 3 });
	await store.close();
	const made = await json(["backup", "-f", file]);
	expect((await json(["list", "-f", file]))[0]).toEqual(made);
	expect((await rootcellar(["backup", "-f", file])).stdout).toContain(made.id);
});

describe("restore", () => {
	test("writes another file, and replaces none unasked", async () => {
		const { directory, file, ids } = await stored();
		const to = join(directory, "copy.sqlite3");
		expect(await json(["restore", "-f", file, "--id", ids[0], "--to", to])).toMatchObject({ id: ids[0], file: to });
		expect(await valueIn(to)).toBe(1);
		const { code } = await failure(["restore", "-f", file, "--to", to]);
		expect(code).toBe("ERR_FILE_EXISTS");
		expect(await valueIn(to)).toBe(1);
		await json(["restore", "-f", file, "--to", to, "--force"]);
		expect(await valueIn(to)).toBe(2);
	});

	test("writes nothing where it cannot, and leaves nothing behind", async () => {
		const { directory, file, ids } = await stored();
		const to = join(directory, "to.sqlite3");
		mkdirSync(join(directory, "folder"));
		const before = readdirSync(directory);
		const cases = [
			[["--id", "00000000000000ff", "--to", to], "ERR_BACKUP_NOT_FOUND"],
			[["--id", "00000000000000ff", "--force"], "ERR_BACKUP_NOT_FOUND"],
			[["--at", "2001-01-01", "--to", to], "ERR_BACKUP_NOT_FOUND"],
			[["--at", "2001-01-01", "--force"], "ERR_BACKUP_NOT_FOUND"],
			[["--to", join(directory, "missing/to")], "ERR_NOT_FOUND"],
			[["--to", join(directory, "folder"), "--force"], "ERR_NOT_A_FILE"],
			[["--to", "/dev/null", "--force"], "ERR_NOT_A_FILE"],
			[[], "ERR_FILE_EXISTS"],
		];
		for (const [args, code] of cases) expect((await failure(["restore", "-f", file, ...args])).code).toBe(code);
		expect(readdirSync(directory)).toEqual(before);
		expect(await valueIn(file)).toBe(2);
		const future = await json(["restore", "-f", file, "--at", "2999-01-01", "--to", to]);
		expect(future.id).toBe(ids[1]);
	});

	test("puts the store itself back, and says how to undo it", async () => {
		const { file, ids } = await stored();
		const { undoId } = await json(["restore", "-f", file, "--id", ids[0], "--force"]);
		expect(await valueIn(file)).toBe(1);
		await json(["restore", "-f", file, "--id", undoId, "--force"]);
		expect(await valueIn(file)).toBe(2);
	});

	test("brings back a file that is gone, also to an older state, with what was known of it there or not", async () => {
		for (const isKnown of [true, false]) {
			const { directory, file, ids } = await stored();
			rmSync(file);
			if (!isKnown) rmSync(`${file}.backup-state`, { recursive: true });
			await json(["restore", "-f", file, "--id", ids[0]]);
			// Opened with its backups, it is taken for what it was made, and not for an old copy.
			const { id } = await json(["backup", "-f", file]);
			expect(id > ids[1]).toBe(true);
			expect(await valueIn(file)).toBe(1);
			rmSync(file);
			const { newest } = await json(["status", "-f", file]);
			await json(["restore", "-f", file, "--at", newest.createdAt]);
			expect(await valueIn(file)).toBe(1);
			expect(readdirSync(directory).filter((name) => /stale|damaged|restoring/.test(name))).toEqual([]);
		}
	});

	test("follows a link to the file that is to be replaced", async () => {
		const { directory, file, ids } = await stored();
		const [to, link] = [join(directory, "to.sqlite3"), join(directory, "link.sqlite3")];
		await json(["restore", "-f", file, "--to", to]);
		symlinkSync(to, link);
		await json(["restore", "-f", file, "--to", link, "--id", ids[0], "--force"]);
		expect(await valueIn(to)).toBe(1);
		symlinkSync(file, `${link}2`);
		// A link to the store is the store: it is restored in place.
		expect((await failure(["restore", "-f", file, "--to", `${link}2`])).code).toBe("ERR_FILE_EXISTS");
		await json(["restore", "-f", file, "--to", `${link}2`, "--id", ids[0], "--force"]);
		expect(await valueIn(file)).toBe(1);
		expect(lstatSync(`${link}2`).isSymbolicLink()).toBe(true);
	});
});

describe("verify", () => {
	test("counts one file as one", async () => {
		const file = await fileWith([{ key: "k", value: 1 }]);
		await json(["backup", "-f", file]);
		expect((await rootcellar(["verify", "-f", file])).stdout).toMatch(/ from 1 file\n$/);
	});

	test("proves the newest state, and ends with 1 if something cannot be used", async () => {
		const { directory, file } = await stored();
		const before = readdirSync(directory);
		expect(await json(["verify", "-f", file])).toMatchObject({ isComplete: true, skipped: [] });
		expect(readdirSync(directory)).toEqual(before);
		const folder = join(`${file}.backup`, "ltx/0");
		const newest = join(folder, readdirSync(folder).sort().at(-1));
		writeFileSync(newest, readFileSync(newest).subarray(0, 150));
		const { code, stdout } = await rootcellar(["verify", "-f", file]);
		expect(code).toBe(1);
		expect(stdout).toContain("cannot be used");
		expect((await json(["verify", "-f", file])).isComplete).toBe(false);
		rmSync(`${file}.backup`, { recursive: true });
		expect((await failure(["verify", "-f", file])).code).toBe("ERR_BACKUP_NOT_FOUND");
	});

	test("ended by a signal leaves nothing behind", async () => {
		const { directory, file } = await stored();
		const store = openDataStore({ filename: file, backup: {} });
		await store.sqlite.exec("CREATE TABLE big (x); INSERT INTO big VALUES (randomblob(60000000))");
		await store.backups.create();
		await store.close();
		const before = readdirSync(directory);
		let code;
		// It may be done before the signal comes.
		for (let attempt = 0; attempt < 10 && code !== 130; attempt++) {
			const child = spawn(process.execPath, [program, "verify", "-f", file], { env: environment(), stdio: "ignore" });
			const ended = new Promise((resolve) => child.once("close", resolve));
			while (readdirSync(directory).length === before.length && child.exitCode === null) await sleep(5);
			child.kill("SIGINT");
			code = await ended;
			expect(readdirSync(directory)).toEqual(before);
		}
		expect(code).toBe(130);
	});
});
