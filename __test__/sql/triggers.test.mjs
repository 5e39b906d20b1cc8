// Triggers of others on keys: all that they say is seen, and no write of a key is lost without a word.

import { describe, expect, test } from "vitest";
import { expectFailure, rejection } from "../helpers/errors.mjs";
import { raw, rawConnection, rawRows } from "../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { storeWithRows } from "./tables.mjs";

const DELETES_X = "CREATE TRIGGER deletes_x AFTER INSERT ON t BEGIN DELETE FROM __rootapp_kv WHERE key = 'x'; END";

/** A reader of what keys hold on disk, by another library. */
function diskOf(filename) {
	const connection = rawConnection(filename);
	return async (key) => {
		const [row] = await connection.run(["select value from __rootapp_kv where key = ? order by rowid desc", key]);
		return row && JSON.parse(row.value);
	};
}

/** Sets `x` and inserts into `t`, which a trigger may delete it for, several times. What is read is what is on disk. */
async function expectNothingStale({ sqlite, appData }, filename, insert) {
	const onDisk = diskOf(filename);
	for (let i = 0; i < 4; i++) {
		await appData.set({ key: "x", value: i });
		expect(await appData.get("x")).toBe(i);
		expect(await onDisk("x")).toBe(i);
		await insert(sqlite, i);
		expect(await appData.get("x")).toBe(await onDisk("x"));
		await appData.set({ key: "x", value: `again ${i}` });
		await insert(sqlite, `${i} again`);
		await appData.set({ key: "x", value: `once more ${i}` });
		expect(await appData.get("x")).toBe(`once more ${i}`);
		expect(await onDisk("x")).toBe(`once more ${i}`);
	}
}

describe("a statement that ran before there was a trigger on its table", () => {
	const INSERT = "INSERT INTO t (b) VALUES (?)";
	const WAYS = {
		run: (sqlite, i) => sqlite.run(INSERT, [i]),
		all: (sqlite, i) => sqlite.all(`${INSERT} RETURNING id`, [i]),
		batch: (sqlite, i) => sqlite.batch([{ sql: INSERT, params: [i] }]),
		exec: (sqlite, i) => sqlite.exec(`INSERT INTO t (b) VALUES ('${i}')`),
	};
	for (const [name, insert] of Object.entries(WAYS)) {
		test(`is judged anew: ${name}, a trigger of the store's`, async () => {
			const filename = temporaryFile();
			const store = await storeWithRows(0, filename);
			for (let i = 0; i < 3; i++) await insert(store.sqlite, i);
			await store.sqlite.run(DELETES_X);
			await expectNothingStale(store, filename, insert);
		});

		test(`is judged anew: ${name}, a trigger of another library's`, async () => {
			const filename = temporaryFile();
			const store = await storeWithRows(0, filename);
			for (let i = 0; i < 3; i++) await insert(store.sqlite, i);
			await raw(filename, DELETES_X);
			await expectNothingStale(store, filename, insert);
		});
	}

	test("is judged anew when it is prepared, through a view, and when the trigger comes and goes in one turn", async () => {
		const filename = temporaryFile();
		const onDisk = diskOf(filename);
		const store = await storeWithRows(0, filename);
		const { sqlite } = store;
		await sqlite.exec("CREATE VIEW v AS SELECT b FROM t");
		await sqlite.exec("CREATE TRIGGER into_v INSTEAD OF INSERT ON v BEGIN INSERT INTO t (b) VALUES (new.b); END");
		const statement = await sqlite.prepare("INSERT INTO v VALUES (?)");
		await statement.run([1]);
		await sqlite.run(DELETES_X);
		await expectNothingStale(store, filename, (_, i) => statement.run([i]));
		for (let i = 0; i < 3; i++) {
			const { appData } = store;
			await Promise.all([
				appData.set({ key: "x", value: 1 }),
				sqlite.run("DROP TRIGGER deletes_x"),
				statement.run([1]),
				appData.set({ key: "x", value: 2 }),
				sqlite.run(DELETES_X),
				appData.set({ key: "x", value: 3 }),
				statement.run([2]),
			]);
			expect(await appData.get("x")).toBe(undefined);
			expect(await onDisk("x")).toBe(undefined);
			await appData.set({ key: "x", value: 4 });
			expect(await onDisk("x")).toBe(4);
		}
	});

	test("is refused if the trigger would change the store's own tables", async () => {
		const filename = temporaryFile();
		const { sqlite } = await storeWithRows(0, filename);
		await sqlite.run(INSERT, [1]);
		const before = await sqlite.get("SELECT version FROM __rootcellar_schema");
		await raw(filename, "CREATE TRIGGER sly AFTER INSERT ON t BEGIN UPDATE __rootcellar_schema SET version = 99; END");
		for (let i = 0; i < 2; i++) await expectFailure(() => sqlite.run(INSERT, [2]), "ERR_SQL_FORBIDDEN");
		expect(await sqlite.get("SELECT version, (SELECT count(*) FROM t) AS n FROM __rootcellar_schema")).toEqual({
			...before,
			n: 1,
		});
	});
});

