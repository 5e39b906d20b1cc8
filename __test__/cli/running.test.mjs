// The command line beside a bot that has the store open in a process of its own.

import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { startModule } from "../helpers/child.mjs";
import { rawRows } from "../helpers/raw.mjs";
import { failure, json, rootcellar, startBot, stored, valueIn } from "./cli.mjs";

vi.setConfig({ testTimeout: 300_000 });

test("status, list and verify tell of it, and change nothing", async () => {
	const { directory, file, ids } = await stored();
	const bot = await startBot(file);
	const before = readdirSync(directory);
	const status = await json(["status", "-f", file]);
	expect(status).toMatchObject({ isServed: true, exists: true });
	expect((await rootcellar(["status", "-f", file])).stdout).toContain("by a process that has it open");
	expect((await json(["list", "-f", file])).map(({ id }) => id)).toContain(ids[1]);
	expect(await json(["verify", "-f", file])).toMatchObject({ isComplete: true });
	expect(readdirSync(directory)).toEqual(before);
	bot.write("3\n");
	await bot.line("did 3");
	await vi.waitUntil(async () => (await json(["status", "-f", file])).lag.state === "none", { timeout: 300_000 });
	bot.kill("SIGKILL");
	await bot.ended;
	expect((await json(["status", "-f", file])).isServed).toBe(false);
	expect(await valueIn(file)).toBe(3);
});

test("status tells what the bot has not backed up yet", async () => {
	const { file } = await stored();
	const bot = await startBot(file, "{ intervalMs: 1_000_000 }");
	bot.write("3\n");
	await bot.line("did 3");
	expect((await json(["status", "-f", file])).lag).toMatchObject({ state: "pages" });
	// As a kill leaves it: what is in the log is in no backup, and stays where it is.
	bot.kill("SIGKILL");
	await bot.ended;
	expect(await json(["status", "-f", file])).toMatchObject({ isServed: false, lag: { state: "pages" } });
	expect(existsSync(`${file}-wal`)).toBe(true);
	await json(["backup", "-f", file]);
	expect((await json(["status", "-f", file])).lag.state).toBe("none");
	expect(await valueIn(file)).toBe(3);
});

test("status tells how much lies in the log, while the bot runs and after it was killed", async () => {
	const { file } = await stored();
	// A cursor in the middle of what it reads keeps what is written afterwards out of the file.
	const bot = startModule(
		`const store = openDataStore({ filename: process.argv[1] });
		await store.appData.set(Array.from({ length: 5000 }, (_, n) => ({ key: "n" + n, value: n })));
		const rows = store.sqlite.iterate("SELECT * FROM __rootapp_kv");
		await rows.next();
		await store.appData.set({ key: "large", value: "x".repeat(200_000) });
		console.log("written");
		setInterval(() => {}, 1000);`,
		{ args: [file] },
	);
	await bot.line("written");
	const expectInLog = async () => {
		const { logBytes } = await json(["status", "-f", file]);
		expect(logBytes).toBeGreaterThan(200_000);
		expect((await rootcellar(["status", "-f", file])).stdout).toMatch(
			/^in the log +[\d.]+ kB that the file alone lacks$/m,
		);
	};
	await expectInLog();
	bot.kill("SIGKILL");
	await bot.ended;
	await expectInLog();
	await json(["backup", "-f", file]);
	expect(await json(["status", "-f", file])).toMatchObject({ logBytes: 0 });
	const { stdout } = await rootcellar(["status", "-f", file]);
	expect(stdout).toMatch(/^in the log +nothing: the file has everything$/m);
	expect(await valueIn(file, "large")).toHaveLength(200_000);
});

test("backup waits for the bot to have made one, and says so if it makes them elsewhere", async () => {
	const { directory, file, ids } = await stored();
	const bot = await startBot(file);
	bot.write("3\n");
	await bot.line("did 3");
	const made = await json(["backup", "-f", file]);
	expect(made.id > ids[1]).toBe(true);
	const to = join(directory, "to.sqlite3");
	await json(["restore", "-f", file, "--id", made.id, "--to", to]);
	expect(await valueIn(to)).toBe(3);
	const { code, message } = await failure(["backup", "-f", file, "-u", join(directory, "other")]);
	expect(code).toBe("ERR_BACKUP_ELSEWHERE");
	expect(message).toContain("another destination");
	expect(existsSync(join(directory, "other"))).toBe(false);
});

test("export reads what the bot has written, and import writes what the bot reads", async () => {
	const { file } = await stored();
	const bot = await startBot(file);
	bot.write("3\n");
	await bot.line("did 3");
	expect((await rootcellar(["export", "-f", file])).stdout).toBe('{"key":"k","value":3}\n');
	const input = '{"key":"k","value":4}\n';
	const refused = await rootcellar(["import", "-f", file], { input });
	expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("ERR_KEY_EXISTS")]);
	expect(await json(["import", "-f", file, "--force"], { input })).toMatchObject({ keys: 1 });
	bot.write("get\n");
	await bot.line("holds 4");
	await vi.waitUntil(async () => (await json(["status", "-f", file])).lag.state === "none", { timeout: 300_000 });
});

