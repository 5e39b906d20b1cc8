// Random SQL around the tables of the store, by every way to run it and by another library: whatever it does, an
// acknowledged write is on disk, a read gives what is there, and the file opens again.

import { expect, test } from "vitest";
import { raw, rawConnection } from "../../helpers/raw.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const ROUNDS = rounds({ few: 2, many: 25, long: 400 });
const STEPS = 60;
const KEYS = ["x", "y", "z"];

/** A generator of numbers from 0 to `below` - 1 (mulberry32, public domain). */
function randomOf(seed) {
	let state = seed;
	return (below) => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) % below;
	};
}

/** Statements of a grammar about user's tables, the store's, and what hangs on them. */
function grammar(random) {
	const pick = (...choices) => choices[random(choices.length)];
	const quoted = (name) => pick(name, name.toUpperCase(), `"${name}"`, `[${name}]`, `\`${name}\``);
	const schema = () => pick("", "", "", "main.", "temp.", '"MAIN".');
	const key = () => pick(...KEYS);
	const mine = () => quoted(pick("t", "t", "u", "v"));
	const kv = () => quoted("__rootapp_kv");
	const own = () => quoted(pick("__rootcellar_schema", "__rootcellar_migrations", "__rootcellar_new", "__rootapp_kvx"));
	const any = () => pick(mine(), mine(), kv(), own());
	const temp = () => pick("", "", "TEMP ");
	const trigger = () => quoted(pick("r1", "r2", "r3"));
	const event = () => pick("INSERT", "UPDATE", "DELETE");
	const changeOfKeys = () =>
		pick(
			`DELETE FROM ${kv()} WHERE key = '${key()}'`,
			`UPDATE ${kv()} SET value = '"t${random(100)}"' WHERE key = '${key()}'`,
			`INSERT INTO ${kv()} (key, value) VALUES ('${key()}', '"i${random(100)}"')`,
		);
	const body = () =>
		pick(changeOfKeys(), changeOfKeys(), `INSERT INTO ${mine()} (b) VALUES (1)`, `UPDATE ${own()} SET version = 9`);
	// A trigger on keys changes other keys than the one that is written.
	const onKeys = () => {
		const [one, other] = pick(["x", "y"], ["y", "z"], ["x", "z"]);
		const what = event();
		const row = what === "DELETE" ? "old" : "new";
		return pick(
			`CREATE ${temp()}TRIGGER ${schema()}${trigger()} AFTER ${what} ON ${kv()} WHEN ${row}.key = '${one}' BEGIN DELETE FROM __rootapp_kv WHERE key = '${other}'; END`,
			`CREATE ${temp()}TRIGGER ${trigger()} BEFORE ${what} ON ${kv()} WHEN ${row}.key = '${one}' BEGIN SELECT RAISE(${pick("IGNORE", "ABORT, 'a'", "FAIL, 'f'", "ROLLBACK, 'r'")}); END`,
			`CREATE TRIGGER ${trigger()} AFTER ${what} ON ${kv()} WHEN ${row}.key = '${one}' BEGIN UPDATE __rootcellar_schema SET version = 99; END`,
		);
	};
	const statement = () =>
		pick(
			() => `INSERT INTO ${mine()} (b) VALUES (${random(9)})`,
			() => "INSERT INTO t (b) VALUES (1)",
			() => "INSERT INTO t (b) VALUES (1)",
			() => "UPDATE t SET b = b + 1",
			() => `DELETE FROM ${mine()} WHERE b > ${random(9)}`,
			changeOfKeys,
			onKeys,
			() =>
				`CREATE ${temp()}TRIGGER ${schema()}${trigger()} ${pick("AFTER", "BEFORE")} ${event()} ON ${mine()} BEGIN ${body()}; END`,
			() => `CREATE TRIGGER ${trigger()} AFTER INSERT ON t BEGIN ${body()}; END`,
			() => `DROP TRIGGER ${schema()}${trigger()}`,
			() => `CREATE ${temp()}TABLE ${schema()}${any()} (id INTEGER PRIMARY KEY, b, version)`,
			() => `CREATE ${temp()}VIEW ${schema()}${any()} AS SELECT b FROM t`,
			() =>
				`CREATE VIRTUAL TABLE ${schema()}${any()} USING ${pick("fts5(b)", "rtree(i, a, b)", "sqlite_dbpage", "fts4(b)")}`,
			() => `CREATE INDEX ${schema()}${quoted("i")} ON ${any()} (${pick("b", "value", "lower(value)", "version")})`,
			() => `DROP ${pick("TABLE", "VIEW", "INDEX")} ${schema()}${pick(any(), quoted("i"))}`,
			() => `ALTER TABLE ${schema()}${any()} RENAME TO ${any()}`,
			() =>
				`ALTER TABLE ${any()} ${pick("ADD COLUMN c", "RENAME COLUMN b TO d", "RENAME COLUMN d TO b", "DROP COLUMN c")}`,
			() => pick("VACUUM", "ANALYZE", "REINDEX", "PRAGMA optimize", "PRAGMA wal_checkpoint(TRUNCATE)"),
			() =>
				`PRAGMA ${pick("writable_schema = ON", "recursive_triggers = ON", "foreign_keys = OFF", "schema_version = 1", "temp_store = 2")}`,
			() =>
				pick(
					"SAVEPOINT a",
					"RELEASE a",
					"ROLLBACK TO a",
					"RELEASE __ROOTCELLAR",
					"ROLLBACK TO __rootcellar_1",
					"BEGIN",
					"COMMIT",
				),
			() => `${pick("UPDATE", "DELETE FROM")} ${own()} ${pick("SET version = 9", "WHERE 1")}`,
			() => "UPDATE sqlite_dbpage SET data = zeroblob(4096)",
		)();
	// Changes that another library may make to the file without a word of the store's.
	const ofOthers = () =>
		pick(
			() => "INSERT INTO t (b) VALUES (1)",
			() => `DROP TRIGGER ${trigger()}`,
			() => `CREATE TRIGGER ${trigger()} AFTER INSERT ON t BEGIN ${changeOfKeys()}; END`,
			changeOfKeys,
			() => onKeys().replace(/UPDATE __rootcellar_schema SET version = 99/, "SELECT 1"),
		)();
	return { pick, key, statement, ofOthers };
}

