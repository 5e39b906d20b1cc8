// Scenarios of Knex's migrations and seeds, as [name, scenario]; the third argument is an empty folder.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { masterOf } from "./schema.mjs";

const CREATE_PLAYERS = `
exports.up = (db) => db.schema.createTable("players", (table) => {
	table.increments("id");
	table.string("name").notNullable();
});
exports.down = (db) => db.schema.dropTable("players");
`;

const ADD_LEVEL = `
exports.up = async (db) => {
	await db.schema.alterTable("players", (table) => table.integer("level").defaultTo(1));
	await db("players").insert({ name: "ada" });
};
exports.down = (db) => db.schema.alterTable("players", (table) => table.dropColumn("level"));
`;

const FAIL = `
exports.up = async (db) => {
	await db("players").insert({ name: "half" });
	await db.schema.createTable("half", (table) => table.increments("id"));
	throw new Error("on purpose");
};
exports.down = async () => {};
`;

const REBUILD_WITHOUT_TRANSACTION = `
exports.config = { transaction: false };
exports.up = async (db) => {
	await db.schema.createTable("scores", (table) => table.integer("player_id").references("players.id").onDelete("CASCADE"));
	await db("scores").insert({ player_id: 1 });
	await db.raw("PRAGMA foreign_keys = OFF");
	await db.raw("CREATE TABLE players_new (id INTEGER PRIMARY KEY, name TEXT, level INTEGER)");
	await db.raw("INSERT INTO players_new SELECT id, name, level FROM players");
	await db.raw("DROP TABLE players");
	await db.raw("ALTER TABLE players_new RENAME TO players");
	await db.raw("PRAGMA foreign_keys = ON");
};
exports.down = async () => {};
`;

const SEEDS = {
	"1_players.cjs":
		'exports.seed = async (db) => { await db("players").del(); await db("players").insert([{ name: "a" }, { name: "b" }]); };',
	"2_levels.cjs": 'exports.seed = (db) => db("players").where({ name: "b" }).update({ level: 9 });',
};

/** Migrations in a folder, and what Knex is told of them. */
function folderOf(directory, files) {
	const folder = join(directory, "migrations");
	mkdirSync(folder, { recursive: true });
	for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
	return { directory: folder, loadExtensions: [".cjs"] };
}

const TWO = { "1_players.cjs": CREATE_PLAYERS, "2_level.cjs": ADD_LEVEL };

const namesOf = ([batch, paths]) => [batch, paths.map((path) => path.split(/[\\/]/).at(-1))];

/** The lists of done and pending migrations. */
const listed = ([done, pending]) => [done.map(({ name }) => name), pending.map(({ file }) => file)];

export const scenarios = [
	[
		"migrate.latest, list, currentVersion and status; latest again does nothing",
		async (db, _, directory) => {
			const config = folderOf(directory, TWO);
			const before = listed(await db.migrate.list(config));
			const first = namesOf(await db.migrate.latest(config));
			const second = namesOf(await db.migrate.latest(config));
			return [
				before,
				first,
				second,
				listed(await db.migrate.list(config)),
				await db.migrate.currentVersion(config),
				await db.migrate.status(config),
				await db("knex_migrations").select("id", "name", "batch"),
				await db("knex_migrations_lock").select(),
				await db("players").select(),
				await masterOf(db),
			];
		},
	],
	[
		"migrate.up, down, rollback, and rollback of all",
		async (db, _, directory) => {
			const config = folderOf(directory, TWO);
			const steps = [await db.migrate.up(config), await db.migrate.up(config), await db.migrate.down(config)].map(
				namesOf,
			);
			steps.push(namesOf(await db.migrate.latest(config)));
			steps.push(namesOf(await db.migrate.rollback(config)));
			const between = await masterOf(db);
			steps.push(namesOf(await db.migrate.latest(config)), namesOf(await db.migrate.rollback(config, true)));
			return [steps, between, await masterOf(db)];
		},
	],
	[
		"a migration that fails leaves nothing behind, and no lock",
		async (db, failure, directory) => {
			const config = folderOf(directory, { ...TWO, "3_fail.cjs": FAIL });
			const failed = await failure(db.migrate.latest(config));
			return [
				failed,
				await db("knex_migrations").pluck("name"),
				await db("knex_migrations_lock").select("is_locked"),
				await masterOf(db),
			];
		},
	],
	[
		"a migration that was done and is missing now is an error",
		async (db, failure, directory) => {
			await db.migrate.latest(folderOf(directory, TWO));
			const other = folderOf(join(directory, "other"), { "1_players.cjs": CREATE_PLAYERS });
			return failure(db.migrate.latest(other));
		},
	],
	[
		"the lock: held by another, and freed by force",
		async (db, failure, directory) => {
			const config = folderOf(directory, TWO);
			await db.migrate.up(config);
			await db("knex_migrations_lock").update({ is_locked: 1 });
			const refused = await failure(db.migrate.latest(config));
			await db.migrate.forceFreeMigrationsLock(config);
			return [refused, namesOf(await db.migrate.latest(config))];
		},
	],
	[
		"without a transaction, foreign keys stay off between the statements of a migration",
		async (db, _, directory) => {
			await db.raw("PRAGMA foreign_keys = ON");
			await db.migrate.latest(folderOf(directory, { ...TWO, "3_rebuild.cjs": REBUILD_WITHOUT_TRANSACTION }));
			return [await db("players").select(), await db("scores").select(), await db.raw("PRAGMA foreign_keys")];
		},
	],
	[
		"seeds run in their order, as often as asked",
		async (db, _, directory) => {
			await db.migrate.latest(folderOf(directory, TWO));
			const folder = join(directory, "seeds");
			mkdirSync(folder);
			for (const [name, text] of Object.entries(SEEDS)) writeFileSync(join(folder, name), text);
			const config = { directory: folder, loadExtensions: [".cjs"] };
			const [ran] = await db.seed.run(config);
			await db.seed.run(config);
			return [ran.map((path) => path.split(/[\\/]/).at(-1)), await db("players").select("name", "level")];
		},
	],
];
