// Writers that count: each adds a row for every number and notes the last one in the same transaction, then prints
// "<who> <number> <time>" when that was acknowledged, and once "<who> has begun". With them come writes of every size,
// which mean nothing.

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
