// An error names the functions that wait for the call: its stack has their frames, as if it were thrown where they call.
// Vitest, which maps the frames to sources, leaves out the word "async" that Node puts before their names.

import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { rejection } from "../helpers/errors.mjs";
import { temporaryStore } from "../helpers/store.mjs";

/** Calls that fail after they were issued, each with what it fails for. */
const FAILURES = {
	"run, a statement that SQLite cannot compile": ({ sqlite }) => sqlite.run("SELEC 1"),
	"run, a constraint": ({ sqlite }) => sqlite.run("INSERT INTO t VALUES (1)"),
	"run, parameters": ({ sqlite }) => sqlite.run("INSERT INTO t VALUES (?)", []),
	get: ({ sqlite }) => sqlite.get("SELECT nothing FROM t"),
	all: ({ sqlite }) => sqlite.all("SELECT nothing FROM t"),
	"all, an integer that no number holds": ({ sqlite }) => sqlite.all("SELECT 9007199254740993"),
	"all, too many rows": ({ sqlite }) => sqlite.all("SELECT 1 UNION ALL SELECT 2", [], { maxRows: 1 }),
	sql: ({ sqlite }) => sqlite.sql`SELECT nothing FROM t`,
	exec: ({ sqlite }) => sqlite.exec("SELECT 1; SELECT nothing"),
	batch: ({ sqlite }) => sqlite.batch([{ sql: "SELECT 1" }, { sql: "SELECT nothing" }]),
	prepare: ({ sqlite }) => sqlite.prepare("SELECT nothing"),
	"iterate, by a loop": async ({ sqlite }) => {
		for await (const _ of sqlite.iterate("SELECT nothing")) throw new Error("there is no row");
	},
	"iterate, by hand": ({ sqlite }) => sqlite.iterate("SELECT nothing").next(),
	"a statement of a transaction": ({ sqlite }) => sqlite.transaction((tx) => tx.run("SELEC 1")),
	"a transaction that cannot be committed": ({ sqlite }) =>
		sqlite.transaction(async (tx) => {
			await tx.run("PRAGMA defer_foreign_keys = ON");
			await tx.run("INSERT INTO child VALUES (99)");
		}),
	"a transaction that takes too long": ({ sqlite }) =>
		sqlite.transaction(() => new Promise(() => {}), { timeoutMs: 1 }),
	"a statement that is aborted": ({ sqlite }) =>
		sqlite.all("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", [], {
			signal: AbortSignal.timeout(20),
		}),
	migrate: ({ sqlite }) => sqlite.migrate([{ name: "1_a.sql", sql: "SELEC 1" }]),
	"get of a key that holds no JSON": ({ appData }) => appData.get("not json"),
	"update of a key that holds no JSON": ({ appData }) => appData.update("not json", () => 1),
	"update without a result": ({ appData }) => appData.update("fresh", () => undefined),
	"select of a key that holds no JSON": ({ appData }) => appData.select("not json"),
};

async function storeWithTables() {
	const store = temporaryStore();
	await store.sqlite.exec(
		"CREATE TABLE t (n UNIQUE); INSERT INTO t VALUES (1); CREATE TABLE parent (id INTEGER PRIMARY KEY);" +
			"CREATE TABLE child (id REFERENCES parent); INSERT INTO __rootapp_kv (key, value) VALUES ('not json', 'x')",
	);
	return store;
}

describe.each(Object.entries(FAILURES))("%s", (_, fail) => {
	test("the stack names the functions that wait, from the inside out", async () => {
		const store = await storeWithTables();
		async function addPlayer() {
			await fail(store);
		}
		async function onCommand() {
			const added = await addPlayer();
			return added;
		}
		const { stack } = await rejection(onCommand);
		expect(stack).toMatch(/at (async )?addPlayer[\s\S]*at (async )?onCommand/);
		expect(stack).toContain("callers.test.mjs");
	});
});

test("calls that are awaited together name who awaits them", async () => {
	const { sqlite } = await storeWithTables();
	async function addAll() {
		await Promise.all([sqlite.run("SELECT 1"), sqlite.run("SELEC 1")]);
	}
	expect((await rejection(addAll)).stack).toMatch(/at (async )?(Promise|Function)\.all [\s\S]*at (async )?addAll/);
});

test("an error that nobody awaits in an async function keeps its own stack", async () => {
	const { sqlite } = await storeWithTables();
	const error = await new Promise((resolve) => {
		sqlite.run("SELEC 1").then(undefined, resolve);
	});
	expect(error.stack).toMatch(/^\w*Error: .*\n {4}at /);
});

test("what the bot's own functions throw is passed on as it is", async () => {
	const { sqlite, appData } = temporaryStore();
	const thrown = new Error("on purpose");
	const { stack } = thrown;
	const fail = () => {
		throw thrown;
	};
	for (const call of [() => sqlite.transaction(fail), () => appData.update("a", fail)]) {
		expect(await rejection(call)).toBe(thrown);
		expect(thrown.stack).toBe(stack);
	}
});

