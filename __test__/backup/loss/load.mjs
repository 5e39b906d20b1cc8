// Writers that count: each adds a row for every number and notes the last one in the same transaction, then prints
// "<who> <number> <time>" when that was acknowledged, and once "<who> has begun". With them come writes of every size,
// which mean nothing.

import { open } from "node:fs/promises";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const { Database } = createRequire(import.meta.url)("sqlite3");

/** Tables of a writer: the trigger makes row and counter one statement. */
export const tablesOf = (who) => [
	`create table ${who} (number integer primary key, filler)`,
	`create table ${who}_counter as select 0 as number`,
	`create trigger ${who}_counts after insert on ${who} begin update ${who}_counter set number = new.number; end`,
];

const begun = new Set();

function acknowledged(who, number) {
	console.log(`${who} ${number} ${Date.now()}`);
	if (!begun.has(who)) console.log(`${who} has begun`);
	begun.add(who);
}

const pause = () => (Math.random() < 0.5 ? sleep(Math.random() * 40) : undefined);

const randomLength = () => Math.floor(10 ** (Math.random() * 4));

/** This package. */
export async function countWithStore(store) {
	let number = (await store.appData.get("counter")) ?? 0;
	for (;;) {
		number++;
		const filler = { key: `filler:${number % 50}`, value: "x".repeat(randomLength()) };
		await store.appData.set([{ key: "counter", value: number }, { key: `row:${number}`, value: number }, filler]);
		acknowledged("store", number);
		await pause();
	}
}

/** The package `sqlite3`, wherever this runs. */
export async function countWithSqlite3(file, who) {
	const database = new Database(file);
	database.configure("busyTimeout", 5_000);
	const all = (sql, ...parameters) =>
		new Promise((resolve, reject) => {
			database.all(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
		});
	let [{ number }] = await all(`select number from ${who}_counter`);
	for (;;) {
		number++;
		await all(`insert into ${who} values (?, randomblob(?))`, number, randomLength());
		acknowledged(who, number);
		// Checkpoints by others are no loss either.
		if (Math.random() < 0.02) await all("pragma wal_checkpoint(truncate)");
		await sleep(10);
		await pause();
	}
}

/** Most steps of a capture that wait for the disk, or for a turn of the processor. */
const STEPS = 8;

/** Pause before each write of {@link watchMachine}. */
const WATCH_PAUSE_MS = 50;

/** By how much longer a capture may take where a write to the disk and the pause before it took this long. */
export const lateMs = (tookMs) => STEPS * Math.max(0, tookMs - WATCH_PAUSE_MS);

/**
 * Writes a little to the disk again and again, as who makes backups does, and tells each time by how much longer a capture may
 * take because the machine is busy, until `tell` returns true.
 */
export async function watchMachine(path, tell) {
	for (let isOver = false; !isOver; ) {
		const since = performance.now();
		await sleep(WATCH_PAUSE_MS);
		const file = await open(path, "w");
		await file.write("x");
		await file.sync();
		await file.close();
		isOver = tell(lateMs(performance.now() - since));
	}
}
