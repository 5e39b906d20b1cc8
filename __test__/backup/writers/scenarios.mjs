// Changes of a file by other programs, beyond writing rows. Each is captured, and comes back to the byte.

import { readFileSync } from "node:fs";

const FILL = [
	"create table filled (id integer primary key, x)",
	"with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) insert into filled select i, randomblob(1000) from n",
];

/** By name: what is done before the first backup, and then. What needs the file for itself is `alone`. */
export const scenarios = {
	VACUUM: { then: ["delete from filled where id % 3 = 0", "vacuum"] },
	"rows deleted securely": { then: ["pragma secure_delete = on", "delete from filled where id > 100"] },
	"a table dropped, and another made": { then: ["drop table filled", "create table other (x)"] },
	"a file that shrinks": {
		before: ["pragma auto_vacuum = incremental", "vacuum"],
		then: ["delete from filled where id > 20", "pragma incremental_vacuum"],
	},
	"a file that shrinks by itself": {
		before: ["pragma auto_vacuum = full", "vacuum"],
		then: ["delete from filled where id > 20"],
	},
	"a log that is emptied": { then: ["update filled set x = randomblob(900)", "pragma wal_checkpoint(truncate)"] },
	"a log that is begun anew": {
		then: [
			"pragma wal_autocheckpoint = 0",
			"update filled set x = randomblob(900)",
			"pragma wal_checkpoint(restart)",
			"update filled set x = randomblob(800) where id < 50",
		],
	},
	"a log that is copied after each commit": {
		then: [
			"pragma wal_autocheckpoint = 1",
			"update filled set x = 1 where id < 9",
			"update filled set x = 2 where id > 9",
		],
	},
	"a transaction that is rolled back, and one that is not": {
		then: ["begin", "delete from filled", "rollback", "begin", "delete from filled where id = 7", "commit"],
	},
	"the journal mode changed and changed back": {
		alone: ["pragma journal_mode = delete", "update filled set x = 3 where id < 30", "pragma journal_mode = wal"],
		then: ["update filled set x = 4 where id > 400"],
	},
	"the journal mode left at what it was changed to": {
		alone: ["pragma journal_mode = truncate", "update filled set x = 3 where id < 30"],
		then: ["update filled set x = 4 where id > 400"],
	},
	"larger pages": {
		alone: ["pragma journal_mode = delete", "pragma page_size = 16384", "vacuum", "pragma journal_mode = wal"],
		then: ["update filled set x = 4 where id > 400"],
	},
	"smaller pages": {
		alone: ["pragma journal_mode = delete", "pragma page_size = 512", "vacuum"],
		then: ["update filled set x = 4 where id > 400"],
	},
	"a header of another program": { then: ["pragma user_version = 77", "pragma application_id = 88"] },
};

/**
 * Plays a scenario. `openStore` opens the file with backups, `openOther` in another library. Resolves with whether
 * every state that was backed up comes back to the byte.
 */
export async function play({ before = [], alone = [], then }, file, openStore, openOther) {
	const run = async (statements) => {
		const other = await openOther();
		for (const sql of statements) await other.run(sql);
		await other.close();
	};
	let store = openStore();
	await store.appData.set({ key: "k", value: 1 });
	await run([...FILL, ...before]);
	await store.backups.create();
	if (alone.length > 0) {
		await store.close();
		await run(alone);
		store = openStore();
		await store.appData.get("k");
		await store.backups.create();
	}
	await run(then);
	const { id } = await store.backups.create();
	await store.backups.restore({ id, to: `${file}.copy` });
	const value = await store.appData.get("k");
	await store.close();
	return value === 1 && readFileSync(`${file}.copy`).equals(readFileSync(file));
}