test("the message, the code and the place are what they were", async () => {
	const { sqlite } = await storeWithTables();
	const error = await rejection(() => sqlite.run("SELEC 1"));
	expect(error).toMatchObject({ name: "RootcellarError", code: "SQLITE_ERROR", position: 0 });
	expect(error.stack.startsWith(`RootcellarError: ${error.message}\n`)).toBe(true);
	expect(Object.keys(error).sort()).toEqual(["code", "name", "position"]);
});

test("operations that reject do so in the order in which they were called", async () => {
	const { sqlite, appData } = await storeWithTables();
	const order = [];
	const note = (n) => () => order.push(n);
	const calls = Array.from({ length: 60 }, (_, n) =>
		n % 3 === 0
			? sqlite.run("SELEC 1")
			: n % 3 === 1
				? sqlite.run("INSERT INTO t VALUES (1)")
				: appData.update("a", () => {}),
	);
	await Promise.all(calls.map((call, n) => call.catch(note(n))));
	expect(order).toEqual([...order].sort((a, b) => a - b));
	expect(order).toHaveLength(60);
});

test("a store that cannot be opened names the caller of the operation", async () => {
	const store = openDataStore({ filename: "/nowhere/at/all.sqlite3", backup: false });
	async function visit() {
		await store.appData.get("a");
	}
	expect((await rejection(visit)).stack).toMatch(/at (async )?visit/);
});

describe("a batch says which of its statements failed", () => {
	const GOOD = { sql: "INSERT INTO t VALUES (?)", params: [7] };

	const BAD = {
		"a syntax error": { sql: "SELEC 1" },
		"a missing table": { sql: "SELECT * FROM nowhere" },
		"a constraint": { sql: "INSERT INTO t VALUES (1)" },
		"a foreign key": { sql: "INSERT INTO child VALUES (99)" },
		"a parameter too few": { sql: "SELECT ?", params: [] },
		"a name that it does not have": { sql: "SELECT :a", params: { b: 1 } },
		"two statements": { sql: "SELECT 1; SELECT 2" },
		"an integer that no number holds": { sql: "SELECT 9007199254740993" },
		"what may not run": { sql: "PRAGMA journal_mode = DELETE" },
		"what cannot run within a batch": { sql: "VACUUM" },
	};

	test.each(Object.entries(BAD))("%s", async (_, bad) => {
		const { sqlite } = await storeWithTables();
		for (const place of [0, 2, 5]) {
			const statements = Array.from({ length: 6 }, (_, n) => (n === place ? bad : { sql: "SELECT 1" }));
			const inTransaction = (list) => sqlite.transaction((tx) => tx.batch(list));
			for (const run of [sqlite.batch, inTransaction]) {
				const error = await rejection(() => run(statements));
				expect(error.statementIndex, error.message).toBe(place);
				expect(error.message).toContain(`statements[${place}]`);
				if (error.code === "ERR_INVALID_ARGUMENT") expect(error.argument).toMatch(`statements[${place}].`);
			}
		}
		if (bad.sql !== "VACUUM") expect((await rejection(() => sqlite.batch([bad]))).statementIndex).toBe(0);
	});

	test("and an error of the whole has none", async () => {
		const { sqlite } = await storeWithTables();
		const deferred = [
			{ sql: "CREATE TABLE late (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)" },
			{ sql: "INSERT INTO late VALUES (99)" },
		];
		const error = await rejection(() => sqlite.batch(deferred));
		expect(error.code).toBe("SQLITE_CONSTRAINT_FOREIGNKEY");
		expect(error).not.toHaveProperty("statementIndex");
		expect(await sqlite.all("SELECT * FROM sqlite_schema WHERE name = 'late'")).toEqual([]);
	});

	test("an argument that cannot be used has its index, too", async () => {
		const { sqlite } = await storeWithTables();
		const error = await rejection(() => sqlite.batch([GOOD, { sql: "SELECT ?", params: [undefined] }]));
		expect(error).toMatchObject({ argument: "statements[1].params[0]", statementIndex: 1 });
	});
});

test("operations that one failure ends have an error each, with the stack of their own caller", async () => {
	const { appData, kv, sqlite } = openDataStore({ filename: "/" });
	async function first() {
		await appData.get("k");
	}
	async function second() {
		await appData.set({ key: "k", value: 1 });
	}
	async function third() {
		await sqlite.get("SELECT 1");
	}
	async function fourth() {
		await kv.getMany(["k"]);
	}
	const callers = [first, second, third, fourth];
	const errors = await Promise.all(callers.map((caller) => rejection(caller)));
	expect(new Set(errors).size).toBe(callers.length);
	for (const [index, error] of errors.entries()) {
		expect(error).toMatchObject({ name: "RootcellarError", code: errors[0].code, message: errors[0].message });
		const named = callers.filter(({ name }) => error.stack.includes(name));
		expect(named, error.stack).toEqual([callers[index]]);
	}
});
