// Before the tests of a file that runs on PostgreSQL, too.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, inject } from "vitest";
import { reasonOf } from "./sqlite-alone.mjs";

const require = createRequire(import.meta.url);

/** Databases that wait for a file when a test begins. */
const SPARE = 3;

const folder = mkdtempSync(join(tmpdir(), "rootcellar-databases-"));
const [spare, taken] = ["spare", "taken"].map((name) => join(folder, name));
for (const path of [spare, taken]) mkdirSync(path);

process.env.ROOTCELLAR_TEST_POSTGRES = JSON.stringify({ ...inject("postgres"), folder });
// For the processes that a test starts.
const preload = fileURLToPath(new URL("./preload.cjs", import.meta.url));
process.env.ROOTCELLAR_TEST_NODE_OPTIONS = `--require ${preload}`;
process.env.NODE_OPTIONS = process.env.ROOTCELLAR_TEST_NODE_OPTIONS;
require("./preload.cjs");

const { connect, makeSpares } = require("./databases.cjs");
const client = await connect("postgres");
const query = (text) => client.query(text);

/** Drops what the last test had, whose stores are closed by now. */
async function drop(places) {
	for (const name of readdirSync(places)) {
		const place = join(places, name);
		await query(`DROP DATABASE ${readFileSync(place, "utf8")} WITH (FORCE)`);
		rmSync(place);
	}
}

beforeEach(async ({ task, skip }) => {
	const reason = reasonOf(task);
	if (reason !== undefined) skip(reason);
	await drop(taken);
	await makeSpares(SPARE - readdirSync(spare).length, query);
});

afterAll(async () => {
	await drop(taken);
	await drop(spare);
	await client.end();
	rmSync(folder, { recursive: true, force: true });
});
