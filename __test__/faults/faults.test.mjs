// Faults: each gives an error with SQLite's code, rejects the operations that it concerns and no other, and the
// store goes on, or says with a code that it cannot and why.

import {
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { describe, expect, onTestFinished, test } from "vitest";
import { startModule } from "../helpers/child.mjs";
import { expectFailure, SECRET } from "../helpers/errors.mjs";
import { raw, rawConnection } from "../helpers/raw.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { until } from "../helpers/time.mjs";
import { DISKS, runOnSmallDisk } from "./disks.mjs";

const linux = process.platform === "linux";
const windows = process.platform === "win32";

const OPEN = "const store = openDataStore({ filename: process.argv[1], backup: false });\nconst { appData } = store;\n";

/** Every operation, each with a value that no message may show. */
const operations = (appData) => [
	() => appData.set({ key: "k", value: SECRET }),
	() => appData.set([{ key: "k", value: SECRET }]),
	() => appData.update("k", () => SECRET, SECRET),
	() => appData.delete("k"),
	() => appData.deleteLike("%"),
	() => appData.get("k"),
	() => appData.select("%"),
	() => appData.selectValue("%"),
];

async function expectSound(filename) {
	expect(await raw(filename, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
}

describe("too little room", () => {
	const kinds = Object.keys(DISKS).filter((kind) => linux || kind === "mounted");

	test.runIf(linux).each(kinds)(
		"%s: only what does not fit is rejected, and all works once there is room",
		async (kind) => {
			const [folder, resultFolder] = [temporaryDirectory(), temporaryDirectory()];
			const { code } = DISKS[kind];
			const result = await runOnSmallDisk("full-disk.mjs", kind, folder, [resultFolder]);

			// One big value among small ones of the same tick.
			expect(result.neighbours).toEqual({ done: 104 });
			for (const end of Object.values(result.big)) expect(end).toMatch(code);
			expect(result.stored).toEqual({ before: 50, after: 50, with: [], old: 2_000, updated: true, deleted: 39 });

			// No room at all.
			expect(result.full).toMatchObject({ missing: [], more: 0, get: 2_000, select: 50 });
			expect(result.full.codes).toHaveLength(1);
			expect(result.full.codes[0]).toMatch(code);
			expect(result.openingOnFull).toMatch(/^SQLITE_(FULL|IOERR_WRITE|IOERR_SHMSIZE|IOERR_SHMOPEN|CANTOPEN)$/);

			// Room again.
			expect(result.again).toEqual({ done: 53 });
			expect(result.afterwards).toEqual({ missing: [], more: 0, big: 8 << 20, again: 50, fresh: "works" });
			const copy = join(resultFolder, "store.sqlite3");
			await expectSound(copy);
			const [{ n }] = await raw(copy, "select count(*) as n from __rootapp_kv where key like 'full:%'");
			expect(n).toBe(result.full.acknowledged);
			console.log(
				`${result.way}: ${Object.values(result.big)}, ${result.full.acknowledged} more keys until ${result.full.codes}, 0 lost`,
			);
		},
		300_000,
	);
});

describe("a file that becomes read-only", () => {
	test.runIf(linux)(
		"with its file system: the store says so when it opens, and works once it may be written",
		async () => {
			const result = await runOnSmallDisk("read-only-disk.mjs", "mounted", temporaryDirectory(), []);
			expect(result.readOnly).toEqual(operations({}).map(() => expect.stringMatching(/^SQLITE_(READONLY|CANTOPEN)/)));
			expect(result.message).toContain("options.filename");
			expect(result.afterwards).toEqual(["before", "after"]);
			console.log(`read-only file system: ${result.readOnly[0]}, then writable and all done`);
		},
		300_000,
	);

	// As root every file may be written, so the child becomes another user once all is loaded.
	const CHILD = `
		import { createInterface } from "node:readline";
		const [filename, scratch] = process.argv.slice(1);
		const warm = openDataStore({ filename: scratch, backup: false });
		await warm.appData.set({ key: "k", value: 1 });
		await warm.close();
		if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
		let store = openDataStore({ filename, backup: false });
		const end = (promise) => promise.then((value) => value ?? "done", (error) => error.code);
		for await (const line of createInterface({ input: process.stdin })) {
			const { appData } = store;
			if (line === "close") console.log(JSON.stringify(await end(store.close())));
			else if (line === "reopen") {
				store = openDataStore({ filename, backup: false });
				console.log(JSON.stringify("done"));
			} else console.log(JSON.stringify([
				await end(appData.set({ key: line, value: line })),
				await end(appData.update("n", (n) => n + 1, 0)),
				await end(appData.get("n")),
				await end(appData.selectValue("step%")),
			]));
		}`;

	test.skipIf(windows)(
		"by its permissions while it is open: the store goes on, and only opening it again fails",
		async () => {
			const directory = temporaryDirectory();
			chmodSync(directory, 0o777);
			const folder = join(directory, "folder");
			const filename = join(folder, "store.sqlite3");
			mkdirSync(folder);
			chmodSync(folder, 0o777);
			const child = startModule(CHILD, { args: [filename, join(directory, "scratch.sqlite3")] });
			let answers = 0;
			const ask = async (line) => {
				child.write(`${line}\n`);
				answers += 1;
				await child.lineCount(answers);
				return JSON.parse(child.lines[answers - 1]);
			};
			const names = () => readdirSync(folder).map((name) => join(folder, name));

			expect(await ask("step1")).toEqual(["done", 1, 1, ["step1"]]);
			for (const name of names()) chmodSync(name, 0o444);
			chmodSync(folder, 0o555);
			expect(await ask("step2")).toEqual(["done", 2, 2, ["step1", "step2"]]);
			expect(await ask("close")).toBe("done");
			await ask("reopen");
			const refused = await ask("step3");
			for (const code of refused) expect(code).toMatch(/^SQLITE_(READONLY|CANTOPEN)/);
			chmodSync(folder, 0o777);
			for (const name of names()) chmodSync(name, 0o666);
			expect(await ask("step4")).toEqual(["done", 3, 3, ["step1", "step2", "step4"]]);
			expect(await ask("close")).toBe("done");
			await expectSound(filename);
			console.log(`read-only by permission: open goes on, opened again ${refused[0]}`);
		},
		300_000,
	);
});

describe.skipIf(windows)("a file that is no longer at its path", () => {
	const CODE = "SQLITE_READONLY_DBMOVED";

	async function expectEveryOperationSaysSo(store, filename) {
		for (const operation of operations(store.appData)) {
			const error = await expectFailure(operation, CODE);
			expect(error.message).toContain(filename);
			expect(error.message).toMatch(/deleted or replaced while it was open/);
			expect(error.message).toMatch(/start/);
		}
		await Promise.all(operations(store.appData).map((operation) => expectFailure(operation, CODE)));
	}

	const LOG = ["-wal", "-shm"];

	/** A store with an entry, and a file of another store, closed. */
	async function openAndOther() {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		await store.appData.set({ key: "k", value: "old" });
		const otherName = temporaryFile("other.sqlite3");
		const other = openDataStore({ filename: otherName, backup: false });
		await other.appData.set({ key: "k", value: "other" });
		await other.close();
		return { filename, store, otherName };
	}

	const ways = [
		["deleted", (filename) => rmSync(filename), undefined],
		["deleted with its log", (filename) => ["", ...LOG].map((end) => rmSync(filename + end)), undefined],
		["deleted with its folder", (filename) => rmSync(dirname(filename), { recursive: true }), undefined],
		["moved away", (filename) => renameSync(filename, `${filename}.moved`), undefined],
		// The log belongs to the file that it was written for: with another one it makes a mixture of the two.
		[
			"replaced by another database, and its log deleted",
			(filename, otherName) => {
				for (const end of LOG) rmSync(filename + end);
				renameSync(otherName, filename);
			},
			"other",
		],
		[
			"replaced by a copy of itself",
			async (filename, otherName) => {
				await raw(filename, "pragma wal_checkpoint(truncate)");
				copyFileSync(filename, otherName);
				renameSync(otherName, filename);
			},
			"old",
		],
	];

	test.each(ways)(
		"because it was %s: every operation says so, and a store opened anew works",
		async (_, act, expected) => {
			const { filename, store, otherName } = await openAndOther();
			const bystander = temporaryStore();
			await act(filename, otherName);
			const found = existsSync(filename) ? readFileSync(filename) : undefined;
			await expectEveryOperationSaysSo(store, filename);
			await bystander.appData.set({ key: "k", value: 1 });
			if (found) expect(readFileSync(filename).equals(found)).toBe(true);
			else expect(existsSync(filename)).toBe(false);

			await store.close();
			mkdirSync(dirname(filename), { recursive: true });
			const anew = temporaryStore(filename);
			expect(await anew.appData.get("k")).toBe(expected);
			await anew.appData.set({ key: "new", value: "new" });
			await anew.close();
			await expectSound(filename);
			expect(await bystander.appData.get("k")).toBe(1);
		},
		300_000,
	);

	test("a store opened anew works beside the one that cannot go on, and is not harmed when that is closed", async () => {
		const { filename, store } = await openAndOther();
		await store.appData.set({ key: "expired", value: 1, expiresAt: Date.now() - 1_000 });
		rmSync(filename);
		const anew = temporaryStore(filename);
		await anew.appData.set(Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: i })));
		await expectEveryOperationSaysSo(store, filename);
		await anew.appData.set({ key: "between", value: 1 });
		await store.close();
		await anew.appData.set({ key: "after", value: 1 });
		expect(await anew.appData.selectValue("k%")).toHaveLength(200);
		// Another process sees all of it too, while it is open.
		expect(await raw(filename, "select count(*) as n from __rootapp_kv")).toEqual([{ n: 202 }]);
		await anew.close();
		await expectSound(filename);
	}, 300_000);

	test("what was under way when it was moved away is there when it is moved back, and the store goes on", async () => {
		const { filename, store } = await openAndOther();
		const { appData } = store;
		const acknowledged = [];
		const codes = new Set();
		const rounds = Array.from({ length: 40 }, async (_, lane) => {
			for (let i = 0; i < 2_000 && codes.size === 0; i++) {
				const key = `lane${lane}:${i}`;
				await appData.set({ key, value: i }).then(
					() => acknowledged.push(key),
					(error) => codes.add(error.code),
				);
			}
		});
		await until(() => acknowledged.length > 40, "writes");
		renameSync(filename, `${filename}.moved`);
		await Promise.all(rounds);
		await expectFailure(() => appData.set({ key: "k", value: 1 }), CODE);
		expect([...codes]).toEqual([CODE]);
		renameSync(`${filename}.moved`, filename);
		await appData.set({ key: "back", value: 1 });
		const keys = new Set((await appData.select("lane%")).map(({ key }) => key));
		expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
		expect(keys.size).toBe(acknowledged.length);
		await store.close();
		await expectSound(filename);
	}, 300_000);
});

