// A machine that is lost at a random moment: what was acknowledged more than 1.3 s before is in the backup.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { expect, test } from "vitest";
import { startModule } from "./helpers/child.mjs";
import { raw, rawConnection } from "./helpers/raw.mjs";
import { temporaryDirectory } from "./helpers/store.mjs";

const ROUNDS = process.env.ROOTCELLAR_LONG_TESTS ? 100 : 5;

/** How long after it was acknowledged a write may be lost with the machine: the interval, and what a capture takes. */
const SAFE_AFTER_MS = 1_300;

/** Counts, and adds a row for each number in the same transaction. Prints each number with the time. */
const LOAD = `
	const store = openDataStore({ filename: process.argv[1], backup: { quiet: true } });
	let number = (await store.appData.get("counter")) ?? 0;
	console.log("ready " + Date.now());
	for (;;) {
		number++;
		await store.appData.set([{ key: "counter", value: number }, { key: "row:" + number, value: number }]);
		console.log(number + " " + Date.now());
		if (number % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
	}`;

/** The last number that was acknowledged before a time. */
function acknowledged(lines, beforeMs) {
	const done = lines.map((line) => line.split(" ").map(Number)).filter(([number, at]) => number > 0 && at <= beforeMs);
	return done.at(-1)?.[0] ?? 0;
}

/** Another SQLite, in another process, which counts likewise. */
async function loadOfOthers(file, seen, ended) {
	const connection = rawConnection(file);
	await connection.run("pragma busy_timeout = 5000", "create table if not exists others (number integer primary key)");
	while (!ended.aborted) {
		const [{ last }] = await connection.run(
			"insert into others select coalesce(max(number), 0) + 1 from others",
			"select max(number) as last from others",
		);
		seen.push(`${last} ${Date.now()}`);
		await sleep(20);
	}
}

test("what was acknowledged 1.3 s before a kill is there, whole, on a machine that has only the backup", {
	timeout: ROUNDS * 20_000,
}, async () => {
	const file = join(temporaryDirectory(), "bot.sqlite3");
	for (let round = 0; round < ROUNDS; round++) {
		const child = startModule(LOAD, { args: [file] });
		await child.lineCount(2);
		const others = [];
		const ended = new AbortController();
		const load = loadOfOthers(file, others, ended.signal).catch(() => {});
		await sleep(SAFE_AFTER_MS + Math.random() * 1_500);
		child.kill("SIGKILL");
		const killedAt = Date.now();
		ended.abort();
		await child.ended;
		await load;
		for (const suffix of ["", "-wal", "-shm", ".backup-state"]) rmSync(file + suffix, { recursive: true, force: true });

		const store = openDataStore({ filename: file, backup: { quiet: true } });
		const counter = (await store.appData.get("counter")) ?? 0;
		const rows = await store.appData.selectValue("row:%");
		await store.close();
		const safe = acknowledged(child.lines, killedAt - SAFE_AFTER_MS);
		expect(counter, `round ${round}`).toBeGreaterThanOrEqual(safe);
		expect([rows.length, rows.reduce((sum, row) => sum + row, 0)]).toEqual([counter, (counter * (counter + 1)) / 2]);
		const [{ integrity_check }] = await raw(file, "pragma integrity_check");
		expect(integrity_check).toBe("ok");
		const [found] = await raw(file, "select count(*) as count, coalesce(max(number), 0) as last from others");
		expect(found.count).toBe(found.last);
		expect(found.last).toBeGreaterThanOrEqual(acknowledged(others, killedAt - SAFE_AFTER_MS));
	}
});
