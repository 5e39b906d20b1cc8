// The storage patterns of Root's samples, each with the library that they use on the file name, and on this package's
// engine: they print the same, and go on from each other's data.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { raw } from "../helpers/raw.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const execute = promisify(execFile);
const TIME_LIMIT_MS = 300_000;

/** Output of each sample's first run, and a line of its second. */
const SAMPLES = {
	"task-list": {
		first: [
			"Left from before: nothing",
			"Refused: a task without a text, and those with it",
			"Done: water the plants, true; again, false",
			"[x] water the plants",
			"[ ] sow the beans",
			"[ ] turn the compost",
			"Removed: 1",
		],
		second: "Left from before: sow the beans, turn the compost",
	},
	"player-statistics": {
		first: [
			"Games so far: 0",
			"Refused: a game with a stranger",
			"Bob: 16 points in 2 games, at most 9",
			"Ada L.: 13 points in 2 games, at most 10",
			"Eve: 1 points in 1 games, at most 1",
			"Without Eve: 4 results",
		],
		second: "Games so far: 2",
	},
	"plain-sql": {
		first: [
			"Poll 1 is open",
			"Bob changes his mind: 1; again: 0",
			"Refused: choice IN ('yes', 'no')",
			"Shall we plant potatoes? 3 of 3 say yes",
		],
		second: "Poll 2 is open",
	},
};

/** Runs a program of a sample in a folder, and resolves with the lines that it printed. */
async function runSample(sample, program, cwd) {
	const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, ...env } = process.env;
	const file = join(root, "examples", sample, "dist", `${program}.js`);
	const { stdout, stderr } = await execute(process.execPath, [file], { cwd, env });
	expect(stderr).toBe("");
	return stdout.trimEnd().split("\n");
}

describe.each(Object.entries(SAMPLES))("the sample %s", (sample, { first, second }) => {
	const programs = ["on-filename", "on-rootcellar"];
	/** Output of each program when it ran first, and the folder that it left. */
	const begun = {};

	beforeAll(async () => {
		const folder = join(root, "examples", sample);
		const tsc = join(root, "node_modules/typescript/bin/tsc");
		await execute(process.execPath, [tsc, "-p", folder, "--skipLibCheck"]);
		for (const program of programs) {
			const left = realpathSync(mkdtempSync(join(tmpdir(), "rootcellar-")));
			begun[program] = { left };
			begun[program].printed = await runSample(sample, program, left);
		}
	}, TIME_LIMIT_MS);

	afterAll(() => {
		for (const { left } of Object.values(begun)) rmSync(left, { recursive: true, force: true });
	});

	/** Output of a program that goes on from what another left, and the folder in which it ran. */
	async function goOn(program, other) {
		const folder = temporaryDirectory();
		cpSync(begun[other].left, folder, { recursive: true });
		return { printed: await runSample(sample, program, folder), folder };
	}

	test(
		"prints the same with its original library and on this engine, also when run again",
		async () => {
			const [original, ours] = await Promise.all(programs.map((program) => goOn(program, program)));
			for (const program of programs) expect(begun[program].printed).toEqual(first);
			expect(original.printed[0]).toBe(second);
			expect(ours.printed).toEqual(original.printed);
		},
		TIME_LIMIT_MS,
	);

	test.each([
		["on-filename", "on-rootcellar"],
		["on-rootcellar", "on-filename"],
	])(
		"begun %s, goes on %s",
		async (other, program) => {
			const { printed, folder } = await goOn(program, other);
			expect(printed[0]).toBe(second);
			const file = join(folder, "rootsdk.sqlite3");
			expect(await raw(file, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
		},
		TIME_LIMIT_MS,
	);
});
