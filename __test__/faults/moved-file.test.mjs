// A file that is deleted, moved or replaced while it is open: every operation says so, and a store opened anew works.

import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { expectFailure } from "../helpers/errors.mjs";
import { expectSound, raw, rawConnection } from "../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { until } from "../helpers/time.mjs";
import { operations } from "./operations.mjs";

const windows = process.platform === "win32";

describe.skipIf(windows)("a file that is no longer at its path", () => {
	const CODE = "SQLITE_READONLY_DBMOVED";

	async function expectEveryOperationSaysSo(store, filename) {
		for (const operation of operations(store.appData)) {
			const error = await expectFailure(operation, CODE);
			expect(error.message).toContain(filename);
			expect(error.message).toMatch(/deleted or replaced while it was open/);
			expect(error.message).toMatch(/start/);
			// It may hold writes that were acknowledged.
			expect(error.message).toContain(`Leave ${filename}-wal where it is`);
			expect(error.message).not.toMatch(/remove|delete /);
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

	test("is not written nor read by a reserved connection that was there before", async () => {
		const { filename, store } = await openAndOther();
		const connection = await store.sqlite.reserve();
		await connection.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
		const rows = connection.iterate(
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, a FROM n, t",
		);
		await rows.next();
		rmSync(filename);
		const calls = [
			() => connection.run("INSERT INTO t VALUES (2)"),
			() => connection.all("SELECT a FROM t"),
			() => connection.exec("BEGIN; INSERT INTO t VALUES (3); COMMIT"),
			() => connection.batch([{ sql: "INSERT INTO t VALUES (4)" }]),
		];
		for (const call of calls) await expectFailure(call, CODE);
		const end = async () => {
			while (!(await rows.next()).done);
		};
		await expectFailure(end, CODE);
		await connection.release();
		await expectFailure(() => store.appData.get("k"), CODE);
		expect(existsSync(filename)).toBe(false);
	});

	test.each(["deferred", "immediate"])("is not written by a transaction that was there before: %s", async (mode) => {
		const { filename, store } = await openAndOther();
		const failed = [];
		const written = () =>
			store.sqlite.transaction(
				async (tx) => {
					await tx.appData.set({ key: "k", value: "new" });
					rmSync(filename);
					if (mode === "deferred") return;
					for (const call of [() => tx.appData.set({ key: "k", value: 2 }), () => tx.all("SELECT 1")]) {
						failed.push((await expectFailure(call, CODE)).code);
					}
				},
				{ mode },
			);
		await expectFailure(written, CODE);
		expect(failed.length).toBe(mode === "deferred" ? 0 : 2);
	});

	test("is not written by what has waited for the lock of another process meanwhile", async () => {
		const { filename, store } = await openAndOther();
		const holder = rawConnection(filename);
		await holder.run("begin immediate");
		const written = Promise.all(
			Array.from({ length: 3 }, (_, i) => expectFailure(() => store.appData.set({ key: `k${i}`, value: i }), CODE)),
		);
		await sleep(500);
		renameSync(filename, `${filename}.moved`);
		await holder.run("commit");
		await written;
		await holder.close();
		renameSync(`${filename}.moved`, filename);
		await store.appData.set({ key: "back", value: 1 });
		expect(await store.appData.selectValue("%")).toEqual(["old", 1]);
	});

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
