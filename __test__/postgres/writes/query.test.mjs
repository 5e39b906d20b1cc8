// `tx.query`: what it refuses, what it leaves to the connection, and the values that go and come.

import { expect, test } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { temporaryDatabase } from "../../helpers/postgres.mjs";
import { startRelay } from "../servers/relay.mjs";
import { storeOn, withFields } from "../store.mjs";

test("what would end the transaction, or stay with the connection, is refused wherever the server finds it", async () => {
	const { config } = await temporaryDatabase();
	const store = storeOn(config);
	const ends = ["COMMIT", "/* x */ rollback", ";COMMIT", " ;;\n; COMMIT", "--a\rCOMMIT", "--\n;/* /* */ */ ROLLBACK"];
	const others = [
		"\fEND",
		"\vABORT",
		"BEGIN",
		"SAVEPOINT one",
		"RELEASE one",
		"PREPARE TRANSACTION 'x'",
		";SET a.b = 1",
	];
	const stay = ["RESET ALL", "DISCARD ALL", "DEALLOCATE ALL", "LISTEN x", "UNLISTEN *", "LOAD 'x'"];
	for (const text of [...ends, ...others, ...stay, "COPY __rootapp_kv TO STDOUT", "COPY __rootapp_kv FROM STDIN"]) {
		const transaction = store.transaction(async (tx) => {
			await tx.kv.increment("gold", 5);
			expect(await rejection(() => tx.query(text)), text).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
			expect((await tx.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
			throw new Error("not to be kept");
		});
		await expect(transaction, text).rejects.toThrow("not to be kept");
	}
	// Words only for those who take other characters for white space, and what the server itself refuses in a transaction.
	for (const text of ["\u{feff}COMMIT", "\u{a0}COMMIT", "(COMMIT)", "DO $$ BEGIN COMMIT; END $$", "SELECT 1; COMMIT"]) {
		await store.transaction(async (tx) => {
			expect(await rejection(() => tx.query(text)), text).toMatchObject({ code: "ERR_POSTGRES" });
		});
	}
	await store.transaction(async (tx) => {
		for (const text of ["", ";", "-- COMMIT", "NOTIFY x", "LOCK TABLE __rootapp_kv IN SHARE MODE"]) {
			expect(await tx.query(text), text).toEqual({ rows: [], rowCount: 0 });
		}
		await tx.query("DECLARE c CURSOR FOR SELECT generate_series(1, 5) AS n");
		expect((await tx.query("FETCH 2 FROM c")).rows).toEqual([{ n: 1 }, { n: 2 }]);
	});
	expect(await store.kv.has("gold")).toBe(false);
});

test.each(["COMMIT", "ROLLBACK", "COMMIT AND CHAIN"])("a %s that nobody has refused is found out", async (text) => {
	const database = await temporaryDatabase();
	const shown = "SELECT 'not COMMIT'";
	const relay = await startRelay(database.server, (sent) => sent.replace(shown, text.padEnd(shown.length)));
	const store = storeOn(withFields(database.config, relay));
	const transaction = store.transaction(async (tx) => {
		await tx.appData.set({ key: "a", value: 1 });
		const error = await rejection(() => tx.query(shown));
		expect(error).toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
		expect(error.message).toContain("has ended the transaction");
		await rejection(() => tx.appData.set({ key: "b", value: 1 }));
	});
	await expect(transaction).rejects.toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
	expect(await store.kv.getMany(["a", "b"])).toEqual([text === "ROLLBACK" ? undefined : 1, undefined]);
	await store.appData.set({ key: "c", value: 1 });
});

test.each([true, false])(
	"what statements leave to the connection ends with the transaction (committed: %s)",
	async (isCommitted) => {
		const database = await temporaryDatabase();
		const [store, other] = [storeOn(database.config), storeOn(database.config)];
		const ended = store.transaction(async (tx) => {
			await tx.query("SELECT set_config('synchronous_commit', 'off', false)");
			await tx.query("SELECT pg_advisory_lock(7)::text");
			await tx.query("CREATE TEMP TABLE __rootapp_kv (key text)");
			await tx.query("DECLARE c CURSOR WITH HOLD FOR SELECT 1");
			if (!isCommitted) throw new Error("no");
		});
		await (isCommitted ? ended : expect(ended).rejects.toThrow("no"));
		await store.appData.set({ key: "a", value: 1 });
		expect(await other.appData.get("a")).toBe(1);
		await store.transaction(async (tx) => {
			const left =
				"SELECT current_setting('synchronous_commit') AS durable, " +
				"(SELECT count(*)::int FROM pg_cursors WHERE name = 'c') AS cursors, to_regclass('pg_temp.__rootapp_kv')::text AS temporary";
			const { rows } = await tx.query(left);
			expect(rows).toEqual([{ durable: "on", cursors: 0, temporary: null }]);
		});
		await other.transaction(async (tx) => {
			expect((await tx.query("SELECT pg_try_advisory_lock(7) AS free")).rows).toEqual([{ free: true }]);
		});
	},
);

test("a wrong number of parameters is an error of the statement, and the transaction goes on", async () => {
	const { config } = await temporaryDatabase();
	const store = storeOn(config);
	const wrong = [
		["SELECT $1::int", [], "must have 1 value for this statement, not 0"],
		["SELECT 1 WHERE $1 = 'x'", undefined, "must have 1 value for this statement, not 0"],
		["UPDATE __rootapp_kv SET value = $1 WHERE key = $2", ["1"], "must have 2 values for this statement, not 1"],
		["SELECT $1::text", ["a", "b"], "must have 1 value for this statement, not 2"],
		["SELECT '$9', $1::int", [], "must have 1 value for this statement, not 0"],
		["SELECT 1", [1], "must have 0 values for this statement, not 1"],
		["SELECT $1::text", new Array(70_000).fill(1), "must have 1 value for this statement, not 70000"],
		["SELECT $70000::text", new Array(70_000).fill(1), "must have 65535 values for this statement, not 70000"],
	];
	await store.transaction(async (tx) => {
		await tx.appData.set({ key: "a", value: 1 });
		for (const [text, params, problem] of wrong) {
			const error = await rejection(() => tx.query(text, params));
			expect(error, text).toMatchObject({ code: "ERR_INVALID_ARGUMENT", argument: "params" });
			expect(error.message).toBe(`params ${problem}`);
		}
		await rejection(() => tx.query("SELECT $2::text", ["a", "b"]));
		expect((await tx.query("SELECT $2::text AS b, $1::text AS a", ["a", "b"])).rows).toEqual([{ a: "a", b: "b" }]);
	});
	expect(await store.appData.get("a")).toBe(1);
});

test("times of every year go and come, and what no Date holds is refused", async () => {
	const { config } = await temporaryDatabase();
	const store = storeOn(config);
	await store.transaction(async (tx) => {
		const texts = ["-004712-01-01T00:00:00.000Z", "-000001-02-03T04:05:06.789Z", "0000-12-31T23:59:59.999Z"];
		for (const text of [
			...texts,
			"0001-01-01T00:00:00.000Z",
			"2026-05-05T05:05:05.005Z",
			"+275760-09-13T00:00:00.000Z",
		]) {
			const time = new Date(text);
			const { rows } = await tx.query("SELECT $1::timestamptz AS a, $1::timestamp AS b, $1::date AS c", [time]);
			const day = new Date(Math.floor(time / 86_400_000) * 86_400_000);
			expect(rows, text).toEqual([{ a: time, b: time, c: day }]);
		}
		const none = ["'infinity'::timestamptz", "'-infinity'::timestamp", "'294276-01-01'::timestamp"];
		for (const value of [...none, "'infinity'::date", "'-infinity'::date", "'5874897-12-31'::date"]) {
			expect((await rejection(() => tx.query(`SELECT ${value} AS a`))).message, value).toContain("select a::text");
		}
	});
});

test("rows are counted, also where the server does not; and what cannot be sent or held is refused", async () => {
	const { config } = await temporaryDatabase();
	const store = storeOn(config);
	await store.transaction(async (tx) => {
		for (const text of ["EXPLAIN SELECT 1", "SHOW work_mem", "VALUES (1)", "SELECT 1"]) {
			const { rows, rowCount } = await tx.query(text);
			expect([rows.length, rowCount], text).toEqual([1, 1]);
		}
		for (const params of [["\ud800"], ["a\udc00b"]]) {
			expect(await rejection(() => tx.query("SELECT $1::text", params))).toMatchObject({ argument: "params[0]" });
		}
		expect(await rejection(() => tx.query("SELECT '\ud800'"))).toMatchObject({ argument: "text" });
		const inexact = await rejection(() => tx.query("SELECT 9007199254740993 AS large"));
		expect(inexact).toMatchObject({ name: "RangeError", code: "ERR_INEXACT_INTEGER" });
		expect(inexact.message).toContain("large::text");
		expect(inexact.message).not.toContain("bigint");
	});
});

test("no message tells a value that is stored or was given, whoever makes it", async () => {
	const database = await temporaryDatabase();
	await database.query(`
		CREATE TABLE players (gold int);
		CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN RAISE EXCEPTION 'not % but %', NEW.gold, 'secret' USING ERRCODE = TG_ARGV[0]; END $$;
	`);
	const store = storeOn(database.config);
	await store.transaction(async (tx) => {
		for (const sqlState of ["P0001", "23505", "42704"]) {
			await tx.query(
				`CREATE OR REPLACE TRIGGER t BEFORE INSERT ON players FOR EACH ROW EXECUTE FUNCTION tell('${sqlState}')`,
			);
			const raised = await rejection(() => tx.query("INSERT INTO players VALUES ($1)", [471_147]));
			expect(raised).toMatchObject({ code: "ERR_POSTGRES", sqlState });
			expect(raised.message).not.toMatch(/47|secret/);
		}
		for (const [text, params] of [
			["SELECT get_byte($1::bytea, $2)", ["\\x00", 471_147]],
			["SELECT $1::int", ["secret471"]],
			["SELECT $1::numeric(3, 1)", ["471147.5"]],
			["SELECT setval('__rootcellar_seq', $1)", [-471_147]],
			["SELECT $1::text::regclass", ["secret471"]],
			["SELECT format('SELECT %s FROM', $1)::text::regprocedure", ["secret471"]],
		]) {
			expect((await rejection(() => tx.query(text, params))).message, text).not.toMatch(/47|secret/);
		}
	});
});
