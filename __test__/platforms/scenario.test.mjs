// The scenario that `npm run test:platforms` runs on other platforms, on this one.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCommand } from "../helpers/command.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

const program = fileURLToPath(new URL("scenario.cjs", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

const require = createRequire(import.meta.url);
const TITLES = Object.keys(require("./steps.cjs"));

/** Steps that only another system has. */
const ELSEWHERE = {
	win32: ["signals: SIGTERM, SIGINT, SIGHUP, and a handler of the bot's"],
	other: [
		"Ctrl+C, Ctrl+Break and closing the console",
		"the bot's own handlers of Ctrl+C, Ctrl+Break and closing the console",
		"Ctrl+C, Ctrl+Break and closing the console, with stores in worker threads alone",
		"logging off and shutting down",
		"a closed console, and a destination that does not answer",
		"paths of Windows: slashes, another case, of the current drive, and \\\\?\\",
	],
};

test("what a bot does in its life works on this platform, and each step says so", async () => {
	const folder = temporaryDirectory();
	const results = join(folder, "results.jsonl");
	const { code, stdout, stderr } = await runCommand(process.execPath, [program, root, join(folder, "work"), results]);
	expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: "" });
	const lines = readFileSync(results, "utf8").trim().split("\n");
	const steps = lines.map((line) => JSON.parse(line));
	expect(steps.pop()).toMatchObject({ end: true, platform: process.platform });
	expect(steps.filter(({ error }) => error !== undefined)).toEqual([]);
	expect(steps.length).toBeGreaterThan(20);
	const skipped = steps.filter((step) => step.skipped !== undefined).map(({ title }) => title);
	expect(skipped).toEqual(ELSEWHERE[process.platform] ?? ELSEWHERE.other);
}, 240_000);
test("docs/guarantees.md says of promises and steps that there are where they were run", () => {
	const document = readFileSync(join(root, "docs/guarantees.md"), "utf8");
	const promises = new Set(document.match(/^### .*$/gm).map((line) => line.slice(4)));
	const [, chapter] = document.split(/^## Where they were run$/m);
	const rows = chapter.split(/^## /m)[0].match(/^\| (?!promise|-).*$/gm);
	expect(rows.length).toBeGreaterThan(10);
	const titles = new Set(["the same", ...TITLES]);
	const said = new Set();
	for (const row of rows) {
		const [, named, steps] = row.split(/ ?\| ?/);
		for (const promise of named.split("; ")) {
			expect([...promises]).toContain(promise);
			expect([...said], "a promise has one row").not.toContain(promise);
			said.add(promise);
		}
		for (const step of steps.split("; ")) expect([...titles]).toContain(step.replace(/ \([^)]*\)$/, ""));
	}
});
