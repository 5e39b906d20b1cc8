// migrate: SQL files in the order of their numbers, each once, in a transaction of its own.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { runModuleForJson } from "../helpers/child.mjs";
import { expectArgumentError, expectFailure, rejection, SECRET } from "../helpers/errors.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../helpers/store.mjs";

/** A folder with these files. */
function folderWith(files) {
	const folder = join(temporaryDirectory(), "migrations");
	mkdirSync(folder);
	for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql);
	return folder;
}

const FILES = {
	"1_players.sql": "CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT);",
	"2_levels.sql": "ALTER TABLE players ADD COLUMN level INTEGER DEFAULT 1; INSERT INTO players (name) VALUES ('ada');",
	"10_log.sql": "CREATE TABLE log (text);",
};

const tablesOf = async ({ sqlite }) => {
	const rows = await sqlite.all(
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_\\_root%' ESCAPE '\\' ORDER BY name",
	);
	return rows.map(({ name }) => name);
};

describe("migrate", () => {
	test("applies the files of a folder in the order of their numbers, once", async () => {
		const filename = temporaryFile();
		const folder = folderWith({ ...FILES, "README.md": "not SQL" });
		const store = temporaryStore(filename);
		expect(await store.sqlite.migrate(folder)).toEqual(["1_players.sql", "2_levels.sql", "10_log.sql"]);
		expect(await store.sqlite.all("SELECT name, level FROM players")).toEqual([{ name: "ada", level: 1 }]);
		expect(await store.sqlite.migrate(folder)).toEqual([]);
		writeFileSync(join(folder, "11_more.sql"), "CREATE TABLE more (x)");
		expect(await store.sqlite.migrate(pathToFileURL(folder))).toEqual(["11_more.sql"]);
		await store.close();
		const again = temporaryStore(filename);
		expect(await again.sqlite.migrate(folder)).toEqual([]);
		expect(await tablesOf(again)).toEqual(["log", "more", "players"]);
	});

	test("takes a list of paths, and of names with their SQL, in any order", async () => {
		const folder = folderWith(FILES);
		const paths = readdirSync(folder).map((name) => join(folder, name));
		const store = temporaryStore();
		expect(await store.sqlite.migrate([paths[0], pathToFileURL(paths[1]), ...paths.slice(2)])).toHaveLength(3);
		const list = Object.entries(FILES).map(([name, sql]) => ({ name, sql }));
		expect(await store.sqlite.migrate(list.reverse())).toEqual([]);
		expect(await store.sqlite.migrate([...list, { name: "0011-dashes-and_zeros", sql: "SELECT 1" }])).toEqual([
			"0011-dashes-and_zeros",
		]);
		expect(await temporaryStore().sqlite.migrate([])).toEqual([]);
	});

	test("records what it has applied in a table that SQL can read and not write", async () => {
		const { sqlite } = temporaryStore();
		const before = Date.now();
		await sqlite.migrate(folderWith({ "7_a.sql": "SELECT 1" }));
		const [row] = await sqlite.all("SELECT * FROM __rootcellar_migrations");
		expect(row).toMatchObject({ number: 7, name: "a", hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
		expect(row.applied_at).toBeGreaterThanOrEqual(before);
		await expectFailure(() => sqlite.run("DELETE FROM __rootcellar_migrations"), "ERR_SQL_FORBIDDEN");
	});

	test("keeps nothing of a file that fails, and all before it, and names the file and the place", async () => {
		const store = temporaryStore();
		const folder = folderWith({
			...FILES,
			"3_broken.sql": "CREATE TABLE gone (x);\nINSERT INTO nowhere VALUES (1)",
		});
		const error = await expectFailure(() => store.sqlite.migrate(folder), "SQLITE_ERROR");
		expect(error.message).toContain("3_broken.sql");
		expect(error.message).toContain("line 2");
		expect(error.position).toBe(35);
		expect(await tablesOf(store)).toEqual(["players"]);
		writeFileSync(join(folder, "3_broken.sql"), "CREATE TABLE mended (x)");
		expect(await store.sqlite.migrate(folder)).toEqual(["3_broken.sql", "10_log.sql"]);
	});

	test("refuses a file that ends its transaction", async () => {
		const store = temporaryStore();
		for (const sql of ["CREATE TABLE x (a); COMMIT", "BEGIN", "VACUUM"]) {
			const error = await rejection(() => store.sqlite.migrate([{ name: "1_x.sql", sql }]));
			expect(["ERR_SQL_FORBIDDEN", "SQLITE_ERROR"]).toContain(error.code);
			expect(await tablesOf(store)).toEqual([]);
		}
	});

	test("ends of lines are no change, and neither is a byte order mark", async () => {
		const { sqlite } = temporaryStore();
		const text = "CREATE TABLE a (x);\nCREATE TABLE b (x);\n";
		await sqlite.migrate([{ name: "1_a.sql", sql: text }]);
		const folder = folderWith({ "1_a.sql": `\ufeff${text.replaceAll("\n", "\r\n")}` });
		expect(await sqlite.migrate(folder)).toEqual([]);
	});
});

describe("a migration that rebuilds a table", () => {
	const ACTIONS = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"];

	const BEGIN = `CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT);
		INSERT INTO players (name) VALUES ('ada'), ('bob');
		${ACTIONS.map(
			(action, i) => `CREATE TABLE scores_${i} (player_id INTEGER DEFAULT 1 REFERENCES players ON DELETE ${action});
			INSERT INTO scores_${i} VALUES (1), (2);`,
		).join("\n")}`;

	const REBUILD = `CREATE TABLE new_players (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
		INSERT INTO new_players SELECT * FROM players;
		DROP TABLE players;
		ALTER TABLE new_players RENAME TO players;`;

	/** A store with the tables, on which more migrations can be applied. */
	async function begun() {
		const { sqlite } = temporaryStore();
		const list = [{ name: "1_begin.sql", sql: BEGIN }];
		await sqlite.migrate(list);
		return { sqlite, migrate: (sql) => sqlite.migrate([...list, { name: "2_next.sql", sql }]) };
	}

	async function expectAllScores(sqlite) {
		for (const i of ACTIONS.keys()) {
			expect(await sqlite.all(`SELECT player_id FROM scores_${i} ORDER BY rowid`)).toEqual([
				{ player_id: 1 },
				{ player_id: 2 },
			]);
		}
	}

	test.each([REBUILD, `PRAGMA defer_foreign_keys = ON; ${REBUILD}`])(
		"keeps every row that refers to it, and foreign keys hold afterwards: %s",
		async (sql) => {
			const { sqlite, migrate } = await begun();
			expect(await migrate(sql)).toEqual(["2_next.sql"]);
			await expectAllScores(sqlite);
			await expectFailure(() => sqlite.run("INSERT INTO scores_0 VALUES (9)"), "SQLITE_CONSTRAINT_FOREIGNKEY");
			await expectFailure(() => sqlite.run("INSERT INTO players (name) VALUES (NULL)"), "SQLITE_CONSTRAINT_NOTNULL");
		},
	);

	test.each([
		["deletes a row that is referred to", "DELETE FROM players WHERE id = 2"],
		["writes a reference that leads nowhere", "INSERT INTO scores_2 VALUES (9)"],
		["loses a row while it rebuilds", REBUILD.replace("FROM players", "FROM players WHERE id = 1")],
		["drops the table", "DROP TABLE players"],
		["takes the key away that is referred to", REBUILD.replace("id INTEGER PRIMARY KEY", "id INTEGER")],
	])("is not applied if it %s, and the error names the file", async (_, sql) => {
		const { sqlite, migrate } = await begun();
		const error = await rejection(() => migrate(`${sql}; CREATE TABLE gone (x)`));
		expect(error.code).toBe("SQLITE_CONSTRAINT_FOREIGNKEY");
		expect(error.message).toContain("2_next.sql");
		expect(error.message).toMatch(/"scores_\d"/);
		await expectAllScores(sqlite);
		expect(await sqlite.get("SELECT count(*) AS n FROM players")).toEqual({ n: 2 });
		expect(await sqlite.get("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'gone'")).toEqual({ n: 0 });
		expect(await sqlite.get("PRAGMA foreign_keys")).toEqual({ foreign_keys: 1 });
		expect(await migrate(REBUILD)).toEqual(["2_next.sql"]);
	});

	test("is applied although a reference was broken before", async () => {
		const { sqlite, migrate } = await begun();
		await sqlite.exec("PRAGMA foreign_keys = OFF; INSERT INTO scores_0 VALUES (9)");
		await migrate(REBUILD);
		expect(await sqlite.get("SELECT count(*) AS n FROM scores_0")).toEqual({ n: 3 });
	});

	test("that fails leaves foreign keys on", async () => {
		const { sqlite, migrate } = await begun();
		await expectFailure(() => migrate(`${REBUILD} SELECT nothing`), "SQLITE_ERROR");
		await expectAllScores(sqlite);
		await expectFailure(() => sqlite.run("INSERT INTO scores_0 VALUES (9)"), "SQLITE_CONSTRAINT_FOREIGNKEY");
	});
});

describe("migrations that do not fit what was applied", () => {
	/** A store with `FILES` applied, and what `change` made of their folder. */
	async function changed(change) {
		const folder = folderWith(FILES);
		const store = temporaryStore();
		await store.sqlite.migrate(folder);
		writeFileSync(join(folder, "20_new.sql"), "CREATE TABLE new (x)");
		change(folder);
		const error = await expectFailure(() => store.sqlite.migrate(folder), "ERR_MIGRATION");
		expect(await tablesOf(store)).toEqual(["log", "players"]);
		return error.message;
	}

	test("because one is missing", async () => {
		expect(await changed((folder) => rmSync(join(folder, "2_levels.sql")))).toContain("number 2 (levels)");
	});

	test("because one was changed", async () => {
		expect(await changed((folder) => writeFileSync(join(folder, "2_levels.sql"), "SELECT 1"))).toContain(
			"2_levels.sql",
		);
	});

	test("because one was renamed", async () => {
		const message = await changed((folder) => {
			rmSync(join(folder, "2_levels.sql"));
			writeFileSync(join(folder, "2_stages.sql"), FILES["2_levels.sql"]);
		});
		expect(message).toContain("2_stages.sql");
	});

	test("because a new one comes before one that was applied", async () => {
		expect(await changed((folder) => writeFileSync(join(folder, "5_late.sql"), "SELECT 1"))).toContain("5_late.sql");
	});

	test("because two have the same number", async () => {
		expect(await changed((folder) => writeFileSync(join(folder, "002_twice.sql"), "SELECT 1"))).toContain(
			"002_twice.sql",
		);
	});

	test("because a name has no number", async () => {
		expect(await changed((folder) => writeFileSync(join(folder, "nameless.sql"), "SELECT 1"))).toContain(
			"nameless.sql",
		);
	});
});

describe("what cannot be migrated", () => {
	test("a folder or file that is not there says so", async () => {
		const { sqlite } = temporaryStore();
		const nowhere = join(temporaryDirectory(), "nowhere");
		expect((await expectFailure(() => sqlite.migrate(nowhere), "ERR_MIGRATION")).message).toContain(nowhere);
		await expectFailure(() => sqlite.migrate([join(nowhere, "1_a.sql")]), "ERR_MIGRATION");
	});

	test("a text that is a URL is a TypeError that shows none of it", async () => {
		const { sqlite } = temporaryStore();
		const url = `https://bot:${SECRET}@host/migrations`;
		expectArgumentError(await rejection(() => sqlite.migrate(url)), "migrations");
		expectArgumentError(await rejection(() => sqlite.migrate([url])), "migrations[0]");
	});

	test("anything else is a TypeError", async () => {
		const { sqlite } = temporaryStore();
		for (const [value, argument] of [
			[undefined, "migrations"],
			[5, "migrations"],
			[{ name: "1_a.sql", sql: "" }, "migrations"],
			[[5], "migrations[0]"],
			[[{ sql: "" }], "migrations[0]"],
			[[{ name: "1_a.sql" }], "migrations[0].sql"],
		]) {
			expectArgumentError(await rejection(() => sqlite.migrate(value)), argument);
		}
	});
});

test("processes and stores that migrate at once apply everything once", async () => {
	const filename = temporaryFile();
	const folder = folderWith(
		Object.fromEntries(
			Array.from({ length: 12 }, (_, i) => [
				`${i + 1}_step.sql`,
				i === 0 ? "CREATE TABLE steps (n)" : `INSERT INTO steps VALUES (${i})`,
			]),
		),
	);
	const child = () =>
		runModuleForJson(
			`const stores = [1, 2].map(() => openDataStore({ filename: process.argv[1], backup: false }));
			const applied = await Promise.all(stores.map(({ sqlite }) => sqlite.migrate(process.argv[2])));
			console.log(JSON.stringify(applied.flat()));`,
			{ args: [filename, folder] },
		);
	const applied = (await Promise.all([child(), child(), child()])).flat();
	expect(applied.sort()).toEqual(readdirSync(folder).sort());
	const { sqlite } = temporaryStore(filename);
	expect(await sqlite.all("SELECT n FROM steps ORDER BY rowid", [], { rowMode: "array" })).toEqual(
		Array.from({ length: 11 }, (_, i) => [i + 1]),
	);
}, 300_000);