/** Writes and reads until told to stop, each read checked against what is known; counts what it wrote. */
function load(appData) {
	const state = { running: true, sets: 0, updates: 0 };
	const lane = async (n) => {
		for (let i = 0; state.running; i++) {
			const key = `lane${n}:${i % 40}`;
			await appData.set({ key, value: `${i}${"x".repeat(500)}` });
			state.sets++;
			await sleep(2);
			expect((await appData.get(key)).startsWith(String(i))).toBe(true);
			state.updates++;
			await appData.update("count", (count) => count + 1, 0);
			if (i % 10 === 0) expect((await appData.selectValue(key)).length).toBe(1);
		}
	};
	const lanes = Promise.all(Array.from({ length: 8 }, (_, n) => lane(n)));
	// Where the test fails nobody waits for them, and the store is closed under them.
	lanes.catch(() => {});
	onTestFinished(() => {
		state.running = false;
	});
	return async function stop() {
		await until(() => state.updates > 8, "the load to begin");
		state.running = false;
		await lanes;
		expect(await appData.get("count")).toBe(state.updates);
		return state;
	};
}

describe("a lock that another process holds too long", () => {
	const busy = (operation) => expectFailure(operation, "SQLITE_BUSY");

	test("rejects every write that needs it with SQLITE_BUSY after 5 s, and no read", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: "before" });
		const holder = rawConnection(filename);
		await holder.run("begin exclusive");
		const started = performance.now();
		// A read that needed the lock would be rejected, too.
		expect(await appData.get("k")).toBe("before");
		expect(await appData.get("missing")).toBeUndefined();
		expect(await appData.selectValue("%")).toEqual(["before"]);
		const writes = [
			busy(() => appData.set({ key: "k", value: SECRET })),
			busy(() => appData.set([{ key: "k", value: SECRET }])),
			busy(() => appData.update("k", () => SECRET, "")),
			busy(() => appData.delete("k")),
			busy(() => appData.deleteLike("%")),
		];
		// Behind a pending write a read waits for that write; in another store on the file it waits for nothing.
		const { appData: reader } = temporaryStore(filename);
		let areWaiting = true;
		Promise.race(writes).then(() => (areWaiting = false));
		let readsMeanwhile = 0;
		while (areWaiting) {
			expect(await reader.get("k")).toBe("before");
			expect(await reader.selectValue("%")).toEqual(["before"]);
			if (areWaiting) readsMeanwhile++;
			await sleep(50);
		}
		expect(readsMeanwhile).toBeGreaterThan(0);
		await Promise.all(writes);
		expect(performance.now() - started).toBeGreaterThan(4_000);

		// Issued again while it is held, and had when it is released.
		const pending = [appData.update("k", (text) => `${text}!`, ""), appData.get("k"), appData.selectValue("%")];
		await sleep(300);
		await holder.run("commit");
		expect(await Promise.all(pending)).toEqual(["before!", "before!", ["before!"]]);
		console.log("lock held in write-ahead mode: SQLITE_BUSY after 5 s, reads go on, then all done");
	}, 300_000);

	test("in rollback mode rejects reads too, and the file may go to write-ahead logging under load", async () => {
		const filename = temporaryFile();
		const first = openDataStore({ filename, backup: false });
		await first.appData.set({ key: "k", value: "before" });
		await first.close();
		const holder = rawConnection(filename);
		// Whoever reads all the while that the store opens keeps it from switching the file.
		await holder.run("pragma journal_mode = delete", "begin", "select * from __rootapp_kv");
		const store = temporaryStore(filename);
		const { appData } = store;
		expect(await appData.get("k")).toBe("before");
		await holder.run("commit");
		expect(await raw(filename, "pragma journal_mode")).toEqual([{ journal_mode: "delete" }]);

		await holder.run("begin exclusive");
		const started = performance.now();
		await Promise.all([busy(() => appData.get("k")), busy(() => appData.get("missing"))]);
		expect(performance.now() - started).toBeGreaterThan(4_000);
		const pending = [
			appData.get("k"),
			appData.update("k", (text) => `${text}!`, ""),
			appData.get("k"),
			appData.selectValue("%"),
		];
		await sleep(300);
		await holder.run("commit");
		expect(await Promise.all(pending)).toEqual(["before", "before!", "before!", ["before!"]]);

		const stop = load(appData);
		await until(async () => (await appData.get("count")) > 20, "the load to write");
		await holder.run("pragma busy_timeout = 5000");
		expect(await holder.run("pragma journal_mode = wal")).toEqual([{ journal_mode: "wal" }]);
		const counted = await appData.get("count");
		await until(async () => (await appData.get("count")) > counted + 20, "the load to go on");
		const { sets } = await stop();
		expect(await raw(filename, "pragma journal_mode")).toEqual([{ journal_mode: "wal" }]);
		await store.close();
		await expectSound(filename);
		console.log(
			`lock held in rollback mode: SQLITE_BUSY after 5 s; to write-ahead mode under load: ${sets} sets, 0 lost`,
		);
	}, 300_000);
});

