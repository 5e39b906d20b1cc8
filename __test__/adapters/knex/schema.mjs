// Scenarios of Knex's schema builder, as [name, scenario]: a scenario is given a database and a helper that turns a
// failure into something to compare, and returns what it saw.

/** Everything that the file says about its tables, but for those of the store. */
export async function masterOf(db) {
	const rows = await db.raw("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name");
	return rows.filter(({ tbl_name: table }) => !/^(__root|sqlite_)/.test(table));
}

async function players(db) {
	await db.schema.createTable("players", (table) => {
		table.increments("id");
		table.string("name", 40).notNullable().unique();
		table.integer("level").defaultTo(1).index();
		table.text("note");
	});
	await db("players").insert([
		{ name: "ada", level: 1, note: "first" },
		{ name: "bob", level: 3 },
		{ name: "eve", level: 1 },
	]);
}

async function scores(db) {
	await players(db);
	await db.raw("PRAGMA foreign_keys = ON");
	await db.schema.createTable("scores", (table) => {
		table.increments("id");
		table.integer("player_id").notNullable().references("id").inTable("players").onDelete("CASCADE");
		table.integer("points");
	});
	await db("scores").insert([
		{ player_id: 1, points: 10 },
		{ player_id: 2, points: 20 },
	]);
}

/** The tables, their rows, and whether foreign keys hold. */
async function stateOf(db, ...tables) {
	const rows = [];
	for (const table of tables) rows.push(await db(table).select().orderBy("id"));
	return [await masterOf(db), rows, await db.raw("PRAGMA foreign_keys"), await db.raw("PRAGMA foreign_key_check")];
}