test("restore goes back with the bot's file while the bot goes on, and undoes it", async () => {
	const { file, ids } = await stored();
	const bot = await startBot(file);
	bot.write("3\n");
	await bot.line("did 3");
	expect((await failure(["restore", "-f", file, "--id", ids[0]])).code).toBe("ERR_FILE_EXISTS");
	const { undoId } = await json(["restore", "-f", file, "--id", ids[0], "--force"]);
	bot.write("get\n");
	await bot.line("holds 1");
	const differs = await rootcellar(["diff", "-f", file, "--at", undoId]);
	expect(differs).toMatchObject({ code: 0, stderr: "" });
	expect(differs.stdout.split("\n")[0]).toBe('~ "k"  3 -> 1');
	expect(await json(["restore", "-f", file, "--id", undoId, "--force"])).toMatchObject({ id: undoId });
	bot.write("get\n");
	await bot.line("holds 3");
	const elsewhere = await failure(["restore", "-f", file, "-u", `${file}.backup/../other`, "--force"]);
	expect(elsewhere.code).toBe("ERR_BACKUP_NOT_FOUND");
});

test("restore to the bot's file as to any other is refused, and says what to do instead", async () => {
	const { directory, file, ids } = await stored();
	const bot = await startBot(file);
	const args = ["-f", join(directory, "other"), "-u", `${file}.backup`, "--to", file, "--id", ids[0], "--force"];
	const { code, message } = await failure(["restore", ...args]);
	expect(code).toBe("ERR_BACKUP_ELSEWHERE");
	for (const way of ["end that process", "--to"]) expect(message).toContain(way);
	const to = join(directory, "to.sqlite3");
	await json(["restore", "-f", file, "--id", ids[0], "--to", to]);
	expect(await valueIn(to)).toBe(1);
	bot.write("get\n");
	await bot.line("holds 2");

	bot.write("3\n");
	await bot.line("did 3");
	await json(["backup", "-f", file]);

	// Not even where the bot's file was deleted under it.
	for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
	expect((await failure(["restore", "-f", file])).code).toBe("ERR_BACKUP_ELSEWHERE");
	expect(existsSync(file)).toBe(false);
	bot.kill("SIGKILL");
	await bot.ended;
	await json(["restore", "-f", file, "--id", ids[1]]);
	// The record of the bot's file does not count against this one, which is older.
	await json(["backup", "-f", file]);
	expect(await valueIn(file)).toBe(2);
});

test("a bot without backups sees a restore of its file, and its file is never replaced", async () => {
	const { directory, file, ids } = await stored();
	const bot = await startBot(file, "false");
	await json(["restore", "-f", file, "--id", ids[0], "--force"]);
	bot.write("get\n");
	await bot.line("holds 1");
	const { code, message } = await failure([
		...["restore", "-f", join(directory, "other"), "-u", `${file}.backup`],
		...["--to", file, "--force"],
	]);
	expect([code, message]).toEqual(["ERR_FILE_EXISTS", expect.stringContaining("open in another process")]);
	bot.write("5\n");
	await bot.line("did 5");
	expect(await rawRows(file)).toMatchObject([{ key: "k", value: "5" }]);
});

test("an old copy is not taken away from a bot without backups that has it open", async () => {
	const { directory, file } = await stored();
	const [copy, state] = [join(directory, "copy"), `${file}.backup-state`];
	cpSync(file, copy);
	cpSync(state, `${copy}.state`, { recursive: true });
	await json(["import", "-f", file, "--force"], { input: '{"key":"k","value":3}\n' });
	cpSync(copy, file);
	rmSync(state, { recursive: true });
	cpSync(`${copy}.state`, state, { recursive: true });

	const bot = await startBot(file, "false");
	expect((await json(["status", "-f", file])).lag.state).toBe("oldCopy");
	const input = '{"key":"new","value":1}\n';
	for (const args of [["backup"], ["import"], ["restore", "--force"]]) {
		const { code, message } = await failure([...args, "-f", file], { input });
		expect([code, message]).toEqual(["ERR_FILE_IN_USE", expect.stringContaining("end that process first")]);
	}
	bot.write("5\n");
	await bot.line("did 5");
	expect(await rawRows(file)).toMatchObject([{ key: "k", value: "5" }]);
	bot.kill("SIGKILL");
	await bot.ended;
	const { stderr } = await rootcellar(["backup", "-f", file]);
	expect(stderr).toContain("it is an old copy");
	expect(await valueIn(file)).toBe(3);
});