describe("a log that another process tampers with", () => {
	test.each(["passive", "full", "restart", "truncate"])(
		"by a checkpoint (%s), again and again: nothing is lost and reads are fresh",
		async (mode) => {
			const filename = temporaryFile();
			const store = temporaryStore(filename);
			const { appData } = store;
			await appData.set({ key: "foreign", value: 0 });
			const other = rawConnection(filename);
			await other.run("pragma busy_timeout = 5000");
			const stop = load(appData);
			let checkpoints = 0;
			const end = performance.now() + 600;
			while (performance.now() < end || checkpoints < 10) {
				checkpoints++;
				await other.run(`update __rootapp_kv set value = '${checkpoints}' where key = 'foreign'`);
				expect(await appData.get("foreign")).toBe(checkpoints);
				await other.run(`pragma wal_checkpoint(${mode})`);
				expect(await appData.get("foreign")).toBe(checkpoints);
			}
			const { sets } = await stop();
			await store.close();
			await expectSound(filename);
			console.log(`checkpoints (${mode}): ${checkpoints}, ${sets} sets meanwhile, 0 lost`);
		},
		300_000,
	);

	test("by switching the journal mode under an open store: refused, and nothing is lost", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		await store.appData.set({ key: "k", value: 1 });
		const other = rawConnection(filename);
		const stop = load(store.appData);
		let attempts = 0;
		const end = performance.now() + 500;
		while (performance.now() < end || attempts < 5) {
			attempts++;
			await expect(other.run("pragma journal_mode = delete")).rejects.toThrow(/locked|busy/i);
			expect(await other.run("pragma journal_mode")).toEqual([{ journal_mode: "wal" }]);
		}
		const { sets } = await stop();
		await store.close();
		await expectSound(filename);
		console.log(`journal mode switches: ${attempts} refused, ${sets} sets meanwhile, 0 lost`);
	}, 300_000);

	// SQLite counts this among the ways to corrupt a database ("How To Corrupt An SQLite Database File", 1.4):
	// connections that have the log go on with it although it has no name any more, and those opened later fail.
	test.skipIf(windows)(
		"by deleting it: what has it open goes on, and closing brings everything into the file",
		async () => {
			const filename = temporaryFile();
			const store = temporaryStore(filename);
			const { appData } = store;
			await appData.set({ key: "k", value: 0 });
			expect(await appData.get("k")).toBe(0);
			expect(await appData.selectValue("%")).toEqual([0]);
			rmSync(`${filename}-wal`);
			for (let i = 1; i <= 50; i++) await appData.update("k", (n) => n + 1, 0);
			expect(await appData.get("k")).toBe(50);
			expect(await appData.selectValue("%")).toEqual([50]);
			const late = temporaryStore(filename);
			await expectFailure(() => late.appData.get("k"), "SQLITE_IOERR_SHORT_READ");
			await late.close();
			await store.close();
			expect(readdirSync(dirname(filename))).toEqual([basename(filename)]);
			await expectSound(filename);
			expect(await temporaryStore(filename).appData.get("k")).toBe(50);
		},
	);

	test.skipIf(windows)(
		"by deleting it before the process is killed: the file is as of the last checkpoint, and sound",
		async () => {
			const filename = temporaryFile();
			const child = startModule(
				`${OPEN}import { rmSync } from "node:fs";
			await appData.set({ key: "old", value: "old" });
			await store.close();
			const { appData: again } = openDataStore({ filename: process.argv[1], backup: false });
			await again.set({ key: "new", value: "new" });
			rmSync(process.argv[1] + "-wal");
			await again.set({ key: "newer", value: "newer" });
			process.kill(process.pid, "SIGKILL");`,
				{ args: [filename] },
			);
			expect(await child.ended).toMatchObject({ signal: "SIGKILL", stderr: "" });
			const { appData } = temporaryStore(filename);
			expect(await appData.selectValue("%")).toEqual(["old"]);
			await appData.set({ key: "next", value: 1 });
			await expectSound(filename);
		},
		300_000,
	);
});