describe("a trigger on keys", () => {
	test("that another library makes while keys are written is seen at once", async () => {
		const filename = temporaryFile();
		const onDisk = diskOf(filename);
		const { appData } = temporaryStore(filename);
		for (let i = 0; i < 3; i++) await appData.set({ key: "x", value: i });
		await raw(
			filename,
			"CREATE TRIGGER r AFTER UPDATE ON __rootapp_kv WHEN new.key = 'y' BEGIN DELETE FROM __rootapp_kv WHERE key = 'x'; END",
		);
		await appData.set({ key: "y", value: 0 });
		for (let i = 0; i < 3; i++) {
			await appData.set({ key: "x", value: i });
			expect(await appData.get("x")).toBe(i);
			await appData.set({ key: "y", value: i });
			expect(await appData.get("x")).toBe(undefined);
		}
		await appData.set({ key: "x", value: "last" });
		expect(await onDisk("x")).toBe("last");
	});

	test("that is made between writes of one turn is seen by those behind it", async () => {
		const filename = temporaryFile();
		const onDisk = diskOf(filename);
		const { appData, sqlite } = temporaryStore(filename);
		await appData.set({ key: "x", value: 0 });
		await Promise.all([
			appData.set({ key: "x", value: 1 }),
			sqlite.run(
				"CREATE TRIGGER r AFTER UPDATE ON __rootapp_kv WHEN new.value = '2' BEGIN DELETE FROM __rootapp_kv WHERE key = new.key; END",
			),
			appData.set({ key: "x", value: 2 }),
			appData.set({ key: "x", value: 3 }),
		]);
		expect(await appData.get("x")).toBe(3);
		expect(await onDisk("x")).toBe(3);
	});

	test("that a foreign key leads to is seen, and leaves nothing of a write that it makes fail", async () => {
		const filename = temporaryFile();
		const onDisk = diskOf(filename);
		const { appData, sqlite } = temporaryStore(filename);
		await appData.get("n");
		await sqlite.exec(`
			CREATE TABLE part (c, k, FOREIGN KEY (c, k) REFERENCES __rootapp_kv (community_id, key) ON DELETE CASCADE);
			CREATE TRIGGER failing BEFORE DELETE ON part WHEN old.k = 'bad' BEGIN SELECT RAISE(FAIL, 'no'); END;
		`);
		await appData.set({ key: "bad", value: 1, communityId: "c" });
		await sqlite.run("INSERT INTO part VALUES ('c', 'bad')");
		expect(await rejection(() => appData.delete("bad", "c"))).toMatchObject({ name: "RootcellarError" });
		expect([await appData.get("bad", "c"), await onDisk("bad")]).toEqual([1, 1]);
		await sqlite.run(`
			CREATE TRIGGER counting AFTER DELETE ON part BEGIN
				UPDATE __rootapp_kv SET value = '0' WHERE key = 'n';
				DELETE FROM __rootapp_kv WHERE key = 'm';
			END
		`);
		for (let i = 1; i <= 3; i++) {
			await appData.set([
				{ key: "n", value: i },
				{ key: "m", value: i },
				{ key: "x", value: i, communityId: "c" },
			]);
			expect([await appData.get("n"), await appData.get("m")]).toEqual([i, i]);
			expect(await onDisk("m")).toBe(i);
			await sqlite.run("INSERT INTO part VALUES ('c', 'x')");
			await appData.set({ key: "m", value: "again" });
			expect(await appData.get("n")).toBe(i);
			await appData.delete("x", "c");
			expect([await appData.get("n"), await appData.get("m")]).toEqual([0, undefined]);
			expect([await onDisk("n"), await onDisk("m")]).toEqual([0, undefined]);
		}
	});

	test("that keeps a key from being written or deleted makes that an error, and nothing of it is done", async () => {
		const filename = temporaryFile();
		const { appData, sqlite } = temporaryStore(filename);
		const all = ["kept", "other"].map((key) => ({ key, value: "before" }));
		await appData.set(all);
		for (const event of ["INSERT", "UPDATE", "DELETE"]) {
			const row = event === "DELETE" ? "old" : "new";
			await sqlite.run(
				`CREATE TRIGGER no_${event} BEFORE ${event} ON __rootapp_kv WHEN ${row}.key IN ('kept', 'new') BEGIN SELECT RAISE(IGNORE); END`,
			);
		}
		for (const operation of [
			() => appData.set({ key: "new", value: 1 }),
			() => appData.set({ key: "kept", value: 1 }),
			() =>
				appData.set([
					{ key: "other", value: 1 },
					{ key: "kept", value: 1 },
				]),
			() => appData.update("kept", () => 1),
			() => appData.delete("kept"),
			() => appData.deleteLike("%"),
			() => appData.deleteLike("%e%"),
			() => sqlite.transaction((tx) => tx.appData.set({ key: "kept", value: 1 })),
		]) {
			const error = await expectFailure(operation, "ERR_NOT_WRITTEN");
			expect(error.message).toMatch(/"(kept|new)"/);
			expect(await appData.select("%")).toEqual(all);
		}
		expect((await rawRows(filename)).map(({ key }) => key)).toEqual(["kept", "other"]);
		await appData.set({ key: "other", value: 2 });
		await appData.delete("not there");
		await appData.deleteLike("not there%");
	});

	test("that keeps one of several rows of a key makes a write an error, which the row would hide", async () => {
		for (const kept of ["value = '\"newest\"'", "value = '\"middle\"'", "true", "rowid > 1"]) {
			const filename = temporaryFile();
			const onDisk = diskOf(filename);
			const { appData, kv, sqlite } = temporaryStore(filename);
			for (const value of ["oldest", "middle", "newest"]) {
				await sqlite.run("INSERT INTO __rootapp_kv (key, value) VALUES ('x', ?)", [JSON.stringify(value)]);
			}
			const before = await rawRows(filename);
			const when = kept.replace(/value|rowid/, "old.$&");
			await sqlite.run(`CREATE TRIGGER r BEFORE DELETE ON __rootapp_kv WHEN ${when} BEGIN SELECT RAISE(IGNORE); END`);
			for (const operation of [
				() => appData.set({ key: "x", value: 1 }),
				() => appData.set([{ key: "x", value: 1 }]),
				() => appData.update("x", () => 1),
				() => appData.delete("x"),
				() => appData.deleteLike("x"),
				() => kv.expire("x", { ttlMs: 60_000 }),
				() => kv.getAndDelete("x"),
				() => kv.deleteRange({ prefix: "x" }),
				() => sqlite.transaction((tx) => tx.appData.set({ key: "x", value: 1 })),
			]) {
				await expectFailure(operation, "ERR_NOT_WRITTEN");
				expect(await rawRows(filename), kept).toEqual(before);
				expect(await appData.get("x")).toBe("newest");
			}
			await sqlite.run("DROP TRIGGER r");
			await appData.set({ key: "x", value: 1 });
			expect(await onDisk("x")).toBe(1);
		}
	});

	test("that fails halfway leaves nothing of the write that is rejected", async () => {
		const filename = temporaryFile();
		const { appData, sqlite } = temporaryStore(filename);
		await appData.set({ key: "a", value: 0 });
		await sqlite.run(
			"CREATE TRIGGER f AFTER INSERT ON __rootapp_kv WHEN new.key = 'bad' BEGIN SELECT RAISE(FAIL, 'no'); END",
		);
		await sqlite.run(
			"CREATE TRIGGER g AFTER DELETE ON __rootapp_kv WHEN old.key = 'b' BEGIN SELECT RAISE(FAIL, 'no'); END",
		);
		await appData.set({ key: "b", value: 0 });
		const before = await rawRows(filename);
		expect(await rejection(() => appData.set({ key: "bad", value: 1 }))).toMatchObject({ name: "RootcellarError" });
		expect(await rejection(() => appData.deleteLike("%"))).toMatchObject({ name: "RootcellarError" });
		expect(await rawRows(filename)).toEqual(before);
		expect(await appData.get("bad")).toBe(undefined);
	});

	test("that changes the store's own tables is refused, and one of another library's is named", async () => {
		const filename = temporaryFile();
		const { appData, sqlite } = temporaryStore(filename);
		await appData.set({ key: "k", value: 1 });
		const before = await sqlite.get("SELECT version FROM __rootcellar_schema");
		for (const body of [
			"UPDATE __rootcellar_schema SET version = 99",
			"UPDATE [__RootCellar_Schema] SET version = 99",
			"DELETE FROM '__rootcellar_schema'",
			'INSERT OR REPLACE INTO "__rootcellar_schema" VALUES (99)',
		]) {
			await expectFailure(
				() => sqlite.run(`CREATE TRIGGER sly AFTER INSERT ON __rootapp_kv BEGIN ${body}; END`),
				"ERR_SQL_FORBIDDEN",
			);
			await expectFailure(
				() => sqlite.exec(`SELECT 1; CREATE TRIGGER sly AFTER INSERT ON __rootapp_kv BEGIN ${body}; END`),
				"ERR_SQL_FORBIDDEN",
			);
		}
		await raw(
			filename,
			"CREATE TRIGGER sly AFTER INSERT ON __rootapp_kv BEGIN UPDATE __rootcellar_schema SET version = 99; END",
		);
		const error = await expectFailure(() => appData.set({ key: "new", value: 1 }), "ERR_SQL_FORBIDDEN");
		expect(error.message).toContain("sly");
		await appData.set({ key: "k", value: 2 });
		const again = temporaryStore(filename);
		expect(await again.appData.get("k")).toBe(2);
		await again.sqlite.run("DROP TRIGGER sly");
		await again.appData.set({ key: "new", value: 1 });
		expect(await sqlite.get("SELECT version FROM __rootcellar_schema")).toEqual(before);
	});

	test("cannot be temporary, where it would not be seen", async () => {
		const filename = temporaryFile();
		const onDisk = diskOf(filename);
		const { appData, sqlite } = temporaryStore(filename);
		const connection = await sqlite.reserve();
		for (const table of ["main.__rootapp_kv", "__rootapp_kv", 'main."__RootApp_KV"', "[__rootapp_kv]"]) {
			for (const event of ["BEFORE INSERT", "AFTER UPDATE OF value", "AFTER DELETE"]) {
				const sql = `CREATE TEMP TRIGGER x ${event} ON ${table} BEGIN DELETE FROM __rootapp_kv; END`;
				await expectFailure(() => connection.run(sql), "ERR_SQL_FORBIDDEN");
				await expectFailure(
					() => connection.exec(sql.replace("TEMP TRIGGER x", "TRIGGER temp.x")),
					"ERR_SQL_FORBIDDEN",
				);
			}
		}
		await connection.release();
		await appData.set({ key: "k", value: 1 });
		expect(await onDisk("k")).toBe(1);
	});
});

