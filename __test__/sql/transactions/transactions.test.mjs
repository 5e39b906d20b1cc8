// transaction: rows and keys commit or roll back together, and no order of awaiting ends in a dead-lock.

import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { describe, expect, onTestFinished, test } from "vitest";
import { runModuleForJson } from "../../helpers/child.mjs";
import { expectFailure, rejection } from "../../helpers/errors.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { storeWithRows, valuesOf } from "../tables.mjs";

const INSERT = "INSERT INTO t (a) VALUES (?)";

/** A promise with the means to resolve it. */
function gate() {
	let open;
	const opened = new Promise((resolve) => {
		open = resolve;
	});
	return { open, opened };
}

/** Keeps the thread from everything else for a time. */
function block(ms) {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe("a transaction", () => {
	test("commits when its callback resolves, with what that resolves with", async () => {
		const { sqlite } = await storeWithRows();
		const result = await sqlite.transaction(async (tx) => {
			await tx.run(INSERT, ["x"]);
			return tx.get("SELECT a FROM t");
		});
		expect(result).toEqual({ a: "x" });
		expect(await valuesOf(sqlite)).toEqual(["x"]);
		expect(await sqlite.transaction(() => 5)).toBe(5);
	});

	test("rolls back when its callback throws or rejects, and rejects with that very error, whatever it is", async () => {
		const { sqlite } = await storeWithRows();
		for (const thrown of [new Error("mine"), undefined, null, 0, "text"]) {
			const seen = [];
			await sqlite
				.transaction(async (tx) => {
					await tx.run(INSERT, ["x"]);
					throw thrown;
				})
				.then(
					() => seen.push("resolved"),
					(error) => seen.push(error),
				);
			expect(seen).toEqual([thrown]);
		}
		const synchronous = new Error("at once");
		expect(
			await rejection(() =>
				sqlite.transaction(() => {
					throw synchronous;
				}),
			),
		).toBe(synchronous);
		expect(await valuesOf(sqlite)).toEqual([]);
	});

	test("rolls back when a statement fails and nobody catches it; goes on when somebody does", async () => {
		const { sqlite } = await storeWithRows(1);
		const failed = sqlite.transaction(async (tx) => {
			await tx.run(INSERT, ["x"]);
			await tx.run(INSERT, ["row 1"]);
		});
		await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
		expect(await valuesOf(sqlite)).toEqual(["row 1"]);
		await sqlite.transaction(async (tx) => {
			await tx.run(INSERT, ["x"]);
			await tx.run(INSERT, ["row 1"]).catch(() => {});
			await tx.run(INSERT, ["y"]);
		});
		expect(await valuesOf(sqlite)).toEqual(["row 1", "x", "y"]);
	});

	test("has every method, and sees what it has written", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.transaction(async (tx) => {
			await tx.exec("CREATE TABLE u (x); INSERT INTO u VALUES (1), (2)");
			await tx.batch([{ sql: "INSERT INTO u VALUES (3)" }]);
			expect(await tx.sql`SELECT count(*) AS n FROM u WHERE x > ${1}`).toEqual([{ n: 2 }]);
			expect(await tx.all("INSERT INTO u VALUES (4) RETURNING x")).toEqual([{ x: 4 }]);
			const statement = await tx.prepare("SELECT x FROM u ORDER BY x DESC");
			expect(await statement.get()).toEqual({ x: 4 });
			const seen = [];
			for await (const { x } of tx.iterate("SELECT x FROM u ORDER BY x")) seen.push(x);
			expect(seen).toEqual([1, 2, 3, 4]);
			expect(await rejection(() => tx.all("DELETE FROM u"))).toMatchObject({ code: "ERR_NOT_A_READ" });
		});
		expect(await sqlite.get("SELECT count(*) AS n FROM u")).toEqual({ n: 4 });
	});

	test("commits what was issued in it and not awaited, in order", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.transaction(async (tx) => {
			for (let i = 0; i < 100; i++) tx.run(INSERT, [String(i)]);
		});
		expect(await valuesOf(sqlite)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
	});

	test("of statements in flight, one that fails leaves its neighbours in order", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.transaction(async (tx) => {
			const results = await Promise.allSettled(["a", "b", "a", "c", "b", "d"].map((a) => tx.run(INSERT, [a])));
			expect(results.map(({ status }) => status === "fulfilled")).toEqual([true, true, false, true, false, true]);
		});
		expect(await valuesOf(sqlite)).toEqual(["a", "b", "c", "d"]);
	});

	test("keeps the order of 30,000 statements in flight among which some fail", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.transaction(async (tx) => {
			const all = Array.from({ length: 30_000 }, (_, i) => tx.run(INSERT, [String(i % 10_000 === 0 ? 0 : i)]));
			const results = await Promise.allSettled(all);
			expect(results.filter(({ status }) => status === "rejected")).toHaveLength(2);
		});
		const rows = await sqlite.all("SELECT a FROM t ORDER BY id", [], { rowMode: "array" });
		expect(rows).toHaveLength(29_998);
		expect(rows.every(([a], index) => index === 0 || Number(a) > Number(rows[index - 1][0]))).toBe(true);
	});

	test("is over when it is over: later calls reject by name, also those of its key-value store", async () => {
		const { sqlite } = await storeWithRows();
		let kept;
		await sqlite.transaction((tx) => {
			kept = tx;
		});
		for (const call of [
			() => kept.run(INSERT, ["x"]),
			() => kept.all("SELECT 1"),
			() => kept.get("SELECT 1"),
			() => kept.exec("SELECT 1"),
			() => kept.batch([{ sql: "SELECT 1" }]),
			() => kept.prepare("SELECT 1"),
			() => kept.iterate("SELECT 1").next(),
			() => kept.transaction(() => {}),
			() => kept.appData.get("k"),
			() => kept.appData.set({ key: "k", value: 1 }),
			() => kept.appData.select("%"),
		]) {
			await expectFailure(call, "ERR_TRANSACTION_CLOSED");
		}
	});

	test("sees deferred foreign keys checked when it commits, and then rejects and keeps nothing", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec("CREATE TABLE child (t INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)");
		const failed = sqlite.transaction((tx) => tx.run("INSERT INTO child VALUES (5)"));
		await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
		expect(await sqlite.all("SELECT * FROM child")).toEqual([]);
	});

	test("that SQLite itself has rolled back says so, and writes nothing more", async () => {
		const { sqlite } = await storeWithRows(1);
		const failed = sqlite.transaction(async (tx) => {
			await tx.run(INSERT, ["x"]);
			await tx.run("INSERT OR ROLLBACK INTO t (a) VALUES ('row 1')").catch(() => {});
			await expectFailure(() => tx.run(INSERT, ["y"]), "ERR_TRANSACTION_LOST");
			await expectFailure(() => tx.appData.set({ key: "k", value: 1 }), "ERR_TRANSACTION_LOST");
		});
		await expect(failed).rejects.toMatchObject({ code: "ERR_TRANSACTION_LOST" });
		expect(await valuesOf(sqlite)).toEqual(["row 1"]);
	});

	test("begins in the mode that is asked for", async () => {
		const filename = temporaryFile();
		const { sqlite } = await storeWithRows(1, filename);
		const isFree = () =>
			runModuleForJson(
				`const store = openDataStore({ filename: process.argv[1], backup: false });
				await store.sqlite.run("UPDATE t SET b = 2");
				console.log(true);`,
				{ args: [filename] },
			);
		await sqlite.transaction(
			async (tx) => {
				await tx.all("SELECT * FROM t");
				expect(await isFree()).toBe(true);
			},
			{ mode: "deferred" },
		);
		for (const mode of ["exclusive", undefined]) {
			await sqlite.transaction(
				async () => {
					if (mode === undefined) expect((await rejection(isFree)).message).toContain("SQLITE_BUSY");
				},
				{ mode },
			);
		}
	}, 300_000);
});