describe("a damaged page", () => {
	const PAGE_BYTES = 4_096;
	const DAMAGED = 25;
	const keys = Array.from({ length: 50 }, (_, i) => `k${String(i).padStart(2, "0")}`);
	const damaged = keys[DAMAGED];
	const storedAs = (key) => `${SECRET}:${key}:`.padEnd(3_000, ".");

	/** A store whose table has a page of garbage where the value of one key was; each has a page of its own. */
	async function damagedStore() {
		const filename = temporaryFile();
		const first = openDataStore({ filename, backup: false });
		await first.appData.set(keys.map((key) => ({ key, value: storedAs(key) })));
		await first.close();
		const bytes = readFileSync(filename);
		const page = Math.floor(bytes.indexOf(`${SECRET}:${damaged}:`) / PAGE_BYTES);
		bytes.fill(0xa5, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
		writeFileSync(filename, bytes);
		return { filename, store: temporaryStore(filename) };
	}

	const corrupt = (operation) => expectFailure(operation, "SQLITE_CORRUPT");

	test("rejects the reads that it concerns, and no other of the same tick", async () => {
		const { appData } = (await damagedStore()).store;
		await Promise.all(
			keys.map(async (key) => {
				if (key === damaged) await corrupt(() => appData.get(key));
				else expect(await appData.get(key)).toBe(storedAs(key));
			}),
		);
		await corrupt(() => appData.select("%"));
		await corrupt(() => appData.selectValue("k2%"));
		expect(await appData.select("k1%")).toHaveLength(10);
		await Promise.all([
			corrupt(() => appData.select("k2%")),
			corrupt(() => appData.get(damaged)),
			appData.get("k00").then((value) => expect(value).toBe(storedAs("k00"))),
			appData.get("missing").then((value) => expect(value).toBeUndefined()),
			appData.select("k3%").then((entries) => expect(entries).toHaveLength(10)),
		]);
	});

	test("rejects the writes that it concerns, and no other of the same tick", async () => {
		const { filename, store } = await damagedStore();
		const { appData } = store;
		let calls = 0;
		const called = () => {
			calls++;
			return SECRET;
		};
		await corrupt(() => appData.update(damaged, called, SECRET));
		expect(calls).toBe(0);
		await Promise.all([
			appData.set({ key: "k00", value: "before" }),
			corrupt(() => appData.set({ key: damaged, value: SECRET })),
			appData.set({ key: "k01", value: "between" }),
			appData.update("k02", () => "updated", ""),
			corrupt(() => appData.delete(damaged)),
			appData.delete("k03"),
			corrupt(() =>
				appData.set([
					{ key: "k04", value: SECRET },
					{ key: damaged, value: SECRET },
				]),
			),
			corrupt(() => appData.deleteLike("k2%")),
			appData.set({ key: "new", value: "new" }),
		]);
		const expected = { k00: "before", k01: "between", k02: "updated", k03: undefined, new: "new" };
		for (const [key, value] of Object.entries(expected)) expect(await appData.get(key)).toBe(value);
		for (const key of ["k04", "k20", "k24", "k26", "k29"]) expect(await appData.get(key)).toBe(storedAs(key));
		await store.close();
		const again = temporaryStore(filename).appData;
		for (const [key, value] of Object.entries(expected)) expect(await again.get(key)).toBe(value);
		await corrupt(() => again.get(damaged));
	});
});

describe("a panic in the writer's thread", () => {
	const env = { ROOTCELLAR_TEST_PANIC_ON_KEY: "panic" };
	const END = `const end = (promise) => promise.then((value) => value ?? "done", (error) => [error.name, error.code, error instanceof RootcellarError]);
		const ends = async (promises) => [...new Set((await Promise.all(promises.map(end))).map((one) => JSON.stringify(one)))].map((text) => JSON.parse(text));\n`;
	const INTERNAL = ["RootcellarError", "ERR_INTERNAL", true];

	/** Runs a module with that fault; what the thread says of its panic goes to the standard error. */
	async function runWithPanic(source, filename) {
		const child = startModule(OPEN + END + source, { args: [filename], env });
		const { code, signal, stderr } = await child.ended;
		expect({ code, signal, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, signal: null, stderr: "" });
		return JSON.parse(child.lines.at(-1));
	}

	test("rejects the operations under way with ERR_INTERNAL, writes none of them, and the next ones work", async () => {
		const filename = temporaryFile();
		const source = `
			await appData.set({ key: "old", value: "old" });
			const batch = await ends([
				appData.set({ key: "a", value: 1 }),
				appData.update("old", () => "new", ""),
				appData.set({ key: "panic", value: 1 }),
				appData.delete("old"),
				appData.set([{ key: "b", value: 1 }, { key: "c", value: 1 }]),
			]);
			const stored = await appData.select("%");
			const rounds = [];
			for (let round = 0; round < 20; round++) {
				rounds.push(...await ends([appData.set({ key: "panic", value: round }), appData.get("panic")]));
				rounds.push(...await ends([appData.set({ key: "round" + round, value: round })]));
			}
			const message = await appData.set({ key: "panic", value: ${JSON.stringify(SECRET)} }).catch((error) => error.message);
			const closed = await end(store.close());
			console.log(JSON.stringify({ batch, stored, rounds: [...new Set(rounds.map(String))], message, closed }));`;
		const result = await runWithPanic(source, filename);
		expect(result).toMatchObject({
			batch: [INTERNAL],
			stored: [{ key: "old", value: "old" }],
			closed: "done",
		});
		expect(result.rounds.sort()).toEqual(["RootcellarError,ERR_INTERNAL,true", "done"].sort());
		expect(result.message).toMatch(/^internal error/);
		expect(result.message).not.toContain(SECRET);
		const { appData } = temporaryStore(filename);
		expect(await appData.selectValue("round%")).toEqual(Array.from({ length: 20 }, (_, i) => i));
		expect(await appData.get("panic")).toBeUndefined();
		expect(await appData.get("old")).toBe("old");
		await expectSound(filename);
	}, 300_000);

	test("in one store leaves the stores on other files, and selects under way, alone", async () => {
		const filename = temporaryFile();
		const source = `
			const other = openDataStore({ filename: process.argv[1] + ".other", backup: false }).appData;
			await appData.set(Array.from({ length: 2000 }, (_, i) => ({ key: "k" + i, value: "x".repeat(100) })));
			const result = [];
			for (let round = 0; round < 10; round++) {
				const select = appData.selectValue("k%");
				const panic = end(appData.set({ key: "panic", value: 1 }));
				const write = end(other.set({ key: "k", value: round }));
				result.push([(await select).length, await panic, await write].join());
			}
			console.log(JSON.stringify([...new Set(result)]));`;
		expect(await runWithPanic(source, filename)).toEqual([`2000,${INTERNAL},done`]);
	}, 300_000);

	test("does not keep the process from ending, nor from writing at process.exit what was issued", async () => {
		const filename = temporaryFile();
		const source = `
			console.log("0");
			appData.set({ key: "panic", value: 1 }).catch(() => {});
			appData.get("x").then(() => {
				appData.set({ key: "last", value: 1 });
				process.exit(0);
			});`;
		await runWithPanic(source, filename);
		expect(await temporaryStore(filename).appData.get("last")).toBe(1);
	}, 300_000);
});
