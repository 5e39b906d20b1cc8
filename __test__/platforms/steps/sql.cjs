"use strict";

const assert = require("node:assert/strict");
const { mkdirSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

module.exports = {
	async "SQL: statements, cursors, functions and errors"({ openDataStore, folder }) {
		const { sqlite, close } = openDataStore({ filename: join(folder(), "bot.sqlite3"), backup: false });
		await sqlite.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b)");
		const { changes } = await sqlite.run(
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, hex(randomblob(40)) FROM n",
		);
		assert.equal(changes, 20_000);
		let rows = 0;
		for await (const _ of sqlite.iterate("SELECT b FROM t ORDER BY b")) rows++;
		assert.equal(rows, 20_000);
		assert.deepEqual(await sqlite.get("SELECT sqrt(?) AS root, median(a) AS middle FROM t WHERE a < 4", [9]), {
			root: 3,
			middle: 2,
		});
		assert.deepEqual(await sqlite.get("SELECT ? AS large", [2n ** 60n], { bigint: true }), { large: 2n ** 60n });
		await assert.rejects(sqlite.run("INSERT INTO t VALUES (1, 1)"), { code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
		await close();
	},

	async "transactions, of rows and keys"({ openDataStore, folder }) {
		const store = openDataStore({ filename: join(folder(), "bot.sqlite3"), backup: false });
		const { sqlite, appData } = store;
		await sqlite.exec("CREATE TABLE t (a)");
		const both = (fails) =>
			sqlite.transaction(async (tx) => {
				await tx.run("INSERT INTO t VALUES (1)");
				await tx.appData.update("n", (n) => n + 1, 0);
				if (fails) throw new Error("the bot's own");
			});
		await both(false);
		await assert.rejects(both(true), /the bot's own/);
		assert.equal(await appData.get("n"), 1);
		assert.deepEqual(await sqlite.all("SELECT count(*) AS n FROM t"), [{ n: 1 }]);
		await store.close();
	},

	async "migrations, whose files end their lines as on Windows"({ openDataStore, folder }) {
		const place = folder();
		const migrations = join(place, "migrations");
		mkdirSync(migrations);
		const script = (end) => ["-- the first", "CREATE TABLE t (a);", "INSERT INTO t VALUES ('x');", ""].join(end);
		const names = async (store) => (await store.sqlite.all("SELECT a FROM t")).map(({ a }) => a);
		for (const end of ["\r\n", "\n"]) {
			writeFileSync(join(migrations, "0001_first.sql"), script(end));
			const store = openDataStore({ filename: join(place, "bot.sqlite3"), backup: false });
			// Other ends of lines, as Git makes them, are no other migration.
			await store.sqlite.migrate(migrations);
			assert.deepEqual(await names(store), ["x"]);
			await store.close();
		}
	},
};
