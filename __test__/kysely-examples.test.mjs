// The examples that Kysely publishes in its documentation comments, each run on Kysely's own dialect and on ours: the
// same queries, results, errors and contents of the file.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./helpers/store.mjs";
import { version } from "./kysely/side-by-side.mjs";

const program = fileURLToPath(new URL("kysely/run-examples.mjs", import.meta.url));

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
	expect(counts.alike).toBeGreaterThan(250);
}, 60_000);
