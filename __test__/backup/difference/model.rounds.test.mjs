// The difference of two states beside a plain model of both, which reads them row by row: after random writes by this package,
// by another SQLite library, and by SQL that makes, renames, rebuilds and drops tables.

import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { raw, rawConnection } from "../../helpers/raw.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { rarely } from "../backups.mjs";
import { countsOf, differenceOf, keysOf, told } from "./states.mjs";

/** Random numbers from a seed (mulberry32). */
function randomFrom(seed) {
	let state = seed;
	return (most) => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
	};
}

const COMMUNITIES = [undefined, "a", "b \u00e9", "\u{1f600}"];

/** One random write to keys. */
async function writeKeys(store, file, random) {
	const community = COMMUNITIES[random(COMMUNITIES.length)];
	const key = `${["k", "K", "\u00fc:", "k:"][random(4)]}${random(40)}`;
	const value = [random(3), "x".repeat(random(6000)), { nested: [random(2), null, 1.5] }, null][random(4)];
	const kind = random(12);
	if (kind < 6) {
		const expiresAt = random(3) === 0 ? Date.now() + 1e6 + random(5) : undefined;
		await store.appData.set({ key, value: value ?? 0, communityId: community, expiresAt });
	} else if (kind < 9) {
		await store.appData.delete(key, community);
	} else if (kind === 9) {
		await store.appData.deleteLike(`k${random(4)}%`, community);
	} else {
		// Another program: rows of the default scope may be several of a key, and a value anything.
		const text = ["1", "not json", `"${random(3)}"`][random(3)];
		const insert = "insert into __rootapp_kv (key, community_id, value, expires_at) values (?, ?, ?, ?)";
		await raw(file, [insert, key, null, text, random(4) === 0 ? Date.now() - 1000 : null]);
	}
}

/** Tables that every state begins with, and what is done to them at random. */
const TABLES = [
	"create table if not exists numbered (id integer primary key, x, y text default 'y')",
	"create table if not exists named (name text primary key collate nocase, x)",
	"create table if not exists paired (a, b, x, primary key (b, a)) without rowid",
	'create table if not exists "odd ""name" (x)',
	"create table if not exists generated (id integer primary key, x, twice as (x * 2))",
];

function tableStatement(random) {
	const [id, x, other] = [random(60), random(4), random(60)];
	const text = "x".repeat(random(9000));
	return [
		`insert or replace into numbered values (${id}, ${x}, '${text}')`,
		`update numbered set x = ${x} where id between ${id} and ${id + 5}`,
		`delete from numbered where id = ${id}`,
		`insert or replace into named values ('${random(2) ? "n" : "N"}${id}', ${x})`,
		`insert into named values (null, ${x})`,
		`delete from named where name = 'n${id}'`,
		`insert or replace into paired values (${id}, ${other % 3}, '${text}')`,
		`delete from paired where a = ${id}`,
		`insert into "odd ""name" values (${x})`,
		`delete from "odd ""name" where rowid = ${id}`,
		`insert or replace into generated (id, x) values (${id}, ${x})`,
		`update numbered set x = 1.0 where id = ${id} and x = 1`,
		random(6) === 0 ? "alter table numbered add column z default 3" : "delete from numbered where id > 55",
		random(6) === 0 ? "drop table if exists made" : "create table if not exists made (x)",
		random(6) === 0 ? "alter table named rename to renamed" : "update named set x = x + 1 where rowid = 3",
		random(6) === 0 ? "vacuum" : "analyze",
		random(6) === 0 ? "alter table made rename column x to y" : "insert into made values (1)",
	][random(17)];
}

/** The rows of the tables of a state, by what says which are the same. */
async function tablesOf(file) {
	const connection = rawConnection(file);
	const list =
		"select name, sql from sqlite_schema where type = 'table' and name not glob 'sqlite_*' and name not glob '__root*'";
	const tables = new Map();
	for (const { name, sql } of await connection.run(list)) {
		const quoted = `"${name.replaceAll('"', '""')}"`;
		const columns = await connection.run(`select name, pk, hidden from pragma_table_xinfo('${name}')`);
		const stored = columns.filter(({ hidden }) => hidden === 0).map((column) => column.name);
		const key = columns.filter(({ pk }) => pk > 0).map((column) => column.name);
		const isWithoutRowId = sql.toLowerCase().includes("without rowid");
		const shown = (column) => `'${column}', typeof("${column}") || ':' || quote("${column}")`;
		const id = isWithoutRowId ? "null" : "rowid";
		const rows = await connection.run(`select ${id} as id, json_object(${stored.map(shown)}) as row from ${quoted}`);
		tables.set(name, { sql, key, rows: rows.map(({ id, row }) => ({ id, row: JSON.parse(row) })) });
	}
	await connection.close();
	return tables;
}

