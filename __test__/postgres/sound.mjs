// Invariants of the tables of a database, whatever was done to it.

import { expect } from "vitest";

/** Faults of rows of keys, each a statement that finds none in a sound database. */
const FAULTS = {
	"keys with several rows": `
		SELECT community_id, key FROM __rootapp_kv GROUP BY community_id, key HAVING count(*) > 1`,
	"several rows in one place of the order": `
		SELECT __rootcellar_order FROM __rootapp_kv GROUP BY __rootcellar_order HAVING count(*) > 1`,
	"places that no number of the sequence has given": `
		SELECT key FROM __rootapp_kv, __rootcellar_seq AS s
		WHERE __rootcellar_order < 65536 OR __rootcellar_order >= (s.last_value + 1) * 65536`,
	"values that are not JSON": "SELECT key FROM __rootapp_kv WHERE (value IS JSON) IS NOT TRUE",
	"keys and communities that are too long": `
		SELECT key FROM __rootapp_kv WHERE octet_length(key) > 2000 OR octet_length(community_id) NOT BETWEEN 1 AND 500`,
	"writers that are none": `
		SELECT id FROM __rootcellar_writers
		WHERE id !~ '^[0-9a-f]{32}$' OR epoch < 1 OR batch < 0 OR used_at > clock_timestamp()`,
	"indexes that are not valid": `
		SELECT indexrelid::regclass FROM pg_index WHERE indrelid = '__rootapp_kv'::regclass AND NOT (indisvalid AND indisready)`,
};

/** Every index has every row of the table, in its order, and a unique one has each once. */
const INDEXES = `
	SELECT bt_index_check(index => c.oid, heapallindexed => true, checkunique => i.indisunique)
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
	WHERE i.indrelid IN ('__rootapp_kv'::regclass, '__rootcellar_writers'::regclass)`;

/**
 * Nothing is wrong with the tables of a database.
 *
 * @param {(text: string) => Promise<any[]>} query of a superuser
 */
export async function expectSoundDatabase(query) {
	// The rows themselves, and not what an index has of them.
	await query("SET enable_indexscan = off");
	await query("SET enable_indexonlyscan = off");
	await query("SET enable_bitmapscan = off");
	for (const [fault, text] of Object.entries(FAULTS)) expect(await query(text), fault).toEqual([]);
	await query("CREATE EXTENSION IF NOT EXISTS amcheck");
	await query(INDEXES);
}