describe("rows and keys", () => {
	test("commit together, and roll back together", async () => {
		const { sqlite, appData } = await storeWithRows();
		await appData.set({ key: "coins", value: 10 });
		const buy = (price) =>
			sqlite.transaction(async (tx) => {
				const coins = await tx.appData.update("coins", (n) => n - price, 0);
				await tx.run(INSERT, [`item for ${price}`]);
				if (coins < 0) throw new Error("too dear");
				return coins;
			});
		expect(await buy(4)).toBe(6);
		await expect(buy(7)).rejects.toThrow("too dear");
		expect(await appData.get("coins")).toBe(6);
		expect(await valuesOf(sqlite)).toEqual(["item for 4"]);
	});

	test("tx.appData has the seven methods, which see each other's and the statements' effects", async () => {
		const { sqlite, appData } = await storeWithRows();
		await appData.set([
			{ key: "p:1", value: 1 },
			{ key: "p:2", value: 2 },
		]);
		await sqlite.transaction(async (tx) => {
			const { appData: keys } = tx;
			await keys.set({ key: "p:3", value: 3, expiresAt: Date.now() + 60_000 });
			await keys.delete("p:1");
			expect(await keys.selectValue("p:%")).toEqual([2, 3]);
			expect((await keys.select("p:3"))[0]).toMatchObject({ key: "p:3", value: 3, expiresAt: expect.any(Date) });
			expect(await keys.get("p:1")).toBeUndefined();
			await tx.run("UPDATE __rootapp_kv SET value = '20' WHERE key = 'p:2'");
			expect(await keys.get("p:2")).toBe(20);
			expect(await keys.update("p:2", (n) => n + 1, 0)).toBe(21);
			await keys.deleteLike("p:3");
			expect(await tx.all("SELECT key, value FROM __rootapp_kv")).toEqual([{ key: "p:2", value: "21" }]);
			await keys.set({ key: "community", value: 1, communityId: "c" });
			expect(await keys.get("community")).toBeUndefined();
			expect(await keys.get("community", "c")).toBe(1);
		});
		expect(await appData.select("%")).toEqual([{ key: "p:2", value: 21 }]);
	});

	test("200 updates in flight within a transaction add up", async () => {
		const { sqlite, appData } = await storeWithRows();
		await sqlite.transaction(async ({ appData: keys }) => {
			await Promise.all(Array.from({ length: 200 }, () => keys.update("n", (n) => n + 1, 0)));
		});
		expect(await appData.get("n")).toBe(200);
	});

	test("what the store has cached of a key is that of before, and then that of after", async () => {
		const { sqlite, appData } = await storeWithRows();
		await appData.set({ key: "k", value: "before" });
		await sqlite.transaction(async (tx) => {
			await tx.appData.set({ key: "k", value: "after" });
			expect(await appData.get("k")).toBe("before");
		});
		expect(await appData.get("k")).toBe("after");
		await sqlite.run("UPDATE __rootapp_kv SET value = '\"later\"'");
		expect(await appData.get("k")).toBe("later");
		await sqlite.exec(
			"CREATE TRIGGER sync AFTER INSERT ON t BEGIN UPDATE __rootapp_kv SET value = '\"by trigger\"'; END",
		);
		await sqlite.run(INSERT, ["x"]);
		expect(await appData.get("k")).toBe("by trigger");
		await appData.set({ key: "k", value: "set" });
		await sqlite.run(INSERT, ["y"]);
		expect(await appData.get("k")).toBe("by trigger");
	});
});