/** Difference of two tables. */
function tableDifference(name, was, is) {
	const numbers = { name, rowsBefore: was?.rows.length, rowsAfter: is?.rows.length, isSchemaChanged: false };
	if (!was) return { ...numbers, added: is.rows.length, removed: 0, changed: 0 };
	if (!is) return { ...numbers, added: 0, removed: was.rows.length, changed: 0 };
	// Keys of the tables here are compared without regard to case, or are numbers.
	const nameOf = ({ id, row }) => {
		const parts = was.key.map((column) => row[column].toLowerCase());
		return parts.length === 0 || parts.includes("null:null") ? `#${id}` : JSON.stringify(parts);
	};
	const byName = new Map(is.rows.map((row) => [nameOf(row), row]));
	const common = Object.keys(was.rows[0]?.row ?? {}).filter((column) => column in (is.rows[0]?.row ?? {}));
	let [removed, changed] = [0, 0];
	for (const row of was.rows) {
		const other = byName.get(nameOf(row));
		if (!other) removed++;
		else if (common.some((column) => row.row[column] !== other.row[column])) changed++;
	}
	const added = is.rows.length - was.rows.length + removed;
	return { ...numbers, added, removed, changed, isSchemaChanged: was.sql !== is.sql };
}

const differs = ({ added, removed, changed, isSchemaChanged, rowsBefore, rowsAfter }) =>
	added + removed + changed > 0 || isSchemaChanged || (rowsBefore === undefined) !== (rowsAfter === undefined);

test.each(Array.from({ length: rounds({ few: 2, many: 12, long: 60 }) }, (_, index) => index + 1))(
	"every key and every number of rows is that of the model, seed %i",
	async (seed) => {
		const random = randomFrom(seed);
		const directory = temporaryDirectory();
		const file = join(directory, "bot.sqlite3");
		const store = openDataStore({ filename: file, backup: { ...rarely(join(directory, "backups")), quiet: true } });
		onTestFinished(() => store.close());
		for (const sql of TABLES) await store.sqlite.run(sql);
		await store.appData.set(
			Array.from({ length: 200 }, (_, index) => ({ key: `base:${index}`, value: "v".repeat(index) })),
		);
		const ids = [];
		for (let state = 0; state < 3; state++) {
			const steps = random(40);
			for (let step = 0; step < steps; step++) {
				if (random(3) > 0) await writeKeys(store, file, random);
				else await store.sqlite.exec(tableStatement(random)).catch(refused);
			}
			ids.push((await store.backups.create()).id);
		}
		const states = [];
		for (const [index, id] of ids.entries()) {
			const to = join(directory, `state-${index}.sqlite3`);
			const { createdAt } = await store.backups.restore({ id, to });
			states.push({ id, keys: await keysOf(to, createdAt.getTime()), tables: await tablesOf(to) });
		}
		const last = { ...states[2], id: undefined };
		for (const [before, after] of [
			[states[0], states[1]],
			[states[1], states[2]],
			[states[0], last],
			[states[2], states[0]],
			[states[2], last],
		]) {
			const difference = store.backups.diff({ at: before.id, to: after.id });
			const expected = differenceOf(before.keys, after.keys);
			expect(await told(difference)).toEqual(expected);
			const { keys, tables, at, to } = await difference.summary();
			expect([at.id, to?.id]).toEqual([before.id, after.id]);
			expect(keys).toEqual(countsOf(expected));
			const names = [...new Set([...before.tables.keys(), ...after.tables.keys()])].sort();
			const all = names.map((name) => tableDifference(name, before.tables.get(name), after.tables.get(name)));
			expect(tables).toEqual(all.filter(differs));
		}
	},
);

/** Expects the error of a change that does not fit those before. */
function refused({ code }) {
	expect(code).toMatch(/^SQLITE_(ERROR|CONSTRAINT)/);
}
