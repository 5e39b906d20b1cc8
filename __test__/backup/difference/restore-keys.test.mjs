// Keys of a moment, put back one by one, and what undoes it.

import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { expectFailure, expectInvalidArgument, rejection } from "../../helpers/errors.mjs";
import { raw, rawRows } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { past } from "../../helpers/time.mjs";
import { rarely } from "../backups.mjs";

async function stored(entries) {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	const url = join(directory, "backups");
	const store = openDataStore({ filename: file, backup: { ...rarely(url), quiet: true } });
	onTestFinished(() => store.close());
	await store.appData.set(entries);
	const { id, createdAt } = await store.backups.create();
	return { directory, file, url, store, id, createdAt };
}

/** Rows of a file, whatever their order. */
const content = async (file) =>
	(await rawRows(file)).map((row) => JSON.stringify(row)).sort((one, other) => (one < other ? -1 : 1));

test("keys of a moment are as they were, in value and expiry, others stay, and undoing leaves what was before", async () => {
	const expiresAt = Date.now() + 1e7;
	const { store, file, id, createdAt } = await stored([
		{ key: "changed", value: 1, expiresAt },
		{ key: "removed", value: { a: "b" }, communityId: "c" },
		{ key: "same", value: 1 },
		{ key: "other", value: 1 },
	]);
	await store.appData.set([
		{ key: "changed", value: 2 },
		{ key: "added", value: 2 },
		{ key: "other", value: 2 },
	]);
	await store.appData.delete("removed", "c");
	const before = await content(file);
	const watch = store.kv.watch({ prefix: "" });
	const seen = watch.next();
	const keys = ["changed", { key: "removed", community: "c" }, "same", "added", "never", "changed"];
	const { undo, ...restored } = await store.backups.restoreKeys({ at: id, keys });
	expect(restored).toEqual({ at: { id, createdAt }, set: 2, deleted: 1, unchanged: 2 });
	expect(await store.appData.get("changed")).toBe(1);
	expect(await store.appData.get("removed", "c")).toEqual({ a: "b" });
	expect(await store.kv.getMany(["added", "same", "other"])).toEqual([undefined, 1, 2]);
	expect((await seen).value.map(({ key }) => key).sort()).toEqual(["added", "changed"]);
	await watch.return();
	const [{ expires_at }] = await raw(file, "select expires_at from __rootapp_kv where key = 'changed'");
	expect(expires_at).toBe(expiresAt);

	const after = await content(file);
	const undone = await store.backups.restoreKeys(JSON.parse(JSON.stringify(undo)));
	expect(undone).toMatchObject({ at: undefined, set: 2, deleted: 1, unchanged: 0 });
	expect(await content(file)).toEqual(before);
	await store.backups.restoreKeys(undone.undo);
	expect(await content(file)).toEqual(after);
});

test("an expiry beyond all time that another program has stored is one, and what undoes it has one that can be given", async () => {
	const { store, file } = await stored([{ key: "k", value: 1 }]);
	const beyond = ["9223372036854775807", "9007199254740993", "1e300"];
	for (const expiry of beyond) {
		await raw(file, `update __rootapp_kv set expires_at = ${expiry}`);
		const { id } = await store.backups.create();
		const unchanged = await store.backups.restoreKeys({ at: id, keys: ["k"] });
		expect(unchanged, expiry).toMatchObject({ set: 0, unchanged: 1 });
		await store.appData.set({ key: "k", value: 2 });
		await raw(file, `update __rootapp_kv set expires_at = ${expiry}`);
		const { undo, set } = await store.backups.restoreKeys({ at: id, keys: ["k"] });
		expect(set, expiry).toBe(1);
		expect(await store.appData.get("k")).toBe(1);
		expect(undo.entries).toEqual([{ key: "k", json: "2", expiresAt: 8.64e15 }]);
		await store.backups.restoreKeys(undo);
		expect(await store.appData.get("k")).toBe(2);
		await store.appData.set({ key: "k", value: 1 });
	}
});

test("the text is the one that was stored, and a key of several rows has its newest", async () => {
	const { store, file } = await stored([{ key: "k", value: 1 }]);
	const insert = "insert into __rootapp_kv (key, community_id, value) values (?, null, ?)";
	await raw(file, [insert, "big", "[12345678901234567890, 1e999]"], [insert, "k", "1"], [insert, "k", '{"a":1,"a":2}']);
	const { id } = await store.backups.create();
	await store.appData.set([
		{ key: "big", value: 0 },
		{ key: "k", value: 0 },
	]);
	await store.backups.restoreKeys({ at: id, keys: ["big", "k"] });
	expect((await rawRows(file)).map(({ key, value }) => [key, value]).sort()).toEqual([
		["big", "[12345678901234567890, 1e999]"],
		["k", '{"a":1,"a":2}'],
	]);
});

test("a key that would have expired by now is deleted, and one that has expired now is not in the undo", async () => {
	const expiresAt = Date.now() + 2000;
	const { store, id } = await stored([{ key: "k", value: 1, expiresAt }]);
	await store.appData.set({ key: "k", value: 2 });
	await past(expiresAt);
	const first = await store.backups.restoreKeys({ at: id, keys: ["k"] });
	expect([first.set, first.deleted, await store.appData.get("k")]).toEqual([0, 1, undefined]);
	const soon = Date.now() + 300;
	await store.appData.set({ key: "k", value: 3, expiresAt: soon });
	await past(soon);
	expect(await store.backups.restoreKeys(first.undo)).toMatchObject({ set: 1, undo: { entries: [{ key: "k" }] } });
	expect(await store.appData.get("k")).toBe(2);
});

