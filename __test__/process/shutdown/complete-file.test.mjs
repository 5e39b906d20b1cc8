// The file alone, as who copies it by its name finds it: complete whenever the process ends, and soon after the last write
// while it runs.

import { copyFileSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { runModule, startModule } from "../../helpers/child.mjs";
import { raw } from "../../helpers/raw.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../../helpers/store.mjs";

/** The keys in a copy of the file alone. */
async function keysOfCopy(filename) {
	const copy = join(temporaryDirectory(), "copy.sqlite3");
	copyFileSync(filename, copy);
	const rows = await raw(copy, "select key from __rootapp_kv order by key");
	return rows.map(({ key }) => key);
}

/** Time until something holds; fails after a minute. */
async function until(holds) {
	const since = performance.now();
	for (;;) {
		const held = await holds();
		const took = performance.now() - since;
		if (held) return took;
		expect(took).toBeLessThan(60_000);
		await sleep(20);
	}
}

const logSize = (filename) => (existsSync(`${filename}-wal`) ? statSync(`${filename}-wal`).size : 0);

const PRELUDE = (backup) => `
	const { openDataStore: open } = await import(${JSON.stringify(new URL("../../../index.mjs", import.meta.url).href)});
	const store = open({ filename: process.argv[1], backup: ${backup} });
	for (let n = 0; n < 20; n++) await store.appData.set({ key: "k" + String(n).padStart(2, "0"), value: n });\n`;

const TWENTY = Array.from({ length: 20 }, (_, n) => `k${String(n).padStart(2, "0")}`);

const SELF = (signal) => `process.kill(process.pid, "${signal}"); setInterval(() => {}, 1000);`;

/** Leaves a cursor in the middle of what it reads, so that the log has to be kept for it, and writes once more. */
const WITH_CURSOR = `
	await store.sqlite.exec("CREATE TABLE numbers (n)");
	await store.sqlite.run("WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) INSERT INTO numbers SELECT n FROM c");
	const rows = store.sqlite.iterate("SELECT n FROM numbers")[Symbol.asyncIterator]();
	await rows.next();
	await store.appData.set({ key: "late", value: 1 });\n`;

const IN_TRANSACTION = (end) => `
	store.sqlite.transaction(async (transaction) => {
		await transaction.run("CREATE TABLE unfinished (a)");
		${end}
		await new Promise(() => {});
	}).catch(() => {});
	setInterval(() => {}, 1000);`;

const ENDS = [
	["process.exit", "process.exit(0);", { code: 0 }],
	["process.exit in a callback", "setTimeout(() => process.exit(4), 5);", { code: 4 }],
	["running out of work", "", { code: 0 }],
	["an error that nobody catches", 'throw new Error("the bot\'s own");', { code: 1 }],
	["a rejection that nobody handles", 'Promise.reject(new Error("the bot\'s own"));', { code: 1 }],
	["close", "await store.close();", { code: 0 }],
	["a close that nobody waits for", "store.close(); process.exit(0);", { code: 0 }],
	["SIGTERM", SELF("SIGTERM"), { signal: "SIGTERM" }],
	["SIGINT", SELF("SIGINT"), { signal: "SIGINT" }],
	["SIGHUP", SELF("SIGHUP"), { signal: "SIGHUP" }],
	[
		"SIGTERM while JavaScript does not come to an end",
		'process.kill(process.pid, "SIGTERM"); for (;;);',
		{ signal: "SIGTERM" },
	],
	["a handler of the bot's", `process.on("SIGTERM", () => process.exit(3)); ${SELF("SIGTERM")}`, { code: 3 }],
	["process.exit with a cursor open", `${WITH_CURSOR} process.exit(0);`, { code: 0, late: true }],
	["SIGTERM with a cursor open", WITH_CURSOR + SELF("SIGTERM"), { signal: "SIGTERM", late: true }],
	["process.exit within a transaction", IN_TRANSACTION("process.exit(0);"), { code: 0 }],
	["SIGTERM within a transaction", IN_TRANSACTION('process.kill(process.pid, "SIGTERM");'), { signal: "SIGTERM" }],
	[
		"a store in a worker, and process.exit there",
		`await store.close(); await worker("process.exit(0)");`,
		{ code: 0, worker: true },
	],
	["a store in a worker that is terminated", `await store.close(); await worker("", true);`, { code: 0, worker: true }],
	[
		"process.exit beside a worker that has the file open",
		`await store.close(); await worker("setInterval(() => {}, 1000)", false, true); process.exit(0);`,
		{ code: 0, worker: true },
	],
];

/** Ends that differ from another one only in what they are for the last backup. */
const ALIKE_WITHOUT_BACKUPS = [
	"process.exit in a callback",
	"a rejection that nobody handles",
	"a close that nobody waits for",
	"SIGINT",
	"SIGHUP",
	"a handler of the bot's",
	"a store in a worker that is terminated",
];

/** Runs a worker that writes once more and then does something; resolves when it has ended, or has written. */
const WORKER = `
	const { Worker } = await import("node:worker_threads");
	function worker(then, terminates = false, stays = false) {
		const source = \`const { parentPort, workerData } = require("node:worker_threads");
			const { openDataStore } = require(workerData.path);
			const store = openDataStore({ filename: workerData.filename, backup: workerData.backup });
			store.appData.set({ key: "worker", value: 1 }).then(() => { parentPort.postMessage(1); \${then} });
			\${terminates ? "setInterval(() => {}, 1000);" : ""}\`;
		return new Promise((resolve) => {
			const one = new Worker(source, { eval: true, execArgv: [], workerData: { path: PATH, filename: process.argv[1], backup: BACKUP } });
			one.on("message", () => {
				if (terminates) one.terminate();
				if (stays) resolve();
			});
			one.on("exit", resolve);
		});
	}\n`;

describe("when the process ends, everything is in the file and nothing in its log", () => {
	for (const backup of ["false", "{ quiet: true }"]) {
		const ends = backup === "false" ? ENDS.filter(([name]) => !ALIKE_WITHOUT_BACKUPS.includes(name)) : ENDS;
		for (const [name, source, { code = null, signal = null, late = false, worker = false }] of ends) {
			test(`by ${name}, backup: ${backup}`, async () => {
				const filename = temporaryFile();
				const path = JSON.stringify(new URL("../../../index.js", import.meta.url).pathname);
				const helper = WORKER.replace("PATH", path).replace("BACKUP", backup);
				const ended = await runModule(PRELUDE(backup) + helper + source, { args: [filename], bare: true });
				expect(ended).toMatchObject({ code, signal });
				expect(logSize(filename)).toBe(0);
				const expected = [...TWENTY, ...(late ? ["late"] : []), ...(worker ? ["worker"] : [])];
				expect(await keysOfCopy(filename)).toEqual(expected);
			});
		}
	}

	test("by what a listener of the process's exit issues after everything was ended", async () => {
		const filename = temporaryFile();
		const source = `${PRELUDE("{ quiet: true }")}
			process.on("exit", () => store.appData.set({ key: "listener", value: 1 }));`;
		expect(await runModule(source, { args: [filename], bare: true })).toMatchObject({ code: 0, stderr: "" });
		expect(logSize(filename)).toBe(0);
		expect(await keysOfCopy(filename)).toEqual([...TWENTY, "listener"]);
	});

	test("unless another process has it open: then everything is in the file", async () => {
		const filename = temporaryFile();
		const other = startModule(
			`const store = openDataStore({ filename: process.argv[1], backup: false });
			await store.appData.set({ key: "other", value: 1 });
			console.log("open");
			setInterval(() => {}, 1000);`,
			{ args: [filename] },
		);
		await other.line("open");
		for (const end of ["process.exit(0);", SELF("SIGTERM"), "await store.close();"]) {
			await runModule(`${PRELUDE("false")} ${end}`, { args: [filename], bare: true });
			expect(await keysOfCopy(filename)).toEqual([...TWENTY, "other"]);
		}
	});
});

describe("while the process runs", () => {
	test("everything is in the file within a second after the last write, and nothing in the log", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		for (let round = 0; round < 5; round++) {
			await store.appData.set(TWENTY.map((key) => ({ key, value: round })));
			const took = await until(() => store.backups.status().logBytes === 0);
			expect(took).toBeLessThan(30_000);
			await until(() => logSize(filename) === 0);
			expect(await keysOfCopy(filename)).toEqual(TWENTY);
			await sleep(Math.random() * 400);
		}
		expect(store.backups.status()).toMatchObject({ state: "off", logBytes: 0 });
	});

	test("so is what another library has written", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		await store.appData.set({ key: "own", value: 1 });
		await raw(filename, "insert into __rootapp_kv (key, value) values ('foreign', '1')");
		const { default: Database } = await import("better-sqlite3");
		const database = new Database(filename);
		database.prepare("insert into __rootapp_kv (key, value) values ('held', '1')").run();
		// A copy that is taken while something is being copied into the file may not be a database.
		await until(async () => (await keysOfCopy(filename).catch(() => [])).length === 3);
		database.close();
	});

	test("it is what a reservation has committed, although the connection is still reserved", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		await store.appData.set({ key: "before", value: 1 });
		const connection = await store.sqlite.reserve();
		await connection.run("INSERT INTO __rootapp_kv (key, value) VALUES ('reserved', '1')");
		await until(async () => (await keysOfCopy(filename).catch(() => [])).length === 2);
		await connection.release();
	});

	test("it is not far behind while writes never stop, and a reader only delays it", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		await store.sqlite.exec("CREATE TABLE numbers (n)");
		await store.sqlite.run(
			"WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) INSERT INTO numbers SELECT n FROM c",
		);
		let written = 0;
		let isWriting = true;
		const writing = (async () => {
			while (isWriting) await store.appData.set({ key: "count", value: ++written });
		})();
		const copied = async () => {
			const copy = join(temporaryDirectory(), "copy.sqlite3");
			copyFileSync(filename, copy);
			const [row] = await raw(copy, "select value from __rootapp_kv where key = 'count'").catch(() => []);
			return row === undefined ? 0 : JSON.parse(row.value);
		};
		let seen = 0;
		for (let round = 0; round < 3; round++) {
			const wanted = Math.max(written, seen + 1);
			await until(async () => {
				seen = await copied();
				return seen >= wanted;
			});
		}
		const rows = store.sqlite.iterate("SELECT n FROM numbers")[Symbol.asyncIterator]();
		await rows.next();
		const then = written;
		await until(() => written > then + 10);
		expect(await copied()).toBeLessThanOrEqual(written);
		await rows.return();
		const wanted = written;
		await until(async () => (await copied()) >= wanted);
		isWriting = false;
		await writing;
	});

	test("status says what the file lacks", async () => {
		const filename = temporaryFile();
		const store = openDataStore({ filename, backup: false });
		expect(store.backups.status().logBytes).toBeUndefined();
		await store.sqlite.exec("CREATE TABLE numbers (n)");
		await store.sqlite.run(
			"WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) INSERT INTO numbers SELECT n FROM c",
		);
		const rows = store.sqlite.iterate("SELECT n FROM numbers")[Symbol.asyncIterator]();
		await rows.next();
		await store.appData.set({ key: "k", value: "x".repeat(100_000) });
		expect(store.backups.status().logBytes).toBeGreaterThan(100_000);
		await rows.return();
		await until(() => store.backups.status().logBytes === 0);
		await store.close();
		expect(store.backups.status().logBytes).toBeUndefined();
	});
});