export const scenarios = [
	[
		"createTable: columns of every type, defaults, and what columnInfo says of them",
		async (db) => {
			await db.schema.createTable("everything", (table) => {
				table.increments("id");
				for (const type of ["integer", "tinyint", "smallint", "mediumint", "bigInteger", "text", "boolean"])
					table[type](`a_${type}`);
				for (const type of ["date", "datetime", "time", "timestamp", "binary", "json", "jsonb", "uuid"])
					table[type](`a_${type}`);
				table.string("a_string", 12).defaultTo("it's");
				table.float("a_float").defaultTo(1.5);
				table.double("a_double").notNullable().defaultTo(0);
				table.decimal("a_decimal", 8, 2).unsigned();
				table.enum("an_enum", ["small", "large"]).defaultTo("small");
				table.specificType("a_specific", "INTEGER CHECK (a_specific > 0)");
				table.boolean("a_flag").defaultTo(false).comment("ignored");
				table.timestamp("created").defaultTo(db.raw("'2026-01-01'"));
			});
			return [await masterOf(db), await db("everything").columnInfo(), await db("everything").columnInfo("a_string")];
		},
	],
	[
		"createTable: composite primary key, unique, index and checks",
		async (db, failure) => {
			await db.schema.createTable("entries", (table) => {
				table.integer("a").checkPositive();
				table.integer("b");
				table.string("c").checkIn(["x", "y"]);
				table.primary(["a", "b"]);
				table.unique(["b", "c"], { indexName: "b_c_unique" });
				table.index(["c"], "c_index");
			});
			await db("entries").insert({ a: 1, b: 1, c: "x" });
			return [
				await masterOf(db),
				await failure(db("entries").insert({ a: 1, b: 1, c: "y" })),
				await failure(db("entries").insert({ a: 2, b: 1, c: "x" })),
				await failure(db("entries").insert({ a: -1, b: 2, c: "x" })),
				await failure(db("entries").insert({ a: 3, b: 3, c: "z" })),
			];
		},
	],
	[
		"hasTable, hasColumn, renameTable, dropTable, dropTableIfExists",
		async (db, failure) => {
			await players(db);
			const before = [await db.schema.hasTable("players"), await db.schema.hasColumn("players", "level")];
			await db.schema.renameTable("players", "members");
			const after = [await db.schema.hasTable("players"), await db.schema.hasColumn("members", "nothing")];
			const rows = await db("members").select();
			await db.schema.dropTable("members");
			await db.schema.dropTableIfExists("members");
			return [before, after, rows, await failure(db.schema.dropTable("members")), await masterOf(db)];
		},
	],
	[
		"createTableLike copies the columns",
		async (db) => {
			await players(db);
			await db.schema.createTableLike("copies", "players");
			return [await masterOf(db), await db("copies").columnInfo(), await db("copies").select()];
		},
	],
	[
		"alterTable: adds columns",
		async (db) => {
			await players(db);
			await db.schema.alterTable("players", (table) => {
				table.string("team").defaultTo("red");
				table.integer("wins").notNullable().defaultTo(0);
			});
			return stateOf(db, "players");
		},
	],
	[
		"alterTable: drops and renames columns, with indexes on them",
		async (db) => {
			await players(db);
			await db.schema.alterTable("players", (table) => table.dropColumn("level"));
			await db.schema.alterTable("players", (table) => table.renameColumn("name", "nickname"));
			return stateOf(db, "players");
		},
	],
	[
		"alterTable: changes columns of a table that others refer to, and their rows stay",
		async (db) => {
			await scores(db);
			await db.schema.alterTable("players", (table) => {
				table.string("name", 80).nullable().alter();
				table.integer("level").notNullable().defaultTo(5).alter();
			});
			await db("players").insert({ name: null, level: 2 });
			return stateOf(db, "players", "scores");
		},
	],
	[
		"setNullable, dropNullable",
		async (db, failure) => {
			await players(db);
			await db.schema.alterTable("players", (table) => table.setNullable("name"));
			await db("players").insert({ name: null });
			const refused = await failure(db.schema.alterTable("players", (table) => table.dropNullable("name")));
			await db("players").whereNull("name").del();
			await db.schema.alterTable("players", (table) => table.dropNullable("name"));
			return [refused, ...(await stateOf(db, "players"))];
		},
	],
	[
		"unique and index: made and dropped",
		async (db) => {
			await players(db);
			await db.schema.alterTable("players", (table) => {
				table.unique(["name", "level"]);
				table.index(["note"], "by_note");
			});
			const between = await masterOf(db);
			await db.schema.alterTable("players", (table) => {
				table.dropUnique(["name", "level"]);
				table.dropIndex([], "by_note");
			});
			return [between, ...(await stateOf(db, "players"))];
		},
	],
	[
		"foreign keys: added, enforced, dropped; rows cascade",
		async (db, failure) => {
			await scores(db);
			const refused = await failure(db("scores").insert({ player_id: 99, points: 1 }));
			await db("players").where({ id: 1 }).del();
			const cascaded = await db("scores").select();
			await db.schema.alterTable("scores", (table) => table.dropForeign(["player_id"]));
			await db("scores").insert({ player_id: 99, points: 1 });
			await db("scores").where({ player_id: 99 }).del();
			await db.schema.alterTable("scores", (table) => table.foreign("player_id").references("players.id"));
			const again = await failure(db("scores").insert({ player_id: 99, points: 1 }));
			return [refused, cascaded, again, ...(await stateOf(db, "players", "scores"))];
		},
	],
	[
		"primary keys: dropped and made",
		async (db) => {
			await db.schema.createTable("pairs", (table) => {
				table.integer("id").primary();
				table.integer("other");
			});
			await db("pairs").insert({ id: 1, other: 2 });
			await db.schema.alterTable("pairs", (table) => table.dropPrimary());
			const dropped = await masterOf(db);
			await db.schema.alterTable("pairs", (table) => table.primary(["id", "other"]));
			return [dropped, ...(await stateOf(db, "pairs"))];
		},
	],
	[
		"a change that breaks a foreign key is undone",
		async (db, failure) => {
			await scores(db);
			await db.raw("PRAGMA foreign_keys = OFF");
			await db("scores").insert({ player_id: 99, points: 1 });
			await db.raw("PRAGMA foreign_keys = ON");
			const refused = await failure(
				db.schema.alterTable("scores", (table) => table.string("points").notNullable().alter()),
			);
			return [refused, ...(await stateOf(db, "players", "scores"))];
		},
	],
	[
		"views: made, replaced, dropped",
		async (db) => {
			await players(db);
			await db.schema.createView("strong", (view) => {
				view.columns(["name"]);
				view.as(db("players").select("name").where("level", ">", 1));
			});
			const first = await db("strong").select();
			await db.schema.dropView("strong");
			await db.schema.createView("strong", (view) => view.as(db("players").select("name").where("level", "<", 2)));
			const second = await db("strong").orderBy("name");
			await db.schema.dropViewIfExists("strong");
			return [first, second, await masterOf(db)];
		},
	],
	[
		"timestamps, schema.raw, and several steps in one chain",
		async (db) => {
			await db.schema
				.createTable("first", (table) => table.increments())
				.createTable("second", (table) => {
					table.increments();
					table.timestamps(false, true);
				})
				.raw("CREATE INDEX by_created ON second (created_at)")
				.dropTable("first");
			const [row] = await db("second").insert({ id: 1 }).returning(["id", "created_at"]);
			return [await masterOf(db), row.id, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(row.created_at)];
		},
	],
	[
		"PRAGMA foreign_keys = OFF holds from one statement to the next, until it is ON",
		async (db, failure) => {
			await scores(db);
			await db.raw("PRAGMA foreign_keys = OFF");
			const off = await db.raw("PRAGMA foreign_keys");
			await db("scores").insert({ player_id: 77, points: 1 });
			await db.schema.dropTable("players");
			const kept = await db("scores").select();
			await db.raw("PRAGMA foreign_keys = ON");
			return [off, kept, await db.raw("PRAGMA foreign_keys"), await failure(db("scores").insert({ player_id: 78 }))];
		},
	],
];
