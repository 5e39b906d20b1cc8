// Rebuilding a table in a transaction, which SQLite makes of dropping it, keeps the rows that refer to it.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import knex from "knex";
import RootcellarClient from "rootcellar/knex";
import { describe, expect, onTestFinished, test } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { temporaryDirectory, temporaryStore } from "../../helpers/store.mjs";

const IDLE_LIMIT_MS = 5_000;

const ACTIONS = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"];

/** Everything that Knex does by rebuilding a table. */
const REBUILDS = {
	dropColumn: (table) => table.dropColumn("spare"),
	"dropColumn of two": (table) => table.dropColumns("spare", "team_id"),
	dropForeign: (table) => table.dropForeign("team_id"),
	foreign: (table) => table.foreign("spare").references("teams.id"),
	setNullable: (table) => table.setNullable("name"),
	dropNullable: (table) => table.dropNullable("level"),
	"alter of a column": (table) => table.text("level").notNullable().defaultTo("1").alter(),
	primary: (table) => table.primary(["id"], "players_id"),
	"dropPrimary, and another": (table) => {
		table.dropPrimary();
		table.primary(["id"], "players_id");
	},
	"several at once": (table) => {
		table.dropColumn("spare");
		table.setNullable("name");
		table.dropForeign("team_id");
	},
};

/** Ways in which a change of the schema comes to be in a transaction. */
const WAYS = {
	"a transaction": (db, change) => db.transaction(change),
	"a nested transaction": (db, change) => db.transaction((trx) => trx.transaction(change)),
	"a transaction without a callback": async (db, change) => {
		const trx = await db.transaction();
		try {
			await change(trx);
		} catch (error) {
			await trx.rollback();
			throw error;
		}
		await trx.commit();
		await trx.executionPromise;
	},
	"a migration": async (db, change) => {
		const migration = { name: "1", up: change, down: async () => {} };
		await db.migrate.latest({ migrationSource: sourceOf([migration]) });
	},
	"a migration that is rolled back": async (db, change) => {
		const migrationSource = sourceOf([{ name: "1", up: async () => {}, down: change }]);
		await db.migrate.latest({ migrationSource });
		await db.migrate.rollback({ migrationSource });
	},
};

/** Migrations that lie in no folder. */
function sourceOf(migrations) {
	return {
		getMigrations: async () => migrations,
		getMigrationName: ({ name }) => name,
		getMigration: async (migration) => migration,
	};
}

function connect(settings = {}) {
	const store = temporaryStore();
	const db = knex({
		client: RootcellarClient,
		connection: { dataStore: store, ...settings },
		useNullAsDefault: true,
		log: { warn() {}, error() {}, deprecate() {}, debug() {} },
	});
	onTestFinished(() => db.destroy());
	return { db, store };
}

/** Players of teams, with scores for each action, and scores of scores. */
async function players(settings) {
	const { db, store } = connect(settings);
	await db.schema.createTable("teams", (table) => table.increments("id"));
	await db.schema.createTable("players", (table) => {
		table.integer("id").primary();
		table.string("name").notNullable();
		table.integer("level").defaultTo(1);
		table.integer("spare");
		table.integer("team_id").references("teams.id");
	});
	await db("teams").insert({ id: 1 });
	await db("players").insert([1, 2, 3].map((id) => ({ id, name: `p${id}`, level: id, spare: 1, team_id: 1 })));
	for (const [index, action] of ACTIONS.entries()) {
		await db.schema.createTable(`scores_${index}`, (table) => {
			table.increments("id");
			const column = table.integer("player_id").defaultTo(1);
			column.references("players.id").onDelete(action).onUpdate(action);
		});
		await db(`scores_${index}`).insert([{ player_id: 1 }, { player_id: 2 }, { player_id: 3 }]);
	}
	return { db, store };
}

async function scoresOf(db) {
	const tables = ACTIONS.map((_, index) => db(`scores_${index}`).orderBy("id").pluck("player_id"));
	return Promise.all(tables);
}

const ALL = ACTIONS.map(() => [1, 2, 3]);

/** Foreign keys are on again, and hold. */
async function expectForeignKeys(db) {
	expect(await db.raw("PRAGMA foreign_keys")).toEqual([{ foreign_keys: 1 }]);
	expect((await rejection(() => db("scores_0").insert({ player_id: 99 }).then())).code).toBe(
		"SQLITE_CONSTRAINT_FOREIGNKEY",
	);
	expect(await db.raw("PRAGMA foreign_key_check")).toEqual([]);
}

