// The other end of raw.mjs: runs the statements it is sent with the `sqlite3` package.
"use strict";

const { createInterface } = require("node:readline");
const { Database } = require("sqlite3");

const [filename, mode] = process.argv.slice(2);
const database = new Database(filename);

function all(sql, parameters) {
	return new Promise((resolve, reject) => {
		database.all(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
	});
}

async function run(statements) {
	let rows = [];
	for (const statement of statements) {
		const [sql, ...parameters] = typeof statement === "string" ? [statement] : statement;
		rows = await all(sql, parameters);
	}
	return rows;
}

async function readAll(stream) {
	let text = "";
	for await (const chunk of stream.setEncoding("utf8")) text += chunk;
	return text;
}

async function once() {
	database.configure("busyTimeout", 5_000);
	const rows = await run(JSON.parse(await readAll(process.stdin)));
	await new Promise((resolve) => database.close(resolve));
	process.stdout.write(JSON.stringify(rows));
}

async function keep() {
	for await (const line of createInterface({ input: process.stdin })) {
		const reply = await run(JSON.parse(line)).then(
			(rows) => ({ rows }),
			(error) => ({ error: error.message }),
		);
		process.stdout.write(`${JSON.stringify(reply)}\n`);
	}
}

(mode === "keep" ? keep() : once()).catch((error) => {
	process.stderr.write(`${error.message}\n`);
	process.exitCode = 1;
});
