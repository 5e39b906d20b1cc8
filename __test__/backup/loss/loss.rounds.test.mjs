// A machine that is lost at a random moment: what was acknowledged more than 1.3 s before is in the backup.

import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { raw } from "../../helpers/raw.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";
import { lose, openBackedUp } from "../backups.mjs";
import { lateMs, tablesOf, watchMachine } from "./load.mjs";

/** Machines that are lost at a time, and how often each. */
const MACHINES = rounds({ few: 2, many: 5 });
const ROUNDS = rounds({ few: 2, many: 12, long: 60 });

/** Age from which an acknowledged write is safe: the interval, and the time of a capture. */
const SAFE_AFTER_MS = 1_300;

const LOAD = JSON.stringify(new URL("./load.mjs", import.meta.url).href);

/** The bot's process: this package, and another library beside it. It says how late it is. */
const BOT = `
	import { countWithSqlite3, countWithStore, watchMachine } from ${LOAD};
	const store = openDataStore({ filename: process.argv[1], backup: { quiet: true } });
	const watching = watchMachine(process.argv[1] + ".watched-inside", (ms) => console.log("late " + ms + " " + Date.now()));
	await Promise.all([countWithStore(store), countWithSqlite3(process.argv[1], "inside"), watching]);`;

const OTHER_PROCESS = `
	import { countWithSqlite3 } from ${LOAD};
	await countWithSqlite3(process.argv[1], "outside");`;

/** The last number that was acknowledged to somebody before a time. */
function acknowledged(lines, who, beforeMs) {
	const numbers = lines.map((line) => line.split(" ")).filter(([name, , at]) => name === who && Number(at) <= beforeMs);
	return Number(numbers.at(-1)?.[1] ?? 0);
}

/** A writer's numbers in a file: the last that was noted, the number of rows, and their sum. */
async function numbersOf(file, who) {
	const [rows, counter] =
		who === "store"
			? ["__rootapp_kv where key like 'row:%'", "select value from __rootapp_kv where key = 'counter'"]
			: [who, `select number from ${who}_counter`];
	const number = who === "store" ? "cast(value as integer)" : "number";
	const [found] = await raw(
		file,
		`select coalesce((${counter}), 0) + 0 as last, count(*) as count, coalesce(sum(${number}), 0) as sum from ${rows}`,
	);
	return found;
}

/** By how much longer a capture of the bot's may have taken until a time than on an idle machine. */
function lateMsOf(lines, time) {
	const late = lines.map((line) => line.split(" ")).filter(([name]) => name === "late");
	// What holds it up now it has not said yet.
	const now = lateMs(time - Number(late.at(-1)?.[2] ?? 0));
	return Math.max(now, ...late.map(([, ms]) => Number(ms)));
}

const WRITERS = ["store", "inside", "outside"];

/** Has all of them write, and loses everything but the backups at a random moment. Resolves with what was safe then. */
async function live(file) {
	const watch = { lateMs: 0, isOver: false };
	const watching = watchMachine(join(dirname(file), "watched"), (ms) => {
		watch.lateMs = Math.max(watch.lateMs, ms);
		return watch.isOver;
	});
	const processes = [BOT, OTHER_PROCESS].map((source) => startModule(source, { args: [file] }));
	const lines = () => processes.flatMap((child) => child.lines);
	const safeAt = (time) => {
		const beforeMs = time - SAFE_AFTER_MS - Math.max(watch.lateMs, lateMsOf(processes[0].lines, time));
		return Object.fromEntries(WRITERS.map((who) => [who, acknowledged(lines(), who, beforeMs)]));
	};
	try {
		const [bot, other] = processes;
		await Promise.all([bot.line("store has begun"), bot.line("inside has begun"), other.line("outside has begun")]);
		// The busier the machine, the later something of everybody's is safe.
		const areSafe = () => WRITERS.every((who) => safeAt(Date.now())[who] > 0);
		await until(areSafe, "something of everybody's to be safe", 300_000);
		await sleep(Math.random() * 1_500);
	} catch (error) {
		watch.isOver = true;
		await watching;
		throw error;
	} finally {
		for (const child of processes) child.kill("SIGKILL");
	}
	const lostAt = Date.now();
	await Promise.all(processes.map((child) => child.ended));
	watch.isOver = true;
	await watching;
	lose(file);
	return safeAt(lostAt);
}

/** Opens what the backups have, and compares it with what was safe. */
async function recover(file, safe) {
	const store = openBackedUp(file, { intervalMs: 1_000 });
	await store.appData.get("counter");
	await store.close();
	expect(await raw(file, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
	for (const who of WRITERS) {
		const { last, count, sum } = await numbersOf(file, who);
		expect(last, who).toBeGreaterThanOrEqual(safe[who]);
		expect([count, sum], who).toEqual([last, (last * (last + 1)) / 2]);
	}
}

test("what was acknowledged 1.3 s before a kill is there, whole, on a machine that has only the backup", {
	timeout: 600_000 + ROUNDS * 60_000,
}, async () => {
	let hasFailed = false;
	const onMachine = async () => {
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const first = openBackedUp(file, { intervalMs: 1_000 });
		await first.appData.get("counter");
		await raw(file, ...tablesOf("inside"), ...tablesOf("outside"));
		await first.close();
		for (let round = 0; round < ROUNDS && !hasFailed; ) {
			const safe = await live(file);
			await recover(file, safe);
			// If the machine was too busy at the end to say what was safe, the round says nothing.
			if (WRITERS.every((who) => safe[who] > 0)) round++;
		}
	};
	const machines = Array.from({ length: MACHINES }, () =>
		onMachine().catch((error) => {
			hasFailed = true;
			throw error;
		}),
	);
	// All have to end before the test does, and with it their folders.
	for (const { reason } of await Promise.allSettled(machines)) if (reason) throw reason;
});