describe("nested transactions", () => {
	test("are kept or undone on their own, and undone with the outer one", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.transaction(async (tx) => {
			await tx.run(INSERT, ["outer"]);
			await tx.transaction((inner) => inner.run(INSERT, ["kept"]));
			const undone = tx.transaction(async (inner) => {
				await inner.run(INSERT, ["undone"]);
				await inner.appData.set({ key: "k", value: 1 });
				await inner.transaction((innermost) => innermost.run(INSERT, ["undone, too"]));
				throw new Error("no");
			});
			await expect(undone).rejects.toThrow("no");
			expect(await tx.appData.get("k")).toBeUndefined();
			await tx.run(INSERT, ["last"]);
		});
		expect(await valuesOf(sqlite)).toEqual(["outer", "kept", "last"]);
		await sqlite
			.transaction(async (tx) => {
				await tx.transaction((inner) => inner.run(INSERT, ["gone"]));
				throw new Error("no");
			})
			.catch(() => {});
		expect(await valuesOf(sqlite)).toEqual(["outer", "kept", "last"]);
	});

	test("wait for each other when issued together", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.transaction(async (tx) => {
			const results = await Promise.allSettled(
				[0, 1, 2, 3].map((i) =>
					tx.transaction(async (inner) => {
						await inner.run(INSERT, [`${i} a`]);
						await sleep(1);
						await inner.run(INSERT, [`${i} b`]);
						if (i === 2) throw new Error("no");
					}),
				),
			);
			expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
		});
		expect(await valuesOf(sqlite)).toEqual(["0 a", "0 b", "1 a", "1 b", "3 a", "3 b"]);
	});

	test("keep nothing if they are cancelled before they have begun, at whatever moment", async () => {
		const { sqlite } = await storeWithRows();
		const expected = [];
		let called = 0;
		for (let turns = 0; turns < 12; turns++) {
			await sqlite.transaction(async (tx) => {
				const controller = new AbortController();
				const aborted = tx.transaction(
					(inner) => {
						called++;
						return inner.run(INSERT, ["aborted"]);
					},
					{ signal: controller.signal },
				);
				for (let turn = 0; turn < turns; turn++) await undefined;
				controller.abort();
				expect(await rejection(() => aborted)).toMatchObject({ code: "ABORT_ERR" });
				const late = tx.transaction((inner) => inner.run(INSERT, [`late ${turns}`]), { timeoutMs: 5 });
				for (let turn = 0; turn < turns; turn++) await undefined;
				// Its beginning and the end of its time are heard of together, in whichever order.
				block(20);
				await late.then(
					() => expected.push(`late ${turns}`),
					(error) => expect(error).toMatchObject({ code: "ERR_TIMEOUT" }),
				);
				await tx.run(INSERT, [`kept ${turns}`]);
			});
			expected.push(`kept ${turns}`);
		}
		expect(called).toBe(0);
		expect(await valuesOf(sqlite)).toEqual(expected);
	});

	test("the outer tx inside the inner callback would wait for it, and rejects at once", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.transaction((tx) =>
			tx.transaction(async (inner) => {
				await expectFailure(() => tx.run(INSERT, ["x"]), "ERR_IN_TRANSACTION");
				await expectFailure(() => tx.all("SELECT 1"), "ERR_IN_TRANSACTION");
				await expectFailure(() => tx.appData.get("k").then(() => tx.appData.select("%")), "ERR_IN_TRANSACTION");
				await expectFailure(() => tx.transaction(() => {}), "ERR_IN_TRANSACTION");
				await inner.run(INSERT, ["y"]);
			}),
		);
		expect(await valuesOf(sqlite)).toEqual(["y"]);
	});
});

