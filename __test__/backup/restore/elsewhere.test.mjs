// A store that is restored by one process while a bot has it open in another, which makes its backups.

import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { runModule, startModule } from "../../helpers/child.mjs";
import { expectFailure } from "../../helpers/errors.mjs";
import { expectSound, raw, rawRows } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";

/** A bot that writes one key after the other, prints each that is written, and tells what it sees of `k`, in its cache and by a watch. */
const BOT = `
	import { createInterface } from "node:readline";
	const [filename, url, intervalMs] = process.argv.slice(1);
	const store = openDataStore({ filename, backup: { url, intervalMs: Number(intervalMs), quiet: true } });
	await store.appData.get("k");
	await store.backups.create();
	let writes = false;
	const write = async () => {
		for (let number = 0; writes; number++) {
			const key = "written " + process.pid + " " + number;
			await store.appData.set({ key, value: number });
			console.log(key);
			await new Promise((resolve) => setTimeout(resolve, 2));
		}
	};
	(async () => {
		for await (const changes of store.kv.watch({ keys: ["k"] })) {
			for (const { value, resync } of changes) console.log("saw " + (resync ? "all" : value));
		}
	})();
	await store.appData.get("k");
	console.log("open");
	for await (const line of createInterface({ input: process.stdin })) {
		if (line === "get") console.log("holds " + (await store.appData.get("k")));
		if (line === "write") { writes = true; write(); }
		if (line === "stop") { writes = false; await store.backups.create(); console.log("stopped"); }
	}`;

/** Restores a file to a state, and prints the id of what undoes it. */
const RESTORE = `
	const [filename, url, id] = process.argv.slice(1);
	const store = openDataStore({ filename, backup: { url, quiet: true } });
	await store.appData.get("k");
	console.log("restoring");
	const { undoId } = await store.backups.restore({ id });
	console.log(undoId);
	await store.close();`;

/** A store with 1 and then 2 under a key, tables that only the first state has, and the ids of both states. */
async function stored() {
	const directory = temporaryDirectory();
	const [file, url] = [join(directory, "bot.sqlite3"), join(directory, "backups")];
	const store = openDataStore({ filename: file, backup: { url, quiet: true, intervalMs: 100_000 } });
	const ids = [];
	await store.sqlite.exec("CREATE TABLE t (x); INSERT INTO t VALUES ('then')");
	await store.appData.set(
		Array.from({ length: 3000 }, (_, index) => ({ key: `base${index}`, value: "x".repeat(500) })),
	);
	for (const value of [1, 2]) {
		await store.appData.set({ key: "k", value });
		ids.push((await store.backups.create()).id);
		await store.sqlite.exec("DROP TABLE IF EXISTS t; CREATE TABLE IF NOT EXISTS u (x)");
	}
	await store.close();
	return { directory, file, url, ids };
}

async function start({ file, url }, intervalMs = 300) {
	const bot = startModule(BOT, { args: [file, url, String(intervalMs)] });
	await bot.line("open");
	return bot;
}

const open = ({ file, url }) => {
	const store = openDataStore({ filename: file, backup: { url, quiet: true } });
	onTestFinished(() => store.close());
	return store;
};

/** Everything that a file holds. */
async function content(file) {
	const tables = await raw(
		file,
		"select name, sql from sqlite_schema where name not glob '__rootcellar*' and name not glob 'sqlite_*' order by name",
	);
	const rows = await rawRows(file);
	return { tables, rows: rows.map((row) => JSON.stringify(row)).sort() };
}

const written = (bot) => bot.lines.filter((line) => line.startsWith("written "));

/** The keys that a bot has written that are in a file. */
const keysIn = async (file) =>
	(await raw(file, "select key from __rootapp_kv where key like 'written %'")).map(({ key }) => key);

test("while a bot writes, which sees it in its cache and its watch; nothing that it was told is lost, and undoing brings it back", async () => {
	const place = await stored();
	const { directory, file, ids } = place;
	const bot = await start(place);
	const store = open(place);
	await store.appData.get("k");
	await until(() => store.backups.status().state === "elsewhere", "the bot to make the backups");
	bot.write("write\n");
	await until(() => written(bot).length > 20, "the bot to write");
	const { undoId, id } = await store.backups.restore({ id: ids[0] });
	expect(id).toBe(ids[0]);
	const upToNow = bot.lines.length;
	await until(() => written({ lines: bot.lines.slice(upToNow) }).length > 20, "the bot to go on");
	bot.write("stop\n");
	await bot.line("stopped");
	bot.write("get\n");
	await bot.line("holds 1");
	await until(() => bot.lines.some((line) => line === "saw 1" || line === "saw all"), "the watch to tell");
	expect(await store.appData.get("k")).toBe(1);
	expect(await store.sqlite.all("SELECT x FROM t")).toEqual([{ x: "then" }]);

	// What was acknowledged is in the state before, or was written afterwards.
	const undone = join(directory, "undone.sqlite3");
	await store.backups.restore({ id: undoId, to: undone });
	const kept = new Set([...(await keysIn(undone)), ...(await keysIn(file))]);
	expect(written(bot).filter((key) => !kept.has(key))).toEqual([]);
	expect((await raw(undone, "select value from __rootapp_kv where key = 'k'"))[0].value).toBe("2");

	// And back: exactly what it was.
	const again = await store.backups.restore({ id: undoId });
	expect(await content(file)).toEqual(await content(undone));
	await store.backups.restore({ id: again.undoId });
	bot.write("get\n");
	await until(() => bot.lines.filter((line) => line === "holds 1").length === 2, "the bot to see it");
	await expectSound(file);
	bot.kill("SIGKILL");
	await bot.ended;
});

