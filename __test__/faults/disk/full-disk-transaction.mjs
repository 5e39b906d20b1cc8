// Transactions on a disk that is too small: `node full-disk-transaction.mjs <kind of disk> <folder>`. Prints as JSON how
// each ended, and what was there afterwards.

import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { smallDisk } from "./small-disk.mjs";

const [kind, folder] = process.argv.slice(2);

/** More than the page cache of the writing connection, so that the log is written before the commit. */
const SPILLED = { rows: 40, bytes: 1 << 20 };

/** Less than that, so that the commit is the first to write. */
const HELD_BACK = { rows: 400, bytes: 16 << 10 };

const SMALL = { rows: 10, bytes: 100 };

const disk = smallDisk(kind, folder);
disk.shrink();
const { appData, sqlite, close } = openDataStore({ filename: join(folder, "store.sqlite3"), backup: false });

const endOf = (promise) =>
	promise.then(
		() => "done",
		(error) => error.code,
	);

/** Rows and keys. Each transaction adds one key for each row, and counts them under a key. */
async function contents() {
	const { rows, bytes } = await sqlite.get("SELECT count(*) AS rows, total(length(a)) AS bytes FROM t");
	const keys = await appData.select("key:%");
	return { rows, bytes, keys: keys.length, counted: await appData.get("counted") };
}

async function add(tx, { rows, bytes }) {
	for (let row = 0; row < rows; row++) {
		const { lastID } = await tx.run("INSERT INTO t (a) VALUES (?)", ["r".repeat(bytes)]);
		await tx.appData.set({ key: `key:${lastID}`, value: row });
		await tx.appData.update("counted", (count) => count + 1, 0);
	}
}

/** Outcome of a transaction that adds rows and keys and overlooks errors: within it, for what follows, and as a whole. */
async function attempt(size) {
	const ends = {};
	ends.whole = await endOf(
		sqlite.transaction(async (tx) => {
			ends.within = await endOf(add(tx, size));
			ends.behind = await endOf(tx.run("UPDATE t SET a = a WHERE id = 1"));
		}),
	);
	return { ...ends, contents: await contents() };
}

/** The same, of one that ends with what has failed. */
async function attemptOnce(size) {
	const whole = await endOf(sqlite.transaction((tx) => add(tx, size)));
	return { whole, contents: await contents() };
}

/** The same, of one within another that has done something before, and goes on. */
async function attemptWithin(size) {
	let inner;
	const outer = await endOf(
		sqlite.transaction(async (tx) => {
			await add(tx, SMALL);
			inner = await endOf(tx.transaction((nested) => add(nested, size)));
			await add(tx, SMALL);
		}),
	);
	return { outer, inner, contents: await contents() };
}

/** Outcomes of writes outside of a transaction. */
const outside = () =>
	Promise.all([
		endOf(sqlite.run("UPDATE t SET a = a WHERE id = 1")),
		endOf(appData.update("counted", (count) => count, 0)),
	]);

const result = {};
await sqlite.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");
result.before = await attempt(SMALL);
result.spilled = await attempt(SPILLED);
result.spilledOnce = await attemptOnce(SPILLED);
result.nested = await attemptWithin(SPILLED);
result.besideIt = await outside();
disk.exhaust();
result.heldBack = await attempt(HELD_BACK);
disk.release();
result.afterIt = await outside();
result.again = await attempt(SPILLED);
result.check = await sqlite.get("PRAGMA integrity_check");
await close();
console.log(JSON.stringify(result));
