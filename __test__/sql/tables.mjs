// Stores with a table to try SQL on.

import { temporaryFile, temporaryStore } from "../helpers/store.mjs";

/** A new store with the table `t(id, a, b)` and `n` rows in it, `a` the text `row <id>`. */
export async function storeWithRows(n = 0, filename = temporaryFile()) {
	const store = temporaryStore(filename);
	await store.sqlite.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b)");
	if (n > 0) await store.sqlite.run(`${numbers(n)} INSERT INTO t (a, b) SELECT 'row ' || i, i FROM numbers`);
	return store;
}

/** A common table expression `numbers(i)` with 1 to `n`; endless without `n`. */
export function numbers(n) {
	const until = n === undefined ? "" : ` WHERE i < ${n}`;
	return `WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers${until})`;
}

/** A read that never ends. */
export const ENDLESS = `${numbers()} SELECT count(*) FROM numbers`;

/** The values of `a` in `t`, in the order of the ids. */
export async function valuesOf(sqlite) {
	const rows = await sqlite.all("SELECT a FROM t ORDER BY id");
	return rows.map(({ a }) => a);
}
