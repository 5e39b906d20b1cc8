// Worker threads: they share one engine for each file, and may end or be ended at any moment, as may the process
// under them, without a crash, a hang or damage.

import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { expectSound } from "../../helpers/raw.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const linux = process.platform === "linux";

const program = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Runs a program of this folder, which must end with `expectedCode` and say nothing of errors. */
function run(name, args, { expectedCode = 0, timeout = 240_000 } = {}) {
	return new Promise((resolve, reject) => {
		const options = { timeout, maxBuffer: 64 << 20, killSignal: "SIGKILL" };
		execFile(process.execPath, [program(name), ...args.map(String)], options, (error, stdout, stderr) => {
			const [code, signal] = [error ? error.code : 0, error?.signal ?? null];
			if (code === expectedCode && signal === null && stderr === "") resolve(stdout);
			else reject(new Error(`${name} ended with ${signal ?? code}: ${stderr}`));
		});
	});
}

describe("worker threads that end at any moment under load", () => {
	const ROUNDS = rounds({ few: 6, many: 40, long: 500 });

	test(
		"terminated, by process.exit, by an exception, out of memory or by closing: nothing is lost or damaged",
		async () => {
			const filename = temporaryFile();
			const started = performance.now();
			const result = JSON.parse(await run("storm.mjs", [filename, ROUNDS], { timeout: 120_000 + ROUNDS * 12_000 }));
			expect(result.problems).toEqual([]);
			expect(result.workers).toBe(3 * ROUNDS);
			for (const ending of ["terminate", "exit", "exit in the same tick", "throw", "close", "stop", "memory"]) {
				expect(result.endings[ending]).toBeGreaterThan(0);
			}
			expect(result.keys).toBeGreaterThan(ROUNDS);
			expect(result.mainSets).toBeGreaterThan(ROUNDS);
			if (linux) {
				expect(result.after.threads).toBeLessThanOrEqual(result.before.threads);
				// Descriptors of the file are kept for reuse, up to 32.
				expect(result.after.descriptors).toBeLessThanOrEqual(result.before.descriptors + 32);
			}
			await expectSound(filename);
			console.log(
				`workers ended at random: ${ROUNDS} rounds, ${result.workers} workers ` +
					`(${Object.entries(result.endings)
						.map(([ending, n]) => `${ending} ${n}`)
						.join(", ")}), ` +
					`${result.keys} keys and ${result.increments} increments beside ${result.mainSets} of the main thread, ` +
					`0 lost, ${((performance.now() - started) / 1_000).toFixed(1)} s`,
			);
		},
		ROUNDS * 12_000 + 180_000,
	);
});

describe("a process that ends by process.exit in the main thread", () => {
	const RUNS = rounds({ few: 2, many: 20, long: 200 });

	test(
		"while worker threads are at work loses nothing, and ends at once with its code",
		async () => {
			const filename = temporaryFile();
			const acknowledged = [];
			for (let n = 0; n < RUNS; n++) {
				const delayMs = Math.floor(Math.random() * 150);
				const printed = await run("exit.mjs", [filename, n, delayMs], { expectedCode: 7, timeout: 300_000 });
				acknowledged.push(...printed.split("\n").filter((line) => line !== ""));
			}
			const { appData } = temporaryStore(filename);
			const keys = new Set((await appData.select("%")).map(({ key }) => key));
			expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
			expect(acknowledged.some((key) => key.includes(":worker"))).toBe(true);
			for (let n = 0; n < RUNS; n++) {
				const last = [...keys].filter((key) => key.startsWith(`run${n}:last:`));
				expect(last).toHaveLength(100);
			}
			expect(await appData.get("counter")).toBeGreaterThanOrEqual(acknowledged.length - 12 * RUNS);
			await expectSound(filename);
			console.log(`process.exit under workers: ${RUNS} times, ${acknowledged.length} acknowledged keys, 0 lost`);
		},
		RUNS * 20_000 + 60_000,
	);
});

describe("worker threads on one file", () => {
	test.runIf(linux)(
		"share one engine under whatever name, and each may close its store while the others go on",
		async () => {
			const filename = temporaryFile();
			const link = join(temporaryDirectory(), "link.sqlite3");
			symlinkSync(filename, link);
			const folder = join(temporaryDirectory(), "folder");
			symlinkSync(dirname(filename), folder);
			mkdirSync(join(dirname(filename), "inner"));
			const names = [
				filename,
				link,
				join(folder, basename(filename)),
				relative(process.cwd(), filename),
				`${dirname(filename)}/inner/../${basename(filename)}`,
				filename,
			];
			const result = JSON.parse(await run("names.mjs", [filename, ...names]));
			const threads = ["threadmain", ...names.map((_, n) => `thread${n}`)].sort();
			expect(result).toEqual({
				// Before the first use, in use, after the main thread's close, with one worker left, after its close, at the end.
				writers: [0, 1, 1, 1, 1, 0],
				seen: [threads, ...names.map(() => threads)],
				counts: [700, 1_400, 1_401],
				mainCloses: [null],
				afterMainClosed: "ERR_STORE_CLOSED",
				workersGoOn: names.map(() => "counted"),
				closedWorkers: "ERR_STORE_CLOSED",
			});
			await expectSound(filename);
			console.log(
				`${names.length} workers and the main thread under 5 names: 1 writer's thread, 1,401 increments, 0 lost`,
			);
		},
		300_000,
	);
});
