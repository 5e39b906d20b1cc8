// The examples that Kysely publishes in its documentation comments, each run on Kysely's own dialect and on ours: the
// same queries, results, errors and contents of the file.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { compatibility } from "../../docs/compatibility.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { version } from "./side-by-side.mjs";

const program = fileURLToPath(new URL("run-examples.mjs", import.meta.url));

test("every published example does the same on both", async () => {
	const options = { maxBuffer: 64 * 1024 * 1024 };
	const { stdout } = await promisify(execFile)(process.execPath, [program, temporaryDirectory()], options);
	const { counts, known, differing } = JSON.parse(stdout);
	console.log(
		`Kysely ${version}, its published examples: ${counts.alike} run alike, ${counts.alikeErrors} fail alike ` +
			`(SQL of other databases, parts of programs), ${counts.withoutQuery} query nothing, ` +
			`${counts.bound} bind dates or booleans, which only ours takes, ${counts.notLoaded} need other packages, ` +
			`${differing.length} differ, but for ${JSON.stringify(known)}`,
	);
	expect(differing).toEqual([]);
	const listed = Object.values(known).reduce((sum, count) => sum + count, 0);
	const all = Object.values(counts).reduce((sum, count) => sum + count, listed);
	for (const said of [
		`The ${all} examples of the documentation comments`,
		`${counts.alike} query SQLite and do the same on both; ${counts.alikeErrors} fail in the same way`,
		`${counts.withoutQuery} make no query; ${counts.notLoaded} need other packages; ${counts.bound} bind booleans or dates`,
		`The remaining ${listed} differ`,
	]) {
		expect(compatibility).toContain(said);
	}
}, 300_000);