describe("inside the callback", () => {
	test("a backup or a restore, which would wait for the transaction, rejects at once", async () => {
		const store = openDataStore({ filename: temporaryFile() });
		onTestFinished(() => store.close());
		await store.appData.set({ key: "k", value: 1 });
		const { id } = await store.backups.create();
		await store.sqlite.transaction(async (tx) => {
			await expectFailure(() => store.backups.create(), "ERR_IN_TRANSACTION");
			await expectFailure(() => store.backups.restore({ id }), "ERR_IN_TRANSACTION");
			await tx.appData.set({ key: "k", value: 2 });
		});
		expect(await store.appData.get("k")).toBe(2);
		await store.backups.restore({ id });
		expect(await store.appData.get("k")).toBe(1);
	});

	test("a write that goes past tx rejects at once, and its message names the way", async () => {
		const filename = temporaryFile();
		const { sqlite, appData } = await storeWithRows(0, filename);
		const again = temporaryStore(filename);
		await sqlite.transaction(async (tx) => {
			for (const call of [
				() => appData.set({ key: "k", value: 1 }),
				() => appData.set([]),
				() => appData.update("k", () => 1, 0),
				() => appData.delete("k"),
				() => appData.deleteLike("%"),
				() => sqlite.run(INSERT, ["x"]),
				() => sqlite.exec("SELECT 1"),
				() => sqlite.batch([{ sql: INSERT, params: ["x"] }]),
				() => sqlite.all("INSERT INTO t (a) VALUES ('x') RETURNING id"),
				() => sqlite.transaction(() => {}),
				() => sqlite.reserve(),
				() => sqlite.migrate([{ name: "1_a.sql", sql: "" }]),
				() => again.appData.set({ key: "k", value: 1 }),
				() => again.sqlite.run(INSERT, ["x"]),
				() => sleep(1).then(() => appData.set({ key: "k", value: 1 })),
			]) {
				const error = await expectFailure(call, "ERR_IN_TRANSACTION");
				expect(error.message).toContain("tx.appData");
			}
			await tx.run(INSERT, ["kept"]);
		});
		expect(await valuesOf(sqlite)).toEqual(["kept"]);
	});

	test("a read that goes past tx sees what was committed before", async () => {
		const { sqlite, appData } = await storeWithRows(1);
		await appData.set({ key: "k", value: "before" });
		await sqlite.transaction(async (tx) => {
			await tx.run(INSERT, ["x"]);
			await tx.appData.set({ key: "k", value: "after" });
			expect(await appData.get("k")).toBe("before");
			expect(await appData.get("none")).toBeUndefined();
			expect(await appData.selectValue("%")).toEqual(["before"]);
			expect(await valuesOf(sqlite)).toEqual(["row 1"]);
			expect((await sqlite.prepare("SELECT a FROM t")).columns).toEqual(["a"]);
			for await (const { a } of sqlite.iterate("SELECT a FROM t")) expect(a).toBe("row 1");
		});
	});

	test("a read that would wait for a write that waits for the transaction rejects at once", async () => {
		const { sqlite, appData } = await storeWithRows();
		const { open, opened } = gate();
		const done = sqlite.transaction(async () => {
			await opened;
			await expectFailure(() => appData.get("k"), "ERR_IN_TRANSACTION");
			await expectFailure(() => appData.select("%"), "ERR_IN_TRANSACTION");
			await expectFailure(() => sqlite.all("SELECT 1"), "ERR_IN_TRANSACTION");
			await expectFailure(() => sqlite.iterate("SELECT 1").next(), "ERR_IN_TRANSACTION");
		});
		const waiting = appData.set({ key: "k", value: 1 });
		await sleep(10);
		open();
		await done;
		await waiting;
		expect(await appData.get("k")).toBe(1);
	});

	test("another store, on another file, is not concerned", async () => {
		const { sqlite } = await storeWithRows();
		const other = await storeWithRows();
		await sqlite.transaction(async (tx) => {
			await other.appData.set({ key: "k", value: 1 });
			await other.sqlite.transaction(async (inner) => {
				await inner.run(INSERT, ["x"]);
				await tx.run(INSERT, ["y"]);
			});
		});
		expect(await valuesOf(other.sqlite)).toEqual(["x"]);
		expect(await valuesOf(sqlite)).toEqual(["y"]);
	});

	test("what it leaves behind may write when the transaction is over", async () => {
		const { sqlite, appData } = await storeWithRows();
		let later;
		const { open, opened } = gate();
		await sqlite.transaction(async () => {
			later = opened.then(() => appData.set({ key: "k", value: 1 }));
		});
		open();
		await later;
		expect(await appData.get("k")).toBe(1);
	});
});

