// Another library that has a file open and goes on reading and writing, whatever is restored meanwhile.

import { setTimeout as sleep } from "node:timers/promises";
import { isBusy, libraries } from "../../coexistence/libraries.mjs";

/** The tables: in every state the total is the sum of the numbers. */
export const TABLES = [
	"create table state (name, total)",
	"create table numbers (id primary key, number, filler)",
	"insert into state values ('first', 0)",
];

const READ = `select name, total - (select coalesce(sum(number), 0) from numbers) as missing from state`;

/** Number of writes after all is over. */
const LAST_WRITES = 5;

/**
 * Reads and writes until `isOver`, and a little longer. Resolves with the names of the states that were seen, the writes that were
 * acknowledged, as `[id, begun at]`, and what SQLite thinks of the file.
 */
export async function use(library, file, name, isOver) {
	const connection = await libraries[library](file);
	const [seen, writes] = [[], []];
	for (let step = 0, left = LAST_WRITES; left > 0; step++) {
		if (isOver()) left--;
		const [{ name: state, missing }] = await untilFree(() => connection.all(READ));
		if (missing !== 0) throw new Error(`${library} saw a mixture of states`);
		if (seen.at(-1) !== state) seen.push(state);
		const [id, number, begun] = [`${name}:${step}`, Math.ceil(Math.random() * 100), Date.now()];
		const insert = ["insert into numbers values (?, ?, randomblob(?))", id, number, Math.floor(Math.random() * 5000)];
		const count = ["update state set total = total + ?", number];
		await untilFree(() => connection.transaction([insert, count]));
		writes.push([id, begun]);
		await sleep(Math.random() * 10);
	}
	const [verdict] = await connection.all("pragma integrity_check");
	await connection.close();
	return { seen, writes, verdict: verdict.integrity_check };
}

/** A lock that others hold for longer than one waits is no failure. */
async function untilFree(run) {
	for (;;) {
		try {
			return await run();
		} catch (error) {
			if (!isBusy(error)) throw error;
		}
	}
}