test("keys are those of the file, whatever a transaction has of the same name", async () => {
	const filename = temporaryFile();
	const onDisk = diskOf(filename);
	const { appData, sqlite } = temporaryStore(filename);
	await sqlite.transaction(async (tx) => {
		for (const sql of [
			"CREATE TEMP TABLE __rootapp_kv (key, community_id, value, expires_at)",
			'CREATE TABLE temp."__ROOTAPP_KV" (key, community_id, value, expires_at)',
			"CREATE VIRTUAL TABLE temp.__rootapp_kv USING fts5(key, community_id, value, expires_at)",
			"CREATE TEMP VIEW __rootapp_kv AS SELECT 1",
		]) {
			await expectFailure(() => tx.run(sql), "ERR_SQL_FORBIDDEN");
		}
		await tx.appData.set({ key: "k", value: 1 });
	});
	expect(await appData.get("k")).toBe(1);
	expect(await onDisk("k")).toBe(1);
});

test("a full-text table that a trigger keeps up to date leaves keys as they are read", async () => {
	const filename = temporaryFile();
	const store = await storeWithRows(0, filename);
	await store.sqlite.exec("CREATE VIRTUAL TABLE words USING fts5(word)");
	await store.sqlite.exec("CREATE TRIGGER log AFTER INSERT ON t BEGIN INSERT INTO words VALUES (new.b); END");
	await store.sqlite.run(DELETES_X);
	await expectNothingStale(store, filename, (sqlite, i) => sqlite.run("INSERT INTO t (b) VALUES (?)", [i]));
});

test("a version that another program has spoilt keeps no file from being opened, unless it may be a newer one's", async () => {
	const filename = temporaryFile();
	const first = temporaryStore(filename);
	await first.appData.set({ key: "k", value: 1 });
	await first.close();
	const versions = () =>
		raw(filename, "select max(version) as version from __rootcellar_schema where typeof(version) = 'integer'");
	const before = await versions();
	for (const statements of [
		["delete from __rootcellar_schema"],
		["update __rootcellar_schema set version = 'x'"],
		["update __rootcellar_schema set version = -5"],
		["update __rootcellar_schema set version = 0.5"],
		["insert into __rootcellar_schema values (x'00')"],
		["drop table __rootcellar_schema"],
		["create trigger sly after insert on __rootapp_kv begin update __rootcellar_schema set version = 'x'; end"],
	]) {
		await raw(filename, ...statements);
		const store = temporaryStore(filename);
		expect(await store.appData.get("k"), statements[0]).toBe(1);
		await store.appData.set({ key: "k", value: 1 });
		await store.close();
		expect(await versions(), statements[0]).toEqual(before);
	}
});
