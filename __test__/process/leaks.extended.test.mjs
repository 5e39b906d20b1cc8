// Leaks: memory, descriptors and threads stay flat, whatever is done how often.

import { describe, expect, test, vi } from "vitest";
import { packagePath, runModuleForJson } from "../helpers/child.mjs";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

const FACTOR = rounds({ few: 1, many: 1, long: 10 });
/** Growth that garbage collection and the allocator account for; a leak of 25 bytes in each of a million operations shows. */
const MEMORY_GROWTH_MAX_MB = 25;
/** The lock shim keeps up to 32 descriptors for reuse. */
const DESCRIPTOR_GROWTH_MAX = 70;

/**
 * Beginning of the processes below: `measure` gives their resident memory, descriptors and threads, after a collection of
 * garbage.
 */
const PRELUDE = `
	import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
	import { setTimeout as sleep } from "node:timers/promises";
	import { setFlagsFromString } from "node:v8";
	import { runInNewContext } from "node:vm";
	setFlagsFromString("--expose-gc");
	const gc = runInNewContext("gc");
	const count = (what) => (existsSync("/proc/self") ? readdirSync("/proc/self/" + what).length : 0);
	async function measure() {
		for (let i = 0; i < 6; i++) {
			gc();
			await sleep(25);
		}
		return { memoryMb: process.memoryUsage().rss / 2 ** 20, descriptors: count("fd"), threads: count("task") };
	}
	/** Calls \`work\` with 0 to \`times - 1\`, and measures after \`warmUp\` of them and at the end. */
	async function compare(warmUp, times, work) {
		for (let i = 0; i < warmUp; i++) await work(i);
		const before = await measure();
		for (let i = warmUp; i < times; i++) await work(i);
		console.log(JSON.stringify({ before, after: await measure() }));
	}
	const open = (filename) => openDataStore({ filename, backup: false });
	// Garbage enough to grow V8's young generation to its full size, which else shows as growth later.
	for (let i = 0, kept = []; i < 3_000_000; i++) {
		if (kept.push({ i, text: "x" + i }) === 200_000) kept = [];
	}
	const [folder, factor] = [process.argv[1], Number(process.argv[2])];
`;

/**
 * Runs a module with {@link PRELUDE}, and prints and checks what it measured. A store has up to four readers, each
 * with a thread and descriptors, which may not all have been wanted by the end of the warm-up.
 */
async function expectFlat(name, source, { descriptors = 12, threads = 4 } = {}) {
	const started = performance.now();
	const args = [temporaryDirectory(), String(FACTOR), packagePath];
	const { before, after } = await runModuleForJson(PRELUDE + source, { args, timeoutMs: FACTOR * 590_000 });
	const seconds = ((performance.now() - started) / 1_000).toFixed(1);
	const [mb, mbAfter] = [before, after].map(({ memoryMb }) => memoryMb.toFixed(1));
	console.log(
		`leaks, ${name}: ${mb} MB resident after the warm-up, ${mbAfter} MB at the end; descriptors ` +
			`${before.descriptors} and ${after.descriptors}, threads ${before.threads} and ${after.threads}; ${seconds} s`,
	);
	expect(after.memoryMb - before.memoryMb).toBeLessThan(MEMORY_GROWTH_MAX_MB);
	expect(after.descriptors - before.descriptors).toBeLessThanOrEqual(descriptors);
	expect(after.threads - before.threads).toBeLessThanOrEqual(threads);
}

vi.setConfig({ testTimeout: FACTOR * 600_000 });

