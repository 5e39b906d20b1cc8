// The check that other tests end with finds what it is there for.

import { expect, test } from "vitest";
import { temporaryDatabase } from "../helpers/postgres.mjs";
import { expectSoundDatabase } from "./sound.mjs";
import { storeOn } from "./store.mjs";

const HARMS = {
	"keys with several rows": [
		"DROP INDEX __rootcellar_key",
		"INSERT INTO __rootapp_kv (key, value) SELECT key, value FROM __rootapp_kv LIMIT 1",
	],
	"several rows in one place": [
		"UPDATE __rootapp_kv SET __rootcellar_order = (SELECT min(__rootcellar_order) FROM __rootapp_kv)",
	],
	"places that no number": ["UPDATE __rootapp_kv SET __rootcellar_order = __rootcellar_order + 1000000000"],
	"values that are not JSON": ["UPDATE __rootapp_kv SET value = '{half' WHERE key = 'a'"],
	"too long": ["UPDATE __rootapp_kv SET community_id = '' WHERE key = 'a'"],
	"writers that are none": ["UPDATE __rootcellar_writers SET epoch = 0"],
	"indexes that are not valid": [
		"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '__rootcellar_expiry'::regclass",
	],
};

test.each(Object.entries(HARMS))("it finds %s, and nothing before", async (fault, harms) => {
	const { config, server, name } = await temporaryDatabase();
	await storeOn(config).appData.set([
		{ key: "a", value: 1 },
		{ key: "b", value: 2, communityId: "one" },
	]);
	const client = await server.connect(name);
	try {
		const query = async (text) => (await client.query(text)).rows;
		await expectSoundDatabase(query);
		for (const harm of harms) await query(harm);
		await expect(expectSoundDatabase(query)).rejects.toThrow(fault);
	} finally {
		await client.end();
	}
});