describe("outside of the callback, meanwhile", () => {
	test("writes wait, and take effect in the order in which they were called", async () => {
		const { sqlite, appData } = await storeWithRows();
		const { open, opened } = gate();
		const order = [];
		const note = (name) => () => order.push(name);
		const done = sqlite
			.transaction(async (tx) => {
				await opened;
				await tx.run(INSERT, ["first"]);
			})
			.then(note("transaction"));
		const rest = [
			sqlite.run(INSERT, ["second"]).then(note("run")),
			appData.set({ key: "k", value: 1 }).then(note("set")),
			sqlite.transaction((tx) => tx.run(INSERT, ["third"])).then(note("second transaction")),
			sqlite.run(INSERT, ["fourth"]).then(note("last run")),
		];
		await sleep(20);
		expect(order).toEqual([]);
		open();
		await Promise.all([done, ...rest]);
		expect(order).toEqual(["transaction", "run", "set", "second transaction", "last run"]);
		expect(await valuesOf(sqlite)).toEqual(["first", "second", "third", "fourth"]);
	});

	test("they settle after it, also if the thread is busy until they are on disk", async () => {
		const { sqlite, appData } = await storeWithRows();
		const order = [];
		const note = (name) => () => order.push(name);
		// Called when the first batch of those behind the transaction is under way.
		const busy = () => {
			const end = performance.now() + 200;
			while (performance.now() < end);
			return 1;
		};
		const setMany = (from) =>
			Array.from({ length: 1000 }, (_, index) => appData.set({ key: `key ${from + index}`, value: 1 }));
		const done = sqlite.transaction((tx) => tx.run(INSERT, ["first"])).then(note("transaction"));
		const [first, ...others] = setMany(0);
		const updated = appData.update("busy", busy).then(note("update"));
		await Promise.all([done, first.then(note("first set")), ...others, updated, ...setMany(1000)]);
		expect(order).toEqual(["transaction", "first set", "update"]);
	});

	test("reads go on, also those that the callback waits for without knowing", async () => {
		const { sqlite, appData } = await storeWithRows(1);
		await appData.set({ key: "k", value: 1 });
		const { open, opened } = gate();
		const done = sqlite.transaction(async (tx) => {
			await tx.run(INSERT, ["x"]);
			await opened;
		});
		expect(await valuesOf(sqlite)).toEqual(["row 1"]);
		expect(await appData.get("k")).toBe(1);
		expect(await appData.select("%")).toHaveLength(1);
		expect(await sqlite.get("SELECT count(*) AS n FROM t")).toEqual({ n: 1 });
		open();
		await done;
		expect(await valuesOf(sqlite)).toEqual(["row 1", "x"]);
	});

	test("a read behind a write that waits sees that write", async () => {
		const { sqlite } = await storeWithRows();
		const { open, opened } = gate();
		const done = sqlite.transaction(async (tx) => {
			await opened;
			await tx.run(INSERT, ["first"]);
		});
		const written = sqlite.run(INSERT, ["second"]);
		const read = valuesOf(sqlite);
		await sleep(10);
		open();
		await Promise.all([done, written]);
		expect(await read).toEqual(["first", "second"]);
	});

	test("transactions of two stores on one file take turns", async () => {
		const filename = temporaryFile();
		const one = await storeWithRows(0, filename);
		const other = openDataStore({ filename, backup: false });
		const add = (store) =>
			store.sqlite.transaction(async (tx) => {
				const { n } = await tx.get("SELECT count(*) AS n FROM t");
				await sleep(1);
				await tx.run(INSERT, [`value ${n}`]);
			});
		await Promise.all(Array.from({ length: 20 }, (_, i) => add(i % 2 === 0 ? one : other)));
		expect(await valuesOf(one.sqlite)).toEqual(Array.from({ length: 20 }, (_, i) => `value ${i}`));
		await other.close();
	});
});

