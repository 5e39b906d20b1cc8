// SQL and the key-value store share one order: of the calls. Each statement stands alone among its neighbours.

import { setTimeout as sleep } from "node:timers/promises";
import BetterSqlite3 from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { ENDLESS, storeWithRows, valuesOf } from "./tables.mjs";

const INSERT = "INSERT INTO t (a) VALUES (?)";

describe("the order of the calls", () => {
	test("is the order of effect, of statements and keys together, without awaiting any", async () => {
		const { sqlite, appData } = await storeWithRows();
		const reads = [];
		sqlite.run(INSERT, ["1"]);
		reads.push(valuesOf(sqlite));
		appData.set({ key: "k", value: 1 });
		sqlite.run("UPDATE __rootapp_kv SET value = value + 1 WHERE key = 'k'");
		reads.push(appData.get("k"));
		appData.update("k", (n) => n * 10, 0);
		reads.push(sqlite.get("SELECT value FROM __rootapp_kv WHERE key = 'k'"));
		sqlite.exec("UPDATE t SET a = '2'; INSERT INTO t (a) VALUES ('3')");
		reads.push(valuesOf(sqlite));
		sqlite.batch([{ sql: "DELETE FROM t" }, { sql: "DELETE FROM __rootapp_kv" }]);
		reads.push(valuesOf(sqlite), appData.get("k"), appData.select("%"));
		appData.set({ key: "k", value: 5 });
		sqlite.run("VACUUM");
		reads.push(appData.get("k"), sqlite.get("SELECT count(*) AS n FROM __rootapp_kv"));
		expect(await Promise.all(reads)).toEqual([["1"], 2, { value: "20" }, ["2", "3"], [], undefined, [], 5, { n: 1 }]);
	});

	test("holds for 900 statements and keys in flight", async () => {
		const { sqlite, appData } = await storeWithRows();
		await sqlite.exec("CREATE TABLE seen (n INTEGER)");
		const all = [];
		for (let i = 0; i < 300; i++) {
			all.push(appData.set({ key: "n", value: i }));
			all.push(sqlite.run("INSERT INTO seen SELECT value FROM __rootapp_kv WHERE key = 'n'"));
			all.push(appData.update("n", (n) => n + 0.5, 0));
		}
		await Promise.all(all);
		const seen = await sqlite.all("SELECT n FROM seen ORDER BY rowid");
		expect(seen.map(({ n }) => n)).toEqual(Array.from({ length: 300 }, (_, i) => i));
		expect(await appData.get("n")).toBe(299.5);
	});

	test("a table is there for what is issued behind its creation", async () => {
		const { sqlite } = temporaryStore();
		const [, , rows] = await Promise.all([
			sqlite.run("CREATE TABLE u (x)"),
			sqlite.run("INSERT INTO u VALUES (1)"),
			sqlite.all("SELECT x FROM u"),
		]);
		expect(rows).toEqual([{ x: 1 }]);
	});
});