test("thousands of keys in one transaction: all of them, or none where one cannot be written", async () => {
	const entries = Array.from({ length: 4_000 }, (_, index) => ({ key: `n${index}`, value: index }));
	const { store, file, id } = await stored(entries);
	const keys = entries.map(({ key }) => key);
	await store.appData.deleteLike("n%");
	await store.sqlite.exec(
		"CREATE TRIGGER no BEFORE INSERT ON __rootapp_kv WHEN new.key = 'n3999' BEGIN SELECT RAISE(ABORT, 'no'); END",
	);
	expect((await rejection(() => store.backups.restoreKeys({ at: id, keys }))).code).toMatch(/^SQLITE_CONSTRAINT/);
	expect(await rawRows(file)).toEqual([]);
	await store.sqlite.exec("DROP TRIGGER no");
	expect((await store.backups.restoreKeys({ at: id, keys })).set).toBe(4_000);
	expect(await store.kv.count()).toBe(4_000);
});

test("in a process beside the one that makes the backups, whose cache and watch see it", async () => {
	const { store, file, url, id } = await stored([{ key: "k", value: 1 }]);
	await store.appData.set({ key: "k", value: 2 });
	expect(await store.appData.get("k")).toBe(2);
	const watch = store.kv.watch({ keys: ["k"] });
	const seen = watch.next();
	const other = startModule(
		`const [filename, url, at] = process.argv.slice(1);
		const store = openDataStore({ filename, backup: { url, quiet: true } });
		const { set } = await store.backups.restoreKeys({ at, keys: ["k"] });
		console.log("set " + set);
		await store.close();`,
		{ args: [file, url, id] },
	);
	await other.line("set 1");
	expect(await store.appData.get("k")).toBe(1);
	expect((await seen).value).toEqual([{ key: "k", value: 1 }]);
	await watch.return();
	expect(await other.ended).toMatchObject({ code: 0, stderr: "" });
});

test("what cannot be done changes nothing, and says what was expected", async () => {
	const { store, file, url, id } = await stored([{ key: "k", value: 1 }]);
	const { backups } = store;
	const refused = [
		[undefined, "options"],
		[{}, "options.at"],
		[{ at: "x", keys: [] }, "options.at"],
		[{ at: id }, "options.keys"],
		[{ at: id, keys: "k" }, "options.keys"],
		[{ at: id, keys: [Symbol.iterator] }, "options.keys[0]"],
		[{ at: id, keys: ["k", { community: "c" }] }, "options.keys[1].key"],
		[{ at: id, keys: [{ key: "k", community: {} }] }, "options.keys[0].community"],
		[{ at: id, keys: [{ key: "k", scope: 1 }] }, "options.keys[0].scope"],
		[{ at: id, keys: new Array(10_001).fill("k") }, "options.keys"],
		[{ at: id, entries: [] }, "options.at"],
		[{ keys: [], entries: [] }, "options.keys"],
		[{ entries: {} }, "options.entries"],
		[{ entries: [{ key: "k", json: "{" }] }, "options.entries[0].json"],
		[{ entries: [{ key: "k", json: 1 }] }, "options.entries[0].json"],
		[{ entries: [{ key: "k", json: "1", expiresAt: "soon" }] }, "options.entries[0].expiresAt"],
		[{ entries: [{ json: "1" }] }, "options.entries[0].key"],
	];
	for (const [options, argument] of refused) await expectInvalidArgument(() => backups.restoreKeys(options), argument);
	await expectFailure(() => backups.restoreKeys({ at: 0, keys: ["k"] }), "ERR_BACKUP_NOT_FOUND");
	const inside = () => store.sqlite.transaction(() => backups.restoreKeys({ at: id, keys: ["k"] }));
	await expectFailure(inside, "ERR_IN_TRANSACTION");
	const reader = openDataStore({ filename: file, readOnly: true, backup: { url } });
	onTestFinished(() => reader.close());
	await expectFailure(() => reader.backups.restoreKeys({ at: id, keys: ["k"] }), "ERR_READ_ONLY");
	const without = openDataStore({ filename: file, backup: false });
	await expectFailure(() => without.backups.restoreKeys({ at: id, keys: ["k"] }), "ERR_BACKUP_OFF");
	await without.backups.restoreKeys({ entries: [{ key: "k", json: "5" }] });
	await without.close();
	expect(await store.appData.get("k")).toBe(5);
	await store.close();
	await expectFailure(() => backups.restoreKeys({ at: id, keys: ["k"] }), "ERR_STORE_CLOSED");
});

test("entries with half of a surrogate pair are refused unless it is escaped, for it would be another text", async () => {
	const { store } = await stored([{ key: "k", value: 1 }]);
	const restore = (json) => store.backups.restoreKeys({ entries: [{ key: "k", json }] });
	await expectInvalidArgument(() => restore('"\ud800"'), "options.entries[0].json");
	await restore('"\\ud800"');
	expect(await store.appData.get("k")).toBe("\ud800");
});