describe.each(Object.entries(WAYS))("in %s", (_, way) => {
	test.each(Object.entries(REBUILDS))("%s keeps every row that refers to the table", async (_name, change) => {
		const { db } = await players();
		const before = await db.raw("SELECT sql FROM sqlite_schema WHERE name = 'players'");
		await way(db, (trx) => trx.schema.alterTable("players", change));
		expect(await db.raw("SELECT sql FROM sqlite_schema WHERE name = 'players'")).not.toEqual(before);
		expect(await db("players").orderBy("id").pluck("name")).toEqual(["p1", "p2", "p3"]);
		expect(await scoresOf(db)).toEqual(ALL);
		await expectForeignKeys(db);
	});

	test("a table that is rebuilt by hand, between pragmas, keeps them", async () => {
		const { db } = await players();
		await way(db, async (trx) => {
			await trx.raw("PRAGMA foreign_keys = OFF");
			await trx.raw("CREATE TABLE new_players AS SELECT id, name FROM players");
			await trx.raw("DROP TABLE players");
			await trx.raw("CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT)");
			await trx.raw("INSERT INTO players SELECT * FROM new_players");
			await trx.raw("DROP TABLE new_players");
			await trx.raw("PRAGMA foreign_keys = ON");
			expect((await rejection(() => trx("scores_0").insert({ player_id: 99 }).then())).code).toBe(
				"SQLITE_CONSTRAINT_FOREIGNKEY",
			);
		});
		expect(await scoresOf(db)).toEqual(ALL);
		await expectForeignKeys(db);
	});

	test("what breaks a reference meanwhile is refused, names both tables, and changes nothing", async () => {
		const { db } = await players();
		const error = await rejection(() =>
			Promise.resolve(
				way(db, async (trx) => {
					await trx.raw("PRAGMA foreign_keys = OFF");
					await trx("players").where({ id: 2 }).del();
					await trx.schema.alterTable("players", REBUILDS.dropColumn);
				}),
			),
		);
		expect(error).toMatchObject({ code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
		expect(error.message).toMatch(/rows in "scores_\d" that refer to rows missing in "players"/);
		expect(await db("players").orderBy("id").pluck("spare")).toEqual([1, 1, 1]);
		expect(await scoresOf(db)).toEqual(ALL);
		await expectForeignKeys(db);
	});

	test("a foreign key that rows do not meet is refused", async () => {
		const { db } = await players();
		await db("players").update({ spare: 7 });
		const error = await rejection(() =>
			Promise.resolve(way(db, (trx) => trx.schema.alterTable("players", REBUILDS.foreign))),
		);
		expect(error.code).toBe("SQLITE_CONSTRAINT_FOREIGNKEY");
		expect(await scoresOf(db)).toEqual(ALL);
		await expectForeignKeys(db);
	});

	test("a change that fails leaves foreign keys on", async () => {
		const { db } = await players();
		await db("players").update({ level: null });
		const failed = await rejection(() =>
			Promise.resolve(way(db, (trx) => trx.schema.alterTable("players", REBUILDS.dropNullable))),
		);
		expect(failed.code).toMatch(/^SQLITE_CONSTRAINT/);
		expect(await scoresOf(db)).toEqual(ALL);
		await expectForeignKeys(db);
	});
});

test("migrations in files keep them, forth and back", async () => {
	const { db } = await players();
	const folder = join(temporaryDirectory(), "migrations");
	mkdirSync(folder);
	writeFileSync(
		join(folder, "1_drop.cjs"),
		`exports.up = (db) => db.schema.alterTable("players", (table) => table.dropColumn("spare"));
		exports.down = (db) => db.schema.alterTable("players", (table) => table.dropNullable("level"));`,
	);
	const config = { directory: folder, loadExtensions: [".cjs"] };
	await db.migrate.latest(config);
	expect(await scoresOf(db)).toEqual(ALL);
	await db.migrate.rollback(config);
	expect(await scoresOf(db)).toEqual(ALL);
	await expectForeignKeys(db);
});

test("references that were broken before are no reason to refuse a change, and one more is", async () => {
	const { db } = await players();
	await db.raw("PRAGMA foreign_keys = OFF");
	await db("scores_0").insert({ player_id: 77 });
	await db.raw("PRAGMA foreign_keys = ON");
	await db.transaction((trx) => trx.schema.alterTable("players", REBUILDS.dropColumn));
	expect(await db("scores_0").pluck("player_id")).toEqual([1, 2, 3, 77]);
	const more = async (trx) => {
		await trx.raw("PRAGMA foreign_keys = OFF");
		await trx("scores_0").insert({ player_id: 78 });
	};
	expect((await rejection(() => db.transaction(more).then())).code).toBe("SQLITE_CONSTRAINT_FOREIGNKEY");
	expect(await db("scores_0").pluck("player_id")).toEqual([1, 2, 3, 77]);
});

test("a transaction that is abandoned with foreign keys off leaves them on for everybody", async () => {
	const { db } = await players({ idleTimeoutMs: IDLE_LIMIT_MS });
	const trx = await db.transaction();
	await trx.raw("PRAGMA foreign_keys = OFF");
	await trx("players").del();
	// This waits until the transaction is rolled back.
	await db("teams").insert({});
	expect(await scoresOf(db)).toEqual(ALL);
	await expectForeignKeys(db);
	expect((await rejection(() => trx("teams").insert({}).then())).code).toMatch(/^ERR_TRANSACTION_/);
	await trx.rollback();
});

test("a transaction that is rolled back leaves them on", async () => {
	const { db } = await players();
	await rejection(() =>
		db
			.transaction(async (trx) => {
				await trx.schema.alterTable("players", REBUILDS.dropColumn);
				await trx.raw("PRAGMA foreign_keys = OFF");
				throw new Error("on purpose");
			})
			.then(),
	);
	expect(await db("players").pluck("spare")).toEqual([1, 1, 1]);
	expect(await scoresOf(db)).toEqual(ALL);
	await expectForeignKeys(db);
});