describe("neighbours", () => {
	test("of a statement that fails commit, whatever it fails with", async () => {
		const { sqlite, appData } = await storeWithRows(1);
		await sqlite.exec("CREATE TABLE child (t INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)");
		const bad = [
			() => sqlite.run(INSERT, ["row 1"]),
			() => sqlite.run("nonsense"),
			() => sqlite.run("INSERT OR ROLLBACK INTO t (a) VALUES ('row 1')"),
			() => sqlite.run("INSERT OR FAIL INTO t (a) VALUES ('half'), ('row 1')"),
			() => sqlite.run("INSERT INTO child VALUES (77)"),
			() => sqlite.exec("INSERT INTO t (a) VALUES ('undone'); nonsense"),
			() =>
				sqlite.batch([
					{ sql: INSERT, params: ["undone"] },
					{ sql: INSERT, params: ["row 1"] },
				]),
			() => sqlite.all("INSERT INTO t (a, b) VALUES ('undone', 9007199254740993) RETURNING b"),
			() => sqlite.exec("BEGIN; INSERT INTO t (a) VALUES ('left open')"),
			() => sqlite.transaction((tx) => tx.run(INSERT, ["row 1"])),
		];
		const good = [];
		const failed = [];
		for (const [index, call] of bad.entries()) {
			good.push(sqlite.run(INSERT, [`before ${index}`]), appData.set({ key: `${index}`, value: index }));
			failed.push(call());
			good.push(sqlite.run(INSERT, [`after ${index}`]));
		}
		const results = await Promise.allSettled(failed);
		expect(results.map(({ status }) => status)).toEqual(bad.map(() => "rejected"));
		await Promise.all(good);
		const expected = bad.flatMap((_, index) => [`before ${index}`, `after ${index}`]);
		expect(await valuesOf(sqlite)).toEqual(["row 1", ...expected]);
		expect(await sqlite.all("SELECT * FROM child")).toEqual([]);
		expect(await appData.select("%")).toHaveLength(bad.length);
	});

	test("do not mend each other's deferred foreign keys", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec("CREATE TABLE child (t INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)");
		const results = await Promise.allSettled([
			sqlite.run("INSERT INTO child VALUES (5)"),
			sqlite.run("INSERT INTO t (id) VALUES (5)"),
			sqlite.batch([{ sql: "INSERT INTO child VALUES (6)" }, { sql: "INSERT INTO t (id) VALUES (6)" }]),
		]);
		expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
		expect(results[0].reason).toMatchObject({ code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
		expect(await sqlite.all("SELECT t FROM child")).toEqual([{ t: 6 }]);
	});
});

describe("reads", () => {
	test("run beside each other, and beside a writer that is busy", async () => {
		const filename = temporaryFile();
		const { sqlite } = await storeWithRows(1, filename);
		const other = temporaryStore(filename);
		const controller = new AbortController();
		const { signal } = controller;
		const ended = [];
		const codeOf = (busy) => busy.catch(({ code }) => ended.push(code));
		const slow = codeOf(sqlite.all(ENDLESS, [], { signal }));
		const write = codeOf(other.sqlite.run(`INSERT INTO t (b) ${ENDLESS}`, [], { signal }));
		await sleep(50);
		expect(await sqlite.get("SELECT a FROM t")).toEqual({ a: "row 1" });
		expect(ended).toEqual([]);
		controller.abort();
		await Promise.all([slow, write]);
		expect(ended).toEqual(["ABORT_ERR", "ABORT_ERR"]);
	});

	test("of one turn see one state, also while another program writes", async () => {
		const filename = temporaryFile();
		const { sqlite } = await storeWithRows(1, filename);
		const other = new BetterSqlite3(filename);
		const bump = other.prepare("UPDATE t SET b = b + 1");
		for (let round = 0; round < 50; round++) {
			const reads = Array.from({ length: 8 }, () => sqlite.get("SELECT b FROM t"));
			bump.run();
			const values = (await Promise.all(reads)).map(({ b }) => b);
			expect(new Set(values).size).toBeLessThanOrEqual(2);
			expect(await sqlite.get("SELECT b FROM t")).toEqual({ b: round + 2 });
		}
		other.close();
	});
});

describe("random operations", () => {
	/** An operation on the store, and what it does to a model: the keys, and the rows of `t`. */
	const operation = fc.oneof(
		fc.record({ kind: fc.constant("insert"), a: fc.integer({ min: 0, max: 30 }) }),
		fc.record({ kind: fc.constant("delete"), a: fc.integer({ min: 0, max: 30 }) }),
		fc.record({ kind: fc.constant("set"), key: fc.constantFrom("x", "y"), value: fc.integer() }),
		fc.record({ kind: fc.constant("update"), key: fc.constantFrom("x", "y") }),
		fc.record({ kind: fc.constant("updateBySql"), key: fc.constantFrom("x", "y") }),
		fc.record({ kind: fc.constant("transaction"), a: fc.integer({ min: 0, max: 30 }), fails: fc.boolean() }),
		fc.record({ kind: fc.constant("script"), a: fc.integer({ min: 0, max: 30 }), alone: fc.boolean() }),
		fc.record({ kind: fc.constant("rows") }),
		fc.record({ kind: fc.constant("get"), key: fc.constantFrom("x", "y") }),
		fc.record({ kind: fc.constant("pause") }),
	);

	class Model {
		rows = new Set();
		keys = new Map();
		insert(a) {
			if (this.rows.has(a)) return false;
			this.rows.add(a);
			return true;
		}
	}

	/** Issues `op`, and gives its promise with what it must become: a value, or the code of an error. */
	function issue({ sqlite, appData }, model, op) {
		const unique = { code: "SQLITE_CONSTRAINT_UNIQUE" };
		switch (op.kind) {
			case "insert": {
				const promise = sqlite.run(INSERT, [String(op.a)]).then(({ changes }) => changes);
				return [promise, model.insert(op.a) ? 1 : unique];
			}
			case "delete":
				return [
					sqlite.run("DELETE FROM t WHERE a = ?", [String(op.a)]).then(({ changes }) => changes),
					Number(model.rows.delete(op.a)),
				];
			case "set":
				model.keys.set(op.key, op.value);
				return [appData.set({ key: op.key, value: op.value }), undefined];
			case "update": {
				const value = (model.keys.get(op.key) ?? 0) + 1;
				model.keys.set(op.key, value);
				return [appData.update(op.key, (n) => n + 1, 0), value];
			}
			case "updateBySql": {
				const sql = "UPDATE __rootapp_kv SET value = value + 1000 WHERE key = ?";
				const has = model.keys.has(op.key);
				if (has) model.keys.set(op.key, model.keys.get(op.key) + 1_000);
				return [sqlite.run(sql, [op.key]).then(({ changes }) => changes), Number(has)];
			}
			case "transaction": {
				const before = [new Set(model.rows), new Map(model.keys)];
				const isNew = model.insert(op.a);
				model.keys.set("x", (model.keys.get("x") ?? 0) + 1);
				const promise = sqlite.transaction(async (tx) => {
					await Promise.all([tx.run(INSERT, [String(op.a)]), tx.appData.update("x", (n) => n + 1, 0)]);
					if (op.fails) throw Object.assign(new Error("no"), { code: "MINE" });
				});
				if (!isNew || op.fails) [model.rows, model.keys] = before;
				return [promise, isNew ? (op.fails ? { code: "MINE" } : undefined) : unique];
			}
			case "script": {
				const script = `INSERT INTO t (a) VALUES ('${op.a}'); DELETE FROM t WHERE a = '${op.a}'`;
				const isNew = !model.rows.has(op.a);
				return [sqlite.exec(op.alone ? `BEGIN; ${script}; COMMIT` : script), isNew ? undefined : unique];
			}
			case "rows": {
				const promise = sqlite
					.all("SELECT a FROM t")
					.then((rows) => rows.map(({ a }) => Number(a)).sort((a, b) => a - b));
				return [promise, [...model.rows].sort((a, b) => a - b)];
			}
			case "get":
				return [appData.get(op.key), model.keys.get(op.key)];
		}
	}

	test("in flight end as a model that does one after the other says", async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 60 }), async (operations) => {
				const store = await storeWithRows();
				const model = new Model();
				let issued = [];
				for (const op of operations) {
					// A read goes past a transaction that is not done, so that those are awaited before one.
					const isRead = op.kind === "rows" || op.kind === "get";
					if (op.kind === "pause" || (isRead && issued.some(({ kind }) => kind === "transaction"))) {
						await Promise.allSettled(issued.map(({ promise }) => promise));
						for (const one of issued) await one.check();
						issued = [];
					}
					if (op.kind === "pause") continue;
					const [promise, expected] = issue(store, model, op);
					const check = async () => {
						const result = await promise.catch(({ code }) => ({ code }));
						expect(result, JSON.stringify(op)).toEqual(expected);
					};
					promise.catch(() => {});
					issued.push({ kind: op.kind, promise, check });
				}
				for (const one of issued) await one.check();
				const rows = await valuesOf(store.sqlite);
				expect(rows.map(Number).sort()).toEqual([...model.rows].sort());
				await store.close();
			}),
			{ numRuns: rounds({ few: 20, many: 150, long: 1_000 }), endOnFailure: true },
		);
	}, 300_000);
});
