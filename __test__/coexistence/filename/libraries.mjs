// Libraries on the store's file, each opened as its own documentation shows, none of them told of the store.
// `open(filename)` makes a table of notes and resolves with
//
//   add(text)            addTogether(texts)   one transaction; a text that is null is refused, and it rolled back
//   texts()              keys()               what the notes say, and the keys that the store has written
//   close()

import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { extendedFolder } from "../../../scripts/lib/install/packages.mjs";

/** Finds the packages of the extended tests, and beside them those of the repository. */
const require = createRequire(join(extendedFolder, "package.json"));

const TABLE = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT, text VARCHAR NOT NULL)";
const INSERT = "INSERT INTO notes (text) VALUES (?)";
const TEXTS = "SELECT text FROM notes ORDER BY id";
const KEYS = "SELECT key FROM __rootapp_kv ORDER BY key";

const texts = (rows) => rows.map(({ text }) => text);
const keys = (rows) => rows.map(({ key }) => key);

async function openSqlite3(filename) {
	const { Database } = require("sqlite3");
	const database = await new Promise((resolve, reject) => {
		const opened = new Database(filename, (error) => (error ? reject(error) : resolve(opened)));
	});
	const run = promisify(database.run.bind(database));
	const all = promisify(database.all.bind(database));
	await run(TABLE);
	return {
		add: (text) => run(INSERT, [text]),
		async addTogether(together) {
			await run("BEGIN");
			try {
				for (const text of together) await run(INSERT, [text]);
				await run("COMMIT");
			} catch (error) {
				await run("ROLLBACK");
				throw error;
			}
		},
		texts: async () => texts(await all(TEXTS)),
		keys: async () => keys(await all(KEYS)),
		close: promisify(database.close.bind(database)),
	};
}

async function openBetterSqlite3(filename) {
	const Database = require("better-sqlite3");
	const database = new Database(filename);
	database.exec(TABLE);
	const insert = database.prepare(INSERT);
	const insertTogether = database.transaction((together) => {
		for (const text of together) insert.run(text);
	});
	return {
		add: async (text) => insert.run(text),
		addTogether: async (together) => insertTogether(together),
		texts: async () => texts(database.prepare(TEXTS).all()),
		keys: async () => keys(database.prepare(KEYS).all()),
		close: async () => database.close(),
	};
}

async function openKnex(filename, client) {
	const knex = require("knex")({ client, connection: { filename }, useNullAsDefault: true });
	await knex.schema.createTable("notes", (table) => {
		table.increments();
		table.string("text").notNullable();
	});
	return {
		add: (text) => knex("notes").insert({ text }),
		addTogether: (together) =>
			knex.transaction(async (trx) => {
				for (const text of together) await trx("notes").insert({ text });
			}),
		texts: () => knex("notes").orderBy("id").pluck("text"),
		keys: () => knex("__rootapp_kv").orderBy("key").pluck("key"),
		close: () => knex.destroy(),
	};
}

async function openTypeOrm(filename) {
	const { DataSource, EntitySchema } = require("typeorm");
	const Note = new EntitySchema({
		name: "notes",
		columns: { id: { type: Number, primary: true, generated: true }, text: { type: String } },
	});
	const source = new DataSource({ type: "better-sqlite3", database: filename, entities: [Note], synchronize: true });
	await source.initialize();
	const notes = source.getRepository(Note);
	return {
		add: (text) => notes.save({ text }),
		addTogether: (together) =>
			source.transaction(async (manager) => {
				for (const text of together) await manager.insert(Note, { text });
			}),
		texts: async () => texts(await notes.find({ order: { id: "ASC" } })),
		keys: async () => keys(await source.query(KEYS)),
		close: () => source.destroy(),
	};
}

async function openSqlite(filename) {
	const database = await require("sqlite").open({ filename, driver: require("sqlite3").Database });
	await database.exec(TABLE);
	return {
		add: (text) => database.run(INSERT, text),
		async addTogether(together) {
			await database.run("BEGIN");
			try {
				for (const text of together) await database.run(INSERT, text);
				await database.run("COMMIT");
			} catch (error) {
				await database.run("ROLLBACK");
				throw error;
			}
		},
		texts: async () => texts(await database.all(TEXTS)),
		keys: async () => keys(await database.all(KEYS)),
		close: () => database.close(),
	};
}

/** Operations of Sequelize on a model of notes, by whichever class it was opened. */
async function notesOf(sequelize, Note) {
	await sequelize.sync();
	return {
		add: (text) => Note.create({ text }),
		async addTogether(together) {
			try {
				await sequelize.transaction(async (transaction) => {
					for (const text of together) await Note.create({ text }, { transaction, validate: false });
				});
			} catch (error) {
				throw error.parent ?? error;
			}
		},
		texts: async () => texts(await Note.findAll({ order: ["id"] })),
		keys: async () => keys((await sequelize.query(KEYS))[0]),
		close: () => sequelize.close(),
	};
}

const sequelizeOptions = (filename) => ({
	dialect: "sqlite",
	dialectModule: require("sqlite3"),
	storage: filename,
	logging: false,
});

async function openSequelize(filename) {
	const { DataTypes, Sequelize } = require("sequelize");
	const sequelize = new Sequelize(sequelizeOptions(filename));
	const columns = { text: { type: DataTypes.STRING, allowNull: false } };
	return notesOf(sequelize, sequelize.define("notes", columns, { timestamps: false }));
}

async function openSequelizeTypescript(filename) {
	require("reflect-metadata");
	const { AllowNull, Column, DataType, Model, Sequelize, Table } = require("sequelize-typescript");
	class Note extends Model {}
	// The decorators, as TypeScript compiles them.
	Column(DataType.STRING)(Note.prototype, "text");
	AllowNull(false)(Note.prototype, "text");
	Table({ tableName: "notes", timestamps: false })(Note);
	return notesOf(new Sequelize({ ...sequelizeOptions(filename), models: [Note] }), Note);
}

/** The client is the one that `prisma.mjs` has generated. */
async function openPrisma(filename, clientFolder) {
	const { PrismaBetterSQLite3 } = require("@prisma/adapter-better-sqlite3");
	const { PrismaClient } = require(clientFolder);
	const prisma = new PrismaClient({ adapter: new PrismaBetterSQLite3({ url: `file:${filename}` }) });
	await prisma.$executeRawUnsafe(TABLE);
	return {
		add: (text) => prisma.note.create({ data: { text } }),
		addTogether: (together) =>
			prisma.$transaction(async (tx) => {
				for (const text of together) await tx.$executeRaw`INSERT INTO notes (text) VALUES (${text})`;
			}),
		texts: async () => texts(await prisma.note.findMany({ orderBy: { id: "asc" } })),
		keys: async () => keys(await prisma.$queryRawUnsafe(KEYS)),
		close: () => prisma.$disconnect(),
	};
}

/** By name: how to open a file with it. */
export const libraries = {
	sqlite3: openSqlite3,
	"better-sqlite3": openBetterSqlite3,
	"Knex with sqlite3": (filename) => openKnex(filename, "sqlite3"),
	"Knex with better-sqlite3": (filename) => openKnex(filename, "better-sqlite3"),
	TypeORM: openTypeOrm,
	Prisma: openPrisma,
	sqlite: openSqlite,
	Sequelize: openSequelize,
	"sequelize-typescript": openSequelizeTypescript,
};
