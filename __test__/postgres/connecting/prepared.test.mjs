// Statements that are prepared: a lone get and a lone batch of sets, where no pooler stands before the server.

import { expect, test } from "vitest";
import { temporaryDatabase } from "../../helpers/postgres.mjs";
import { startRelay } from "../servers/relay.mjs";
import { storeOn, withFields } from "../store.mjs";

const PREPARED = "SELECT count(*)::int AS n FROM pg_prepared_statements";

/** The statements that the writer's connection has prepared, once it has written some keys one after another. */
async function preparedBy({ appData, transaction }) {
	for (let n = 0; n < 8; n++) {
		await appData.set({ key: "k", value: n });
		expect(await appData.get("k")).toBe(n);
		expect(await appData.get("none")).toBe(undefined);
	}
	await appData.delete("k");
	expect(await appData.get("k")).toBe(undefined);
	return transaction(async (tx) => (await tx.query(PREPARED)).rows[0].n);
}

/**
 * Something before the server that refuses to take options for a connection, as poolers do; which closes with the code that
 * pgbouncer has for that. Counts the connections, and the statements that were prepared under a name.
 */
async function startPooler(server) {
	const seen = { refused: 0, taken: 0, prepared: 0 };
	const fields = await startRelay(server, (text, client) => {
		const isStartup = text.includes("user\0") && text.includes("database\0");
		if (isStartup && text.includes("options\0")) {
			seen.refused++;
			const told = Buffer.from("SFATAL\0C08P01\0Munsupported startup parameter: options\0\0");
			const head = Buffer.alloc(5, "E");
			head.writeInt32BE(told.length + 4, 1);
			client.end(Buffer.concat([head, told]));
			return undefined;
		}
		if (isStartup) seen.taken++;
		seen.prepared += [...text.matchAll(/P.{4}s\d+\0/gs)].length;
		return text;
	});
	return { fields, seen };
}

test("what is run again and again is prepared once", async () => {
	const { config } = await temporaryDatabase();
	// One for sets, one for the delete.
	expect(await preparedBy(storeOn(config))).toBe(2);
});

test("nothing is prepared where something before the server refuses what marks a connection, and that is asked once", async () => {
	const { server, config } = await temporaryDatabase();
	const { fields, seen } = await startPooler(server);
	expect(await preparedBy(storeOn(withFields(config, fields)))).toBe(0);
	expect(seen).toEqual({ refused: 1, taken: 2, prepared: 0 });
});

test("a statement that the server has forgotten, or whose table has changed, is sent with its text", async () => {
	const database = await temporaryDatabase();
	const store = storeOn(database.config);
	const { appData, transaction } = store;
	expect(await preparedBy(store)).toBe(2);
	await transaction((tx) => tx.query("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"));
	await appData.set({ key: "k", value: "kept" });
	await database.query("ALTER TABLE __rootapp_kv ALTER value TYPE varchar");
	expect(await appData.get("k")).toBe("kept");
	expect(await preparedBy(store)).toBe(0);
});

test("a get that is prepared for the first time is not overtaken by a read behind it", async () => {
	const database = await temporaryDatabase();
	let sent = "";
	const see = (text) => {
		sent += text;
		return text;
	};
	const { appData, kv } = storeOn(withFields(database.config, await startRelay(database.server, see)));
	await kv.count({ prefix: "" });
	expect(await Promise.all([appData.get("a"), kv.getMany(["b", "c"])])).toEqual([undefined, [undefined, undefined]]);
	const whole = sent.search(/P.{4}\0SELECT value [^\0]* AND key = \$1/s);
	expect(whole).toBeGreaterThan(0);
	expect(sent.indexOf("key = ANY($1)")).toBeGreaterThan(whole);
});
