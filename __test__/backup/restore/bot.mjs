// A bot in a process of its own that writes, and another process that restores its store meanwhile.

import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { onTestFinished } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { raw, rawRows } from "../../helpers/raw.mjs";
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
export const RESTORE = `
	const [filename, url, id] = process.argv.slice(1);
	const store = openDataStore({ filename, backup: { url, quiet: true } });
	await store.appData.get("k");
	console.log("restoring");
	const { undoId } = await store.backups.restore({ id });
	console.log(undoId);
	await store.close();`;

/** A store with 1 and then 2 under a key, tables that only the first state has, and the ids of both states. */
export async function stored() {
	const directory = temporaryDirectory();
	const [file, url] = [join(directory, "bot.sqlite3"), join(directory, "backups")];
	const store = openDataStore({ filename: file, backup: { url, quiet: true, intervalMs: 100_000 } });
	const ids = [];
	await store.sqlite.exec("CREATE TABLE t (x); INSERT INTO t VALUES ('then')");
	await store.appData.set(
		Array.from({ length: 1000 }, (_, index) => ({ key: `base${index}`, value: "x".repeat(500) })),
	);
	for (const value of [1, 2]) {
		await store.appData.set({ key: "k", value });
		ids.push((await store.backups.create()).id);
		await store.sqlite.exec("DROP TABLE IF EXISTS t; CREATE TABLE IF NOT EXISTS u (x)");
	}
	await store.close();
	return { directory, file, url, ids };
}

export async function start({ file, url }, intervalMs = 300) {
	const bot = startModule(BOT, { args: [file, url, String(intervalMs)] });
	await bot.line("open");
	return bot;
}

export const open = ({ file, url }) => {
	const store = openDataStore({ filename: file, backup: { url, quiet: true } });
	onTestFinished(() => store.close());
	return store;
};

/** Everything that a file holds. */
export async function content(file) {
	const tables = await raw(
		file,
		"select name, sql from sqlite_schema where name not glob '__rootcellar*' and name not glob 'sqlite_*' order by name",
	);
	const rows = await rawRows(file);
	return { tables, rows: rows.map((row) => JSON.stringify(row)).sort() };
}

export const written = (bot) => bot.lines.filter((line) => line.startsWith("written "));

/** The keys that a bot has written that are in a file. */
export const keysIn = async (file) =>
	(await raw(file, "select key from __rootapp_kv where key like 'written %'")).map(({ key }) => key);

/** Starts to write, and waits until that has come to something. */
export async function write(bot, count = 5) {
	bot.write("write\n");
	await until(() => written(bot).length > count, "the bot to write");
}

/** Waits until the bot has written some more. */
export async function goesOn(bot, count = 5) {
	const before = written(bot).length;
	await until(() => written(bot).length > before + count, "the bot to go on");
}
