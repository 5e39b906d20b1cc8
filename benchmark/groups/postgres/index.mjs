import { allKeys, keyAt, valueAt } from "../../lib/data.mjs";
import { runFresh } from "../../lib/processes/fresh.mjs";
import { drivers } from "./drivers/index.mjs";
import { connect, createDatabase, startServer } from "./server.mjs";
import { workloads } from "./workloads.mjs";

/** Keys that are stored at once while a database is filled. */
const PART = 500;

/** Subject of two processes on one database; and of many keys, which are in the database of a driver with few. */
export const TOGETHER = "rootcellar-twice";
export const MANY = "rootcellar-many";
export const FEW = "rootcellar-few";

const ids = workloads.map(({ id }) => id);

/** Rows of as many keys as the benchmark's other stores have, in the order of the keys. */
const FILL = `
INSERT INTO __rootapp_kv (key, value)
SELECT * FROM unnest($1::text[], $2::text[])`;

/**
 * Every driver on the same server, each with a database of its own.
 *
 * @type {import("../index.mjs").Group}
 */
export const postgres = {
	id: "postgres",
	title: ({ keys }) => `PostgreSQL: ${keys.toLocaleString("en-US")} keys, unless told otherwise`,
	workloads: workloads.map(({ id, title, unit, better }) => ({ id, title, unit, better })),
	tasks: ({ fewKeys, manyKeys }) => [
		...drivers.map(({ id, title }) => ({ subject: id, title })),
		{ subject: TOGETHER, title: "rootcellar, two processes", workloads: ["pg-set-1000"] },
		{ subject: FEW, title: `rootcellar, ${fewKeys.toLocaleString("en-US")} keys`, workloads: ids },
		{ subject: MANY, title: `rootcellar, ${manyKeys.toLocaleString("en-US")} keys`, workloads: ids },
	],
	prepare: startServer,
	run: async ({ subject, profile, wants, turn, report }) => {
		const driver = drivers.find(({ id }) => id === subject) ?? drivers[0];
		const database = `bench_${process.pid}`;
		await createDatabase(database);
		const store = await driver.open(database);
		const count = { [FEW]: profile.fewKeys, [MANY]: profile.manyKeys }[subject] ?? profile.keys;
		if (driver.id === "rootcellar") await fillTable(store, database, count);
		else await fill(store, count);
		const keys = allKeys(count);
		for (const { id, run } of workloads) {
			if (!wants(id)) continue;
			await turn();
			if (subject === TOGETHER) report(id, await runTwice(database, id, profile.name));
			else report(id, await run({ store, driver, keys, profile }));
		}
		await store.close();
	},
};

/**
 * @param {import("./drivers/index.mjs").Store} store
 * @param {number} count
 */
async function fill(store, count) {
	for (let from = 0; from < count; from += PART) {
		const part = Array.from({ length: Math.min(PART, count - from) }, (_, offset) => from + offset);
		await Promise.all(part.map((index) => store.set(keyAt(index), valueAt(index))));
	}
}

/**
 * Fills a table that rootcellar has made, and brings its statistics up to date as the server's own maintenance would.
 *
 * @param {import("./drivers/index.mjs").Store} store
 * @param {string} database
 * @param {number} count
 */
async function fillTable(store, database, count) {
	await store.get("");
	const client = await connect(database);
	const size = 20_000;
	for (let from = 0; from < count; from += size) {
		const part = Array.from({ length: Math.min(size, count - from) }, (_, offset) => from + offset);
		await client.query(FILL, [part.map(keyAt), part.map((index) => JSON.stringify(valueAt(index)))]);
	}
	await client.query("VACUUM ANALYZE __rootapp_kv");
	await client.end();
}

/**
 * The throughput of two processes together.
 *
 * @param {string} database
 * @param {string} workload
 * @param {string} profile
 */
async function runTwice(database, workload, profile) {
	const program = new URL("together-child.mjs", import.meta.url);
	const args = [database, workload, profile];
	const results = await Promise.all([runFresh(program, { args }), runFresh(program, { args })]);
	return results[0] + results[1];
}
