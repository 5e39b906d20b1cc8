// Servers that let an operation down while a store is open: each is a clear error in time, and then the store goes on.

import { readFileSync } from "node:fs";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { startPostgres, temporaryDatabase } from "../../helpers/postgres.mjs";
import { until } from "../../helpers/time.mjs";
import { makeSdkTable, sdkRows } from "../sdk-table.mjs";
import { storeOn, withFields } from "../store.mjs";

const write = ({ appData }, key = "k", value = 1) => appData.set({ key, value });

/** Processes of a server that serve connections, and the first of all. */
function processesOf({ pid }) {
	const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
	return [pid, ...children];
}

function signalAll(server, signal) {
	for (const pid of processesOf(server)) {
		try {
			process.kill(pid, signal);
		} catch {
			// It has ended by itself.
		}
	}
}

test.runIf(process.platform === "linux")(
	"a server that stops answering within a batch: a write says that its outcome is unknown, a read that there is no server, and both go on with it",
	async () => {
		const server = await startPostgres();
		const name = await server.createDatabase();
		const store = storeOn(server.config(name, { timeoutMs: 5_000 }));
		await write(store);
		signalAll(server, "SIGSTOP");
		try {
			const [written, read] = await Promise.all([
				rejection(() => write(store, "k", 2)),
				rejection(() => store.kv.count()),
			]);
			expect(written).toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
			expect(read).toMatchObject({ code: "ERR_NO_SERVER" });
			// It depends on what is there, which could not be read: nothing was sent that changes anything.
			expect(await rejection(() => store.kv.increment("n"))).toMatchObject({ code: "ERR_NO_SERVER" });
		} finally {
			signalAll(server, "SIGCONT");
		}
		const works = (operation) =>
			operation().then(
				() => true,
				() => false,
			);
		await until(() => works(() => store.kv.increment("n")), "the server");
		expect([1, 2]).toContain(await store.appData.get("k"));
		expect(await store.kv.increment("n", 0)).toBeGreaterThan(0);
	},
);

test("a server without a connection left says so, and lets the store in when there is one", async () => {
	const server = await startPostgres({ settings: { max_connections: "6", superuser_reserved_connections: "1" } });
	const name = await server.createDatabase();
	await server.query("CREATE ROLE bot LOGIN PASSWORD 'p'");
	await server.query(`ALTER DATABASE "${name}" OWNER TO bot`);
	const others = await Promise.all(
		Array.from({ length: 4 }, () => server.connect(name, { user: "bot", password: "p" })),
	);
	const store = storeOn(server.config(name, { username: "bot", password: "p", timeoutMs: 5_000 }));
	const error = await rejection(() => write(store));
	expect(error).toMatchObject({ code: "ERR_NO_SERVER" });
	expect(error.message).toContain("SQLSTATE 53300");
	expect(error.message).toContain("pg.host of DATABASE_CONFIG");
	await Promise.all(others.map((client) => client.end()));
	await until(
		() =>
			write(store).then(
				() => true,
				() => false,
			),
		"a connection",
	);
});

test("a database that is set to read only while the store is open says so, and is written again when it is not", async () => {
	const { config, server, name } = await temporaryDatabase();
	const store = storeOn(withFields(config, { timeoutMs: 5_000 }));
	await write(store);
	await server.query(`ALTER DATABASE "${name}" SET default_transaction_read_only = on`);
	await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
	// A write that was sent on a connection that had ended may have been carried out.
	const { code } = await rejection(() => write(store));
	expect(["ERR_NO_SERVER", "ERR_OUTCOME_UNKNOWN"]).toContain(code);
	const error = await rejection(() => write(store));
	expect(error).toMatchObject({ code: "ERR_NO_SERVER" });
	expect(error.message).toContain("default_transaction_read_only");
	await server.query(`ALTER DATABASE "${name}" RESET default_transaction_read_only`);
	await write(store);
});

describe("tables that somebody changes while a store is open", () => {
	/** Codes of the errors of operations that are called at once. */
	async function refusalsOf(store) {
		const operations = [
			...Array.from({ length: 50 }, (_, n) => () => write(store, `k${n}`)),
			() => store.kv.increment("n"),
			() => store.appData.get("k"),
			() => store.appData.select("%"),
			() => store.kv.count(),
		];
		const outcomes = await Promise.allSettled(operations.map((operation) => operation()));
		return outcomes.map(({ reason }) => `${reason?.code} ${reason?.sqlState ?? ""}`);
	}

	test("one that is dropped is a clear error of every operation, and is used again when it is there", async () => {
		const { config, query } = await temporaryDatabase();
		const store = storeOn(config);
		await write(store);
		await query("ALTER TABLE __rootapp_kv RENAME TO moved");
		const error = await rejection(() => write(store));
		expect(error.message).toContain('"__rootapp_kv" does not exist');
		expect(new Set(await refusalsOf(store))).toEqual(new Set(["ERR_POSTGRES 42P01"]));
		await query("ALTER TABLE moved RENAME TO __rootapp_kv");
		expect(await store.kv.increment("k")).toBe(2);
	});

	test("a column of another type is a clear error", async () => {
		const { config, query } = await temporaryDatabase();
		const store = storeOn(config);
		await write(store);
		await query("ALTER TABLE __rootapp_kv ALTER value TYPE jsonb USING value::jsonb");
		const codes = await refusalsOf(store);
		expect(new Set(codes.slice(0, 50))).toEqual(new Set(["ERR_POSTGRES 42804"]));
		const error = await rejection(() => store.appData.get("k"));
		expect(error).toMatchObject({ code: "ERR_SERVER_UNSUPPORTED" });
		expect(error.message).toContain("another type");
		await query("ALTER TABLE __rootapp_kv ALTER value TYPE text");
		expect(await store.kv.increment("k")).toBe(2);
	});

	test("one value that a constraint refuses rejects alone", async () => {
		const { config, query } = await temporaryDatabase();
		const store = storeOn(config);
		await write(store);
		await query("ALTER TABLE __rootapp_kv ADD CHECK (key <> 'k7')");
		const refusals = await refusalsOf(store);
		const refused = refusals.flatMap((told, index) => (told === "undefined " ? [] : [[index, told]]));
		expect(refused).toEqual([[7, "ERR_POSTGRES 23514"]]);
		expect(await store.kv.count()).toBe(51);
	});
});

