// Settings that cannot work: a clear error of the first operation, and the next one tries again.

import { setTimeout as sleep } from "node:timers/promises";
import { RootcellarError } from "rootcellar";
import { describe, expect, test } from "vitest";
import { expectNoSecret, rejection } from "../../helpers/errors.mjs";
import { freePort } from "../../helpers/ports.mjs";
import { configure, postgres, startPostgres, storeOn, temporaryDatabase } from "../../helpers/postgres.mjs";
import { startStandby } from "../servers/standby.mjs";

/** Time for which operations here try to reach a server. */
const timeoutMs = 5_000;

/** Password that no message may show. */
const SECRET = "correct-horse:@/battery";

/** An operation that rejects with a code; its message names what is to blame, and tells nothing of what that holds. */
async function expectRefusal(operation, code, named) {
	const error = await rejection(operation);
	expect(error).toBeInstanceOf(RootcellarError);
	expect(error).toMatchObject({ code });
	for (const name of [named].flat()) expect(error.message).toContain(name);
	expectNoSecret(error, SECRET);
	expectNoSecret(error, (await postgres()).password);
	return error;
}

const write = (store) => store.appData.set({ key: "k", value: 1 });

test("no server at all; it is found when it has come", async () => {
	const server = await startPostgres();
	const name = await server.createDatabase();
	await server.shutDown();
	const store = storeOn(server.config(name, { timeoutMs }));
	await expectRefusal(() => write(store), "ERR_NO_SERVER", "pg.host of DATABASE_CONFIG");
	await server.start();
	await write(store);
	expect(await store.appData.get("k")).toBe(1);
});

test("a host that does not exist, from a variable", async () => {
	const store = storeOn('{"databaseType":"pg","pg":{"username":"u","name":"d","timeoutMs":500}}', {
		PGHOST: "no-such-host.invalid",
		PGPASSWORD: SECRET,
	});
	await expectRefusal(() => write(store), "ERR_NO_SERVER", "PGHOST");
});

test("a wrong password; it is taken when it is the right one", async () => {
	const { server, name } = await temporaryDatabase();
	await server.query("CREATE ROLE ada SUPERUSER LOGIN PASSWORD 'another'");
	const store = storeOn(server.config(name, { username: "ada", password: SECRET }));
	const error = await expectRefusal(() => write(store), "ERR_POSTGRES", "pg.password of DATABASE_CONFIG");
	expect(error.sqlState).toBe("28P01");
	await server.query(`ALTER ROLE ada PASSWORD '${SECRET}'`);
	await write(store);
	expect(await store.appData.get("k")).toBe(1);
});

test("no password where the server wants one", async () => {
	const { server, name } = await temporaryDatabase();
	const store = storeOn(server.config(name, { password: undefined, timeoutMs }));
	await expectRefusal(() => write(store), "ERR_POSTGRES", "password");
});

test("a database that does not exist; it is found when it has been made", async () => {
	const server = await postgres();
	const store = storeOn(server.config("made_later", { timeoutMs }));
	const error = await expectRefusal(() => store.appData.get("k"), "ERR_POSTGRES", "pg.name of DATABASE_CONFIG");
	expect(error.sqlState).toBe("3D000");
	await server.createDatabase("made_later");
	await write(store);
	expect(await store.appData.get("k")).toBe(1);
});

test("a host that refuses, beside one that does not answer yet: it is tried again, and what it says is told in the end", async () => {
	const server = await postgres();
	const [port, host] = [`${server.port},${await freePort()}`, `${server.host},${server.host}`];
	// Longer than it takes to make a database.
	const store = storeOn(server.config("made_meanwhile", { host, port, timeoutMs: 15_000 }));
	const error = await expectRefusal(() => write(store), "ERR_POSTGRES", "pg.name of DATABASE_CONFIG");
	expect(error.sqlState).toBe("3D000");
	const written = write(store);
	await server.createDatabase("made_meanwhile");
	await written;
});

