// The parts of Knex that a dialect extends; Knex declares no types for them.

declare module "knex/lib/dialects/sqlite3/index.js" {
	const SqliteClient: any;
	export = SqliteClient;
}

declare module "knex/lib/dialects/sqlite3/execution/sqlite-transaction.js" {
	const SqliteTransaction: any;
	export = SqliteTransaction;
}

declare module "knex/lib/dialects/sqlite3/schema/ddl.js" {
	const SqliteDdl: any;
	export = SqliteDdl;
}