test("a limit of the role for statements rejects what takes longer, and the rest of a batch is written", async () => {
	const { config, server, name, query } = await temporaryDatabase();
	const store = storeOn(config);
	await write(store);
	await query(`
		CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN IF NEW.key = 'slow' THEN PERFORM pg_sleep(30); END IF; RETURN NEW; END $$`);
	await query("CREATE TRIGGER slow BEFORE INSERT ON __rootapp_kv FOR EACH ROW EXECUTE FUNCTION slow()");
	await server.query(`ALTER DATABASE "${name}" SET statement_timeout = '5s'`);
	await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
	const keys = ["a", "slow", "b", "c"];
	const outcomes = await Promise.allSettled(keys.map((key) => write(store, key)));
	expect(outcomes.map(({ reason }) => reason?.sqlState)).toEqual([undefined, "57014", undefined, undefined]);
	expect(await store.kv.getMany(keys)).toEqual([1, undefined, 1, 1]);
});

test("a write waits for the disk also where the database says that it need not", async () => {
	const { config, server, name, query } = await temporaryDatabase();
	await server.query(`ALTER DATABASE "${name}" SET synchronous_commit = off`);
	const store = storeOn(config);
	await write(store);
	await query("CREATE TABLE seen (what text, waits text)");
	// The ledger's entry is the last that each transaction does before it commits.
	await query(`
		CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO seen VALUES (TG_OP, current_setting('synchronous_commit')); RETURN NULL; END $$`);
	await query(`
		CREATE CONSTRAINT TRIGGER see AFTER INSERT OR UPDATE ON __rootcellar_writers DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION see()`);
	await write(store, "set");
	await store.kv.increment("increment");
	await store.transaction((tx) => write(tx, "transaction"));
	await write(storeOn(config), "another");
	expect(await query("SELECT * FROM seen")).toEqual(
		["UPDATE", "UPDATE", "UPDATE", "INSERT", "UPDATE"].map((what) => ({ what, waits: "on" })),
	);
});

test("what is called after a select waits for it, and has its own time when that took too long", async () => {
	const { config, server, name } = await temporaryDatabase();
	const store = storeOn(withFields(config, { timeoutMs: 3_000 }));
	await write(store);
	const holder = await server.connect(name);
	try {
		await holder.query("BEGIN; LOCK TABLE __rootapp_kv; UPDATE __rootapp_kv SET value = '2' WHERE key = 'k'");
		const selected = store.appData.select("%").catch((error) => error);
		const waits = "SELECT FROM pg_locks WHERE mode = 'AccessShareLock' AND NOT granted";
		await until(async () => (await holder.query(waits)).rowCount > 0, "the select");
		const behind = Promise.all([store.appData.get("k"), write(store, "behind")]);
		expect(await selected).toMatchObject({ code: "ERR_NO_SERVER" });
		await holder.query("COMMIT");
		expect(await behind).toEqual([2, undefined]);
	} finally {
		await holder.end();
	}
});

test("a table that others use is adopted when they let it go, and nobody waits behind that for long", async () => {
	const { config, query, server, name } = await temporaryDatabase();
	await makeSdkTable(query, sdkRows);
	const holder = new pg.Client({
		host: server.host,
		port: server.port,
		user: server.username,
		password: server.password,
		database: name,
	});
	await holder.connect();
	try {
		await holder.query("BEGIN; LOCK TABLE __rootapp_kv IN ACCESS SHARE MODE");
		const read = storeOn(config).appData.get("b");
		const waits = "SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted";
		await until(async () => (await query(waits)).length > 0, "the adoption");
		// It waits behind the adoption, which waits for the holder.
		expect(await query("SELECT count(*)::int AS n FROM __rootapp_kv")).toEqual([{ n: sdkRows.length }]);
		await holder.query("COMMIT");
		expect(await read).toBe("newest");
	} finally {
		await holder.end();
	}
});
