// The other end of raw.mjs: runs the statements of each line that it is sent with the `sqlite3` package, and answers with a line.
// With a file as its argument it keeps one connection, on which transactions may stay open; else each line names a file.
"use strict";

const { createInterface } = require("node:readline");
const { oneLine } = require("./one-line.cjs");
const { Database } = require("sqlite3");

/** Longest time for which a busy machine may hold up the owner of the lock. */
const BUSY_TIMEOUT_MS = 60_000;

const [kept] = process.argv.slice(2);

function all(database, sql, parameters) {
	return new Promise((resolve, reject) => {
		database.all(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
	});
}

async function run(database, statements) {
	let rows = [];
	for (const statement of statements) {
		const [sql, ...parameters] = typeof statement === "string" ? [statement] : statement;
		rows = await all(database, sql, parameters);
	}
	return rows;
}

/** Runs statements on a connection of their own. */
async function once({ filename, statements }) {
	const database = await new Promise((resolve, reject) => {
		const opened = new Database(filename, (error) => (error ? reject(error) : resolve(opened)));
	});
	database.configure("busyTimeout", BUSY_TIMEOUT_MS);
	try {
		return await run(database, statements);
	} finally {
		await new Promise((resolve) => database.close(resolve));
	}
}

function answer(id, rows) {
	rows.then(
		(found) => process.stdout.write(oneLine({ id, rows: found })),
		(error) => process.stdout.write(oneLine({ id, error: error.message })),
	);
}

async function main() {
	const database = kept === undefined ? undefined : new Database(kept);
	for await (const line of createInterface({ input: process.stdin })) {
		const { id, ...request } = JSON.parse(line);
		const rows = database === undefined ? once(request) : run(database, request.statements);
		answer(id, rows);
		if (database !== undefined) await rows.catch(() => {});
	}
}

main();
