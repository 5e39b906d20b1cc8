// A database goes from the SDK to rootcellar, to the SDK and to rootcellar, each in a process of its own.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runForked } from "../helpers/forked.mjs";
import { postgres, temporaryDatabase } from "../helpers/postgres.mjs";
import { SDK_ENV } from "../sdk/parity/run.mjs";
import { linkRootcellar, linkSdk, newProject, runBot } from "../sdk/register/project.mjs";
import { remove, removeLike, set, update } from "../sdk/roundtrip/steps.mjs";
import { makeSdkTable } from "./sdk-table.mjs";
import { storeOn } from "./store.mjs";

const CHILD = fileURLToPath(new URL("../sdk/parity/child.mjs", import.meta.url));
const STEPS = new URL("../sdk/roundtrip/steps.mjs", import.meta.url).href;

const LATER = new Date(4_102_444_800_000);
const PAST = new Date(1_000_000_000_000);

/** The SDK puts a password into a URL as it is. */
const USER = { username: "plain", password: "plain" };

async function newDatabase() {
	const server = await postgres();
	await server.query(`DO $$ BEGIN CREATE ROLE plain SUPERUSER LOGIN PASSWORD 'plain';
		EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
	const name = await server.createDatabase();
	return { config: server.config(name, USER), query: (text) => server.query(text, [], name) };
}

/** Carries out operations of a side, then reads keys and every entry of scopes. */
async function carryOut({ config }, side, operations, keys = [], scopes = [undefined, "north"]) {
	const reads = keys.map((key) => ({ key }));
	const { answer, code, signal, printed } = await runForked(CHILD, {
		args: [side],
		env: { ...SDK_ENV, DATABASE_CONFIG: config },
		serialization: "advanced",
		message: { url: STEPS, name: "carryOut", args: [operations, reads, scopes] },
	});
	if (answer?.result === undefined) throw new Error(`${side} ended with ${signal ?? code}: ${printed}`);
	// The SDK prints its configuration.
	if (side === "rootcellar") expect(printed).toBe("");
	return answer.result;
}

const entriesOf = (selected) => selected.map(({ key, value }) => [key, value]);

test("and every value goes with it", async () => {
	const database = await newDatabase();
	await carryOut(database, "sdk", [set({ key: "first", value: 1 })]);
	await carryOut(database, "sdk", [
		set({ key: "plain", value: { xp: 1, list: [null, true] } }),
		set({ key: "twice", value: "old" }),
		set({ key: "twice", value: "new" }),
		set({ key: "unicode:\u{1F600}\u00e9", value: "\\ \" ' \u2028" }),
		set({ key: "expiring", value: "until 2100", expires_at: LATER }),
		set({ key: "expired", value: "gone", expires_at: PAST }),
		set({ key: "shared", value: "north", communityId: "north" }),
		set({ key: "shared", value: "default" }),
		update("updated", "by the SDK"),
	]);
	const keys = ["first", "plain", "twice", "expired", "shared", "updated"];
	const ours = await carryOut(database, "rootcellar", [], keys);
	expect(ours.values).toEqual([1, { xp: 1, list: [null, true] }, "new", undefined, "default", "by the SDK"]);
	expect(entriesOf(ours.selected[0])).toEqual([
		["first", 1],
		["plain", { xp: 1, list: [null, true] }],
		["twice", "new"],
		["unicode:\u{1F600}\u00e9", "\\ \" ' \u2028"],
		["expiring", "until 2100"],
		["shared", "default"],
		["updated", "by the SDK"],
	]);
	expect(ours.selected[0].find(({ key }) => key === "expiring").expiresAt).toEqual(LATER);
	expect(entriesOf(ours.selected[1])).toEqual([["shared", "north"]]);

	const long = "k".repeat(1_900);
	await carryOut(database, "rootcellar", [
		set({ key: long, value: "v".repeat(100_000) }),
		update("updated", " and us"),
		remove("plain"),
		set({ key: "ours", value: 2, expires_at: LATER }),
	]);
	const theirs = await carryOut(
		database,
		"sdk",
		[set({ key: "twice", value: "the SDK's" }), update("ours", " and theirs"), removeLike("unicode%")],
		[long, "updated", "plain", "twice", "ours"],
	);
	expect(theirs.values).toEqual(["v".repeat(100_000), "by the SDK and us", undefined, "the SDK's", "2 and theirs"]);

	const last = await carryOut(database, "rootcellar", [set({ key: "last", value: 3 })], ["twice", "ours", "last"]);
	expect(last.values).toEqual(["the SDK's", "2 and theirs", 3]);
	const [{ n }] = await database.query("SELECT count(*)::int AS n FROM __rootapp_kv WHERE key = 'twice'");
	expect(n).toBe(1);
});

test("of rows that the SDK has left twice, the newest is kept, in the place of the oldest, in every order of writing", async () => {
	const database = await newDatabase();
	await carryOut(database, "sdk", [set({ key: "a", value: 0 })]);
	await carryOut(
		database,
		"sdk",
		["b", "c", "a", "b", "a", "c", "b"].map((key, value) => set({ key, value: value + 1 })),
	);
	const { selected } = await carryOut(database, "rootcellar", []);
	expect(entriesOf(selected[0])).toEqual([
		["a", 5],
		["b", 7],
		["c", 6],
	]);
});

test("also where a vacuum has let the newest row lie before the others", async () => {
	const { config, query } = await temporaryDatabase();
	const later = "2100-01-01T00:00:00Z";
	await makeSdkTable(query, [
		{ key: "gone", value: "0" },
		{ key: "b", value: '"oldest"', expiresAt: later },
		{ key: "a", value: "2" },
		{ key: "b", value: '"older"' },
	]);
	await query("DELETE FROM __rootapp_kv WHERE key = 'gone'");
	await query("VACUUM __rootapp_kv");
	await query("INSERT INTO __rootapp_kv VALUES ('b', NULL, '\"newest\"', NULL)");
	expect(await query("SELECT value FROM __rootapp_kv ORDER BY ctid LIMIT 1")).toEqual([{ value: '"newest"' }]);
	expect(await storeOn(config).appData.select("%")).toEqual([
		{ key: "b", value: "newest" },
		{ key: "a", value: 2 },
	]);
	expect(await query("SELECT to_regclass('__rootcellar_newest') AS newest")).toEqual([{ newest: null }]);
});

test("a table of ours is one that the SDK opens, reads and writes", async () => {
	const database = await newDatabase();
	await carryOut(database, "rootcellar", [set({ key: "a", value: { from: "rootcellar" } })]);
	const theirs = await carryOut(database, "sdk", [set({ key: "b", value: 1 }), remove("c")], ["a", "b"]);
	expect(theirs.values).toEqual([{ from: "rootcellar" }, 1]);
	const ours = await carryOut(database, "rootcellar", [], ["a", "b"]);
	expect(ours.values).toEqual([{ from: "rootcellar" }, 1]);
	expect(entriesOf(ours.selected[0])).toEqual([
		["a", { from: "rootcellar" }],
		["b", 1],
	]);
});

test("a bot that only preloads rootcellar/register has its data there after a restart", async () => {
	const database = await newDatabase();
	const project = newProject();
	linkRootcellar(project);
	linkSdk(project);
	for (const visits of [1, 2]) {
		const { report, code, printed } = await runBot(path.join(project, "preloaded.cjs"), {
			preload: ["--import", "rootcellar/register"],
			env: { DATABASE_CONFIG: database.config },
		});
		expect({ code, report }, printed).toMatchObject({ code: 0, report: { swapped: true, visits } });
	}
	expect(await database.query("SELECT key, value FROM __rootapp_kv ORDER BY key")).toEqual([
		{ key: "greeting", value: '"second"' },
		{ key: "visits", value: "2" },
	]);
});