/** A step: some operations that are issued in one turn, of which nothing but their end is known. */
function step(random, { pick, key, statement, ofOthers }, { sqlite, appData }, other) {
	const write = () =>
		pick(
			() => appData.set({ key: key(), value: random(1_000) }),
			() => appData.set({ key: key(), value: random(1_000) }),
			() => appData.update(key(), (value) => [value]),
			() => appData.delete(key()),
			() => appData.deleteLike(pick("x%", "%y%", "_", "%")),
			() => appData.set(KEYS.map((one) => ({ key: one, value: random(1_000) }))),
		)();
	const statements = () => Array.from({ length: 1 + random(4) }, statement);
	const one = () =>
		pick(
			write,
			write,
			() => sqlite.run(statement()),
			() => sqlite.run(statement()),
			() => sqlite.all(statement()),
			() => sqlite.exec(statements().join("; ")),
			() => sqlite.batch(statements().map((sql) => ({ sql }))),
			() =>
				sqlite.transaction(async (tx) => {
					for (const sql of statements()) await tx.run(sql).catch(() => {});
					await tx.appData.set({ key: key(), value: random(1_000) }).catch(() => {});
					for (const sql of statements()) await tx.run(sql).catch(() => {});
					if (random(3) === 0) throw new Error("rolled back");
				}),
			async () => {
				const connection = await sqlite.reserve();
				for (const sql of statements()) await connection.run(sql).catch(() => {});
				await connection.release();
			},
			() => other.run(ofOthers()),
		)();
	return Promise.allSettled(Array.from({ length: 1 + random(4) }, one));
}

/** Values of keys on disk, by key: of several rows the newest. */
async function onDisk(other) {
	const rows = await other.run("select key, value from main.__rootapp_kv where community_id is null order by rowid");
	return new Map(rows.map(({ key, value }) => [key, JSON.parse(value)]));
}

async function round(seed) {
	const random = randomOf(seed);
	const filename = temporaryFile();
	const store = temporaryStore(filename);
	const { sqlite, appData } = store;
	await sqlite.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, b); CREATE TABLE u (id INTEGER PRIMARY KEY, b)");
	const other = rawConnection(filename);
	const language = grammar(random);
	for (let i = 0; i < STEPS; i++) {
		const place = `seed ${seed}, step ${i}`;
		await step(random, language, store, other);
		await expectWhatIsThere(appData, other, place);
		const [key, value] = [language.key(), `${i}`];
		const before = await onDisk(other);
		const outcome = await appData.set({ key, value }).catch((error) => error);
		const after = await onDisk(other);
		if (outcome === undefined) expect(after.get(key), `${place}: an acknowledged set of ${key}`).toBe(value);
		else expect([...after], `${place}: a rejected set of ${key}, ${outcome}`).toEqual([...before]);
		await expectWhatIsThere(appData, other, place);
	}
	await store.close();
	await other.close();
	await expectSound(filename, seed);
}

async function expectWhatIsThere(appData, other, place) {
	const there = await onDisk(other);
	for (const key of KEYS) expect(await appData.get(key), `${place}: ${key}`).toEqual(there.get(key));
}

async function expectSound(filename, seed) {
	const sound = await raw(filename, "pragma integrity_check");
	expect(sound, `seed ${seed}`).toEqual([{ integrity_check: "ok" }]);
	const again = temporaryStore(filename);
	// A trigger that is left, of the other library's, may keep any key from being written.
	for (const { name } of await again.sqlite.all("SELECT name FROM sqlite_schema WHERE type = 'trigger'")) {
		await again.sqlite.run(`DROP TRIGGER "${name}"`);
	}
	await again.appData.set({ key: "new", value: seed });
	expect(await again.appData.get("new"), `seed ${seed}`).toBe(seed);
	await again.close();
}

test("no SQL loses an acknowledged write, makes a read stale, or spoils the file", { timeout: 600_000 }, async () => {
	const first = Math.floor(Math.random() * 2 ** 31);
	for (let i = 0; i < ROUNDS; i++) await round(first + i);
});