test("no right to make the tables: the error has the script, which an owner runs", async () => {
	const { server, name, query } = await temporaryDatabase();
	await server.query(`CREATE ROLE guest LOGIN PASSWORD '${SECRET}'`);
	const store = storeOn(server.config(name, { username: "guest", password: SECRET, timeoutMs }));
	const error = await expectRefusal(() => write(store), "ERR_POSTGRES", "CREATE TABLE");
	expect(error.sqlState).toBe("42501");
	const [script] = /BEGIN;.*COMMIT;/s.exec(error.message);
	await query(script);
	await query("GRANT SELECT, INSERT, UPDATE, DELETE ON __rootapp_kv, __rootcellar_writers TO guest");
	await query("GRANT USAGE ON SEQUENCE __rootcellar_seq TO guest");
	await write(store);
	expect(await store.appData.get("k")).toBe(1);
});

test("a replica that can only be read; it is used when it is the primary", async () => {
	const primary = await startPostgres();
	const name = await primary.createDatabase();
	const standby = await startStandby(primary, "s1");
	try {
		const store = storeOn(standby.config(name, { timeoutMs }));
		await expectRefusal(() => write(store), "ERR_NO_SERVER", "pg.host of DATABASE_CONFIG");
		await expectRefusal(() => store.appData.get("k"), "ERR_NO_SERVER", "pg.host of DATABASE_CONFIG");
		await primary.kill();
		await standby.promote();
		await write(store);
		expect(await store.appData.get("k")).toBe(1);
	} finally {
		await standby.stop();
	}
});

test("a database in another encoding", async () => {
	const server = await postgres();
	await server.query("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
	const store = storeOn(server.config("latin", { timeoutMs }));
	await expectRefusal(() => write(store), "ERR_SERVER_UNSUPPORTED", "UTF8");
});

describe("a configuration that cannot be used", () => {
	test.each([
		["a parameter of a URL", { url: `postgres://u:${encodeURIComponent(SECRET)}@h/d?pool=7` }, "the parameter pool"],
		["a field of SQLite", { host: "h", username: "u", name: "d", password: SECRET, filename: "x" }, "pg.filename"],
		["a port", { host: "h", port: "x", username: "u", name: "d", password: SECRET }, "pg.port"],
	])("%s", async (_, pg, named) => {
		const { config } = await temporaryDatabase();
		const store = storeOn(JSON.stringify({ databaseType: "pg", pg }));
		await expectRefusal(() => write(store), "ERR_INVALID_CONFIG", ["DATABASE_CONFIG", named]);
		await expectRefusal(() => store.kv.count(), "ERR_INVALID_CONFIG", named);
		configure(config);
		await write(store);
		expect(await store.appData.get("k")).toBe(1);
	});

	test("sqlite3 beside pg", async () => {
		const config = { databaseType: "pg", pg: { host: "h", username: "u", name: "d" }, sqlite3: { filename: SECRET } };
		const store = storeOn(JSON.stringify(config));
		await expectRefusal(() => write(store), "ERR_INVALID_CONFIG", "the field sqlite3");
	});

	test("a variable", async () => {
		const pg = { host: "h", username: "u", name: "d" };
		const store = storeOn(JSON.stringify({ databaseType: "pg", pg }), { PGSSLMODE: SECRET });
		await expectRefusal(() => write(store), "ERR_INVALID_CONFIG", "PGSSLMODE");
	});
});

test("every operation that waits gets the error, and nothing is done when the server comes", async () => {
	const server = await startPostgres();
	const name = await server.createDatabase();
	await server.shutDown();
	const store = storeOn(server.config(name, { timeoutMs: 500 }));
	const { appData, kv } = store;
	const operations = [
		() => appData.set({ key: "a", value: 1 }),
		() => appData.get("a"),
		() => appData.update("a", (n) => n + 1, 0),
		() => appData.select("%"),
		() => appData.delete("a"),
		() => kv.increment("n"),
		() => kv.list(),
		() => kv.getMany(["a"]),
	];
	const outcomes = await Promise.allSettled(operations.map((operation) => operation()));
	expect(outcomes.map(({ reason }) => reason?.code)).toEqual(operations.map(() => "ERR_NO_SERVER"));
	await server.start();
	await sleep(300);
	// It has the usual time to connect.
	const later = storeOn(server.config(name));
	expect(await later.appData.select("%")).toEqual([]);
	expect(await later.kv.increment("n")).toBe(1);
});