describe("an abandoned transaction", () => {
	test("is rolled back after its idle time, says so, and lets the others go on", async () => {
		const { sqlite, appData } = await storeWithRows();
		let kept;
		const abandoned = sqlite.transaction(
			async (tx) => {
				kept = tx;
				await tx.run(INSERT, ["x"]);
				await new Promise(() => {});
			},
			{ idleTimeoutMs: 5_000 },
		);
		const waiting = appData.set({ key: "k", value: 1 });
		const error = await expectFailure(() => abandoned, "ERR_TRANSACTION_TIMEOUT");
		expect(error.message).toContain("idleTimeoutMs");
		await waiting;
		await expectFailure(() => kept.run(INSERT, ["y"]), "ERR_TRANSACTION_CLOSED");
		expect(await valuesOf(sqlite)).toEqual([]);
	});

	test("is not one that is at work", async () => {
		for (let idleTimeoutMs = 2_000; ; idleTimeoutMs *= 2) {
			const { sqlite } = await storeWithRows();
			let workedAt = performance.now();
			const work = async (tx) => {
				for (let i = 0; i < 6; i++) {
					await sleep(idleTimeoutMs / 4);
					workedAt = performance.now();
					await tx.run(INSERT, [String(i)]);
				}
			};
			const error = await sqlite.transaction(work, { idleTimeoutMs }).catch((error) => error);
			// On a busy machine it may have been idle for longer than it was to be.
			if (error?.code === "ERR_TRANSACTION_TIMEOUT" && performance.now() - workedAt >= idleTimeoutMs - 5) continue;
			expect(error).toBeUndefined();
			expect(await valuesOf(sqlite)).toHaveLength(6);
			break;
		}
	});

	test("takes the nested ones along", async () => {
		const { sqlite } = await storeWithRows();
		let inner;
		const abandoned = sqlite.transaction(
			(tx) => {
				inner = tx.transaction(() => new Promise(() => {}));
				return inner;
			},
			{ idleTimeoutMs: 2_000 },
		);
		await expectFailure(() => abandoned, "ERR_TRANSACTION_TIMEOUT");
		await expectFailure(() => inner, "ERR_TRANSACTION_TIMEOUT");
		await sqlite.run(INSERT, ["x"]);
	});

	test("timeoutMs bounds all of it, and a signal ends it", async () => {
		const { sqlite } = await storeWithRows();
		const busy = async (tx) => {
			for (let i = 0; ; i++) await tx.run(INSERT, [`${i}`]);
		};
		await expectFailure(() => sqlite.transaction(busy, { timeoutMs: 80 }), "ERR_TIMEOUT");
		const controller = new AbortController();
		const aborted = sqlite.transaction(busy, { signal: controller.signal });
		setTimeout(() => controller.abort("enough"), 50);
		const error = await rejection(() => aborted);
		expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR", cause: "enough" });
		expect(await valuesOf(sqlite)).toEqual([]);
	});

	test("one that has not begun can be taken back", async () => {
		const { sqlite } = await storeWithRows();
		const { open, opened } = gate();
		const first = sqlite.transaction(() => opened);
		let called = false;
		const second = sqlite.transaction(
			() => {
				called = true;
			},
			{ timeoutMs: 30 },
		);
		await expectFailure(() => second, "ERR_TIMEOUT");
		open();
		await first;
		await sqlite.run(INSERT, ["x"]);
		expect(called).toBe(false);
	});
});