describe("memory, descriptors and threads stay flat", () => {
	test("over a million operations of every kind", async () => {
		await expectFlat(
			`${(1_000_000 * FACTOR).toLocaleString("en")} operations`,
			`const { appData } = open(folder + "/store.sqlite3");
			const key = (n) => "key:" + (n * 7919) % 5_000;
			const increment = (n) => (typeof n === "number" ? n + 1 : 0);
			const fail = () => { throw new Error("no"); };
			// 1,000 operations, issued together.
			async function work(i) {
				const operations = [];
				for (let n = 0; n < 996; n++) {
					const k = key(i * 1_000 + n);
					const choice = n % 20;
					if (choice < 8) operations.push(appData.set({ key: k, value: { n, text: "x".repeat(n % 200) } }));
					else if (choice < 13) operations.push(appData.get(k));
					else if (choice < 17) operations.push(appData.update(k, increment, 0));
					else if (choice < 18) operations.push(appData.delete(k));
					else if (choice < 19) operations.push(appData.set([{ key: k, value: n, expiresAt: Date.now() + 50 }, { key: "a" + k, value: n }]));
					else operations.push(appData.get("none"));
				}
				operations.push(appData.update("failing", fail, 0).catch(() => {}));
				operations.push(appData.set({ key: "failing", value: fail }).catch(() => {}));
				// One after the other, as each makes those behind it wait.
				operations.push(appData.selectValue("key:1__"), appData.deleteLike("akey:" + (i % 50) + "%"));
				await Promise.all(operations);
			}
			await compare(200, 1_000 * factor, work);`,
		);
	});

	test("over 1,000 openings and closings of one file", async () => {
		await expectFlat(
			`${(1_000 * FACTOR).toLocaleString("en")} open-close cycles of one file`,
			`await compare(200, 1_000 * factor, async (i) => {
				const store = open(folder + "/store.sqlite3");
				await store.appData.set({ key: "k", value: i });
				if (i % 2) await store.appData.select("%");
				await store.close();
			});`,
		);
	});

	test("over 1,000 files, each made, closed and deleted", async () => {
		await expectFlat(
			`${(1_000 * FACTOR).toLocaleString("en")} files, deleted`,
			`await compare(100, 1_000 * factor, async (i) => {
				const filename = folder + "/" + i + ".sqlite3";
				const store = open(filename);
				await store.appData.set({ key: "k", value: i });
				await store.close();
				rmSync(filename);
			});`,
		);
	});

	test("over 500 files, each made, closed and kept", async () => {
		await expectFlat(
			`${(500 * FACTOR).toLocaleString("en")} files, kept`,
			`await compare(100, 500 * factor, async (i) => {
				const store = open(folder + "/" + i + ".sqlite3");
				await store.appData.set({ key: "k", value: i });
				await store.close();
			});`,
			{ descriptors: DESCRIPTOR_GROWTH_MAX },
		);
	});

	test("over 1,000 openings that fail", async () => {
		await expectFlat(
			`${(1_000 * FACTOR).toLocaleString("en")} openings that fail`,
			`writeFileSync(folder + "/text", "no database".repeat(1_000));
			await compare(100, 1_000 * factor, async (i) => {
				const store = open(folder + (i % 2 ? "/text" : "/missing/store.sqlite3"));
				const rejected = await store.appData.get("k").then(() => false, () => true);
				if (!rejected) throw new Error("opened what is no database");
				if (i % 3) await store.close();
			});`,
		);
	});

	test("over 300 stores that are dropped without being closed", async () => {
		await expectFlat(
			`${300 * FACTOR} stores, dropped`,
			`await compare(60, 300 * factor, async (i) => {
				const { appData } = open(folder + "/" + i + ".sqlite3");
				await appData.update("k", (n) => n + 1, 0);
				await appData.select("%");
				gc();
				if (i % 10 === 0) await sleep(20);
			});`,
			{ descriptors: DESCRIPTOR_GROWTH_MAX },
		);
	});

	test("over 100 worker threads that use a store and end, or are terminated amid their work", async () => {
		await expectFlat(
			`${100 * FACTOR} worker threads`,
			`import { Worker } from "node:worker_threads";
			const SOURCE = \`const { parentPort, workerData } = require("node:worker_threads");
				const { openDataStore } = require(workerData.packagePath);
				const store = openDataStore({ filename: workerData.filename, backup: false });
				async function lane(n) {
					for (let i = 0; workerData.endless || i < 8; i++) {
						await store.appData.set({ key: "k" + n, value: i });
						await store.appData.update("n", (n) => n + 1, 0);
						if (i === 0) parentPort.postMessage("working");
						if (i % 5 === 0) await store.appData.select("%");
					}
				}
				for (let n = 0; n < 4; n++) lane(n);\`;
			const mine = open(folder + "/shared.sqlite3");
			await compare(20, 100 * factor, async (i) => {
				// On the main thread's file, or on one that only workers use.
				const filename = folder + (i % 3 ? "/shared.sqlite3" : "/workers.sqlite3");
				const endless = i % 2 === 0;
				const worker = new Worker(SOURCE, { eval: true, execArgv: [], workerData: { packagePath: process.argv[3], filename, endless } });
				const ended = new Promise((resolve) => worker.once("exit", resolve));
				const failed = new Promise((_, reject) => worker.once("error", reject));
				const working = new Promise((resolve) => worker.once("message", resolve));
				await Promise.race([working, failed]);
				const write = mine.appData.set({ key: "mine", value: i });
				if (endless) {
					await sleep(Math.random() * 10);
					await worker.terminate();
				}
				await Promise.race([ended, failed]);
				await write;
			});`,
			{ descriptors: DESCRIPTOR_GROWTH_MAX },
		);
	});
});