const STEPS = ["prepared", "locked", "published", "replaced"];

test.each(STEPS)(
	"a process that is killed when the state is %s leaves the old state or the new one, and the bot goes on",
	async (step) => {
		const place = await stored();
		const { file, url, ids } = place;
		const bot = await start(place);
		bot.write("write\n");
		await until(() => written(bot).length > 5, "the bot to write");
		const env = { ROOTCELLAR_TEST_CRASH_AT: `restore elsewhere: ${step}` };
		const { signal } = await runModule(RESTORE, { args: [file, url, ids[0]], env });
		expect(signal).toBe("SIGABRT");
		const upToNow = bot.lines.length;
		await until(() => written({ lines: bot.lines.slice(upToNow) }).length > 5, "the bot to go on");
		bot.write("stop\n");
		await bot.line("stopped");
		bot.write("get\n");
		await bot.line(step === "replaced" ? "holds 1" : "holds 2");
		const keys = new Set(await keysIn(file));
		const lost = written(bot).filter((key) => !keys.has(key));
		if (step === "replaced") {
			// They are in the state that was replaced, which a backup has.
			const store = open(place);
			const states = await store.backups.list();
			const to = `${file}.before`;
			for (const { id } of states) {
				await store.backups.restore({ id, to, overwrite: true });
				for (const key of await keysIn(to)) keys.add(key);
			}
			await store.close();
			expect(written(bot).filter((key) => !keys.has(key))).toEqual([]);
			expect(lost.length).toBeGreaterThan(0);
		} else {
			expect(lost).toEqual([]);
		}
		await expectSound(file);
		bot.kill("SIGKILL");
		await bot.ended;
		const store = open(place);
		expect(await store.appData.get("k")).toBe(step === "replaced" ? 1 : 2);
	},
);

test("a process that is killed at any moment, while others are", { timeout: 300_000 }, async () => {
	const place = await stored();
	const { file, url, ids } = place;
	const bot = await start(place, 100);
	bot.write("write\n");
	for (let round = 0; round < 4; round++) {
		const other = startModule(RESTORE, { args: [file, url, ids[round % 2]] });
		await other.line("restoring");
		await new Promise((resolve) => setTimeout(resolve, Math.random() * 600));
		other.kill("SIGKILL");
		await other.ended;
		const upToNow = bot.lines.length;
		await until(() => written({ lines: bot.lines.slice(upToNow) }).length > 3, "the bot to go on");
		const [{ value }] = await raw(file, "select value from __rootapp_kv where key = 'k'");
		// The table is there exactly with the value of its state.
		const tables = await raw(file, "select name from sqlite_schema where name = 't'");
		expect([value, tables.length]).toEqual(value === "1" ? ["1", 1] : ["2", 0]);
	}
	await expectSound(file);
	bot.kill("SIGKILL");
	await bot.ended;
});

test.each(["while it is waited for", "which had backed up all"])(
	"a bot that is killed %s: the process that restores makes the backups then, and loses nothing",
	async (when) => {
		const place = await stored();
		const { directory, file, url, ids } = place;
		const bot = await start(place, 1_000_000);
		if (when.startsWith("while")) {
			bot.write("write\n");
			await until(() => written(bot).length > 5, "the bot to write");
		}
		const other = startModule(RESTORE, { args: [file, url, ids[0]] });
		await other.line("restoring");
		bot.kill("SIGKILL");
		await bot.ended;
		expect(await other.ended).toMatchObject({ code: 0, stderr: "" });
		const undoId = other.lines.at(-1);
		const store = open(place);
		expect(await store.appData.get("k")).toBe(1);
		const to = join(directory, "undone.sqlite3");
		await store.backups.restore({ id: undoId, to });
		const keys = new Set(await keysIn(to));
		expect(written(bot).filter((key) => !keys.has(key))).toEqual([]);
	},
);

test("a bot that backs up to another destination is told of, and nothing is changed", async () => {
	const place = await stored();
	const bot = await start({ ...place, url: join(place.directory, "elsewhere") });
	const store = open(place);
	const error = await expectFailure(() => store.backups.restore({ id: place.ids[0] }), "ERR_BACKUP_ELSEWHERE");
	expect(error.message).toContain("elsewhere, and not to");
	await expectFailure(() => store.backups.restore({ id: "ffffffffffffffff" }), "ERR_BACKUP_ELSEWHERE");
	bot.write("get\n");
	await bot.line("holds 2");
});

test("a state that there is no backup of changes nothing", async () => {
	const place = await stored();
	const bot = await start(place);
	const store = open(place);
	await expectFailure(() => store.backups.restore({ id: "ffffffffffffffff" }), "ERR_BACKUP_NOT_FOUND");
	await expectFailure(() => store.backups.restore({ at: 0 }), "ERR_BACKUP_NOT_FOUND");
	bot.write("get\n");
	await bot.line("holds 2");
});
