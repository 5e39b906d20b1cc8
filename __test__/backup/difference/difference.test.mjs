// Differences of two states, beside their rows: the order of operations, refusals, and the end.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { expectArgumentError, expectFailure, rejection } from "../../helpers/errors.mjs";
import { raw } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { before, past } from "../../helpers/time.mjs";
import { rarely } from "../backups.mjs";

/** A store with a few keys, and the id of the backup that has them. */
async function stored(entries = [{ key: "k", value: 1 }]) {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	const store = openDataStore({ filename: file, backup: { ...rarely(join(directory, "backups")), quiet: true } });
	onTestFinished(() => store.close());
	await store.appData.set(entries);
	const { id, createdAt } = await store.backups.create();
	return { directory, file, store, id, createdAt };
}

async function listed(difference) {
	const rows = [];
	for await (const row of difference) rows.push(row);
	return rows;
}

const held = (value, expiresAt) => ({ value, json: JSON.stringify(value), expiresAt });

test("what was issued before is in the difference to now, and what is open goes on", async () => {
	const { store, id, createdAt } = await stored([
		{ key: "changed", value: 1 },
		{ key: "removed", value: { a: [1] }, communityId: "c" },
		{ key: "same", value: 1 },
	]);
	const expiresAt = Date.now() + 1e7;
	store.appData.set({ key: "changed", value: 2 });
	store.appData.delete("removed", "c");
	store.appData.set({ key: "added", value: "new", expiresAt });
	store.appData.set({ key: "same", value: 1 });
	const difference = store.backups.diff({ at: id });
	const rows = await listed(difference);
	expect(rows).toEqual([
		{ key: "added", community: undefined, before: undefined, after: held("new", expiresAt) },
		{ key: "changed", community: undefined, before: held(1), after: held(2) },
		{ key: "removed", community: "c", before: held({ a: [1] }), after: undefined },
	]);
	const summary = { at: { id, createdAt }, to: undefined, keys: { added: 1, removed: 1, changed: 1 }, tables: [] };
	expect(await difference.summary()).toEqual(summary);
	expect(await difference.next()).toEqual({ value: undefined, done: true });
	await store.appData.set({ key: "k", value: 1 });
});

test("a part of the keys: a community, the default scope, a beginning", async () => {
	const { store, id } = await stored();
	await store.appData.set([
		{ key: "a:1", value: 1 },
		{ key: "a:2", value: 1, communityId: "c" },
		{ key: "b:1", value: 1, communityId: "c" },
		{ key: "b:2", value: 1, communityId: "d" },
	]);
	const keys = async (options) => (await listed(store.backups.diff({ at: id, ...options }))).map(({ key }) => key);
	expect(await keys({})).toEqual(["a:1", "a:2", "b:1", "b:2"]);
	expect(await keys({ community: "c" })).toEqual(["a:2", "b:1"]);
	expect(await keys({ community: "" })).toEqual(["a:1"]);
	expect(await keys({ prefix: "b:" })).toEqual(["b:1", "b:2"]);
	expect(await keys({ prefix: "b:", community: "d" })).toEqual(["b:2"]);
});

test("a key that has expired in between is removed, whether its row is there or not, and an expiry alone is a change", async () => {
	const { found, moment: expiresAt } = await before((moment) =>
		stored([
			{ key: "expires", value: 1, expiresAt: moment },
			{ key: "later", value: 1, expiresAt: 9e12 },
		]),
	);
	const { store, id } = found;
	await store.kv.expire("later", { expiresAt: 9.1e12 });
	await past(expiresAt);
	expect(await listed(store.backups.diff({ at: id }))).toEqual([
		{ key: "expires", community: undefined, before: held(1, expiresAt), after: undefined },
		{ key: "later", community: undefined, before: held(1, 9e12), after: held(1, 9.1e12) },
	]);
});

test("of rows that the SDK has made of one key, the newest counts, and text that is not JSON is told as it is", async () => {
	const { store, file, id } = await stored();
	const insert = "insert into __rootapp_kv (key, community_id, value, expires_at) values (?, null, ?, null)";
	await raw(
		file,
		[insert, "k", "2"],
		[insert, "k", "3"],
		[insert, "odd", "{"],
		[insert, "big", "12345678901234567890"],
	);
	const rows = await listed(store.backups.diff({ at: id }));
	expect(rows.map(({ key, before, after }) => [key, before?.json, after?.json, after?.value])).toEqual([
		["big", undefined, "12345678901234567890", Number("12345678901234567890")],
		["k", "1", "3", 3],
		["odd", undefined, "{", undefined],
	]);
});

test("many keys come in slices, in order, and the numbers before them", async () => {
	const { store, id } = await stored();
	const keys = Array.from({ length: 5_500 }, (_, index) => `n:${String(index).padStart(5, "0")}`);
	await store.appData.set(keys.map((key) => ({ key, value: "x".repeat(1000) })));
	const reports = [];
	const difference = store.backups.diff({ at: id, onProgress: (progress) => reports.push(progress) });
	expect((await difference.summary()).keys).toEqual({ added: keys.length, removed: 0, changed: 0 });
	expect((await listed(difference)).map(({ key }) => key)).toEqual(keys);
	expect(reports.at(0)).toMatchObject({ phase: "restore" });
	expect(reports.at(-1)).toEqual({ phase: "compare", done: 5_501, total: 5_501 });
});

test("it ends where one leaves the loop, by a signal, and by closing; nothing is left beside the store", async () => {
	const { store, id, directory } = await stored();
	const before = readdirSync(directory).sort();
	await store.appData.set(Array.from({ length: 3000 }, (_, index) => ({ key: `n${index}`, value: index })));
	for await (const { key } of store.backups.diff({ at: id })) {
		expect(key).toBe("n0");
		break;
	}
	const controller = new AbortController();
	const aborted = store.backups.diff({ at: id, signal: controller.signal });
	await aborted.next();
	controller.abort(new Error("enough"));
	const error = await rejection(() => aborted.next());
	expect([error.name, error.code, error.cause.message]).toEqual(["AbortError", "ABORT_ERR", "enough"]);
	expect(await aborted.next()).toEqual({ value: undefined, done: true });
	const early = new AbortController();
	const never = store.backups.diff({ at: id, signal: early.signal });
	const summary = never.summary();
	early.abort();
	expect((await rejection(() => summary)).code).toBe("ABORT_ERR");
	expect((await rejection(() => store.backups.diff({ at: id, signal: early.signal }).next())).code).toBe("ABORT_ERR");
	const closed = store.backups.diff({ at: id });
	const late = closed.summary();
	await closed.return();
	expect((await rejection(() => late)).code).toBe("ABORT_ERR");
	const disposed = store.backups.diff({ at: id });
	await disposed.next();
	await disposed[Symbol.asyncDispose]();
	expect(readdirSync(directory).sort()).toEqual(before);
});

test("a process that is killed while it compares leaves nothing, once the state is restored", async () => {
	const { store, file, directory, id } = await stored();
	await store.appData.set(Array.from({ length: 3000 }, (_, index) => ({ key: `n${index}`, value: index })));
	const url = join(directory, "backups");
	const child = startModule(
		`const [filename, url, at] = process.argv.slice(1);
		const store = openDataStore({ filename, readOnly: true, backup: { url } });
		const difference = store.backups.diff({ at });
		await difference.next();
		console.log("one");
		setInterval(() => {}, 1000);`,
		{ args: [file, url, id] },
	);
	await child.line("one");
	child.kill("SIGKILL");
	await child.ended;
	expect(readdirSync(directory).filter((name) => /compared|etilqs/.test(name))).toEqual([]);
});

test("a store that only reads compares too, while another has the file open, and changes nothing", async () => {
	const { store, file, directory, id } = await stored();
	await store.appData.set({ key: "k", value: 2 });
	const backup = { url: join(directory, "backups") };
	const reader = openDataStore({ filename: file, readOnly: true, backup });
	onTestFinished(() => reader.close());
	const [row] = await listed(reader.backups.diff({ at: id }));
	expect([row.before.value, row.after.value]).toEqual([1, 2]);
	await store.close();
	await reader.close();
	const content = () => [readFileSync(file), statSync(file).mtimeMs];
	const before = content();
	const again = openDataStore({ filename: file, readOnly: true, backup });
	expect(await listed(again.backups.diff({ at: id }))).toHaveLength(1);
	await again.close();
	expect(content()).toEqual(before);
});

const REFUSED = [
	[undefined, "options"],
	[null, "options"],
	[[], "options"],
	[{}, "options.at"],
	[{ at: "2025-01-01" }, "options.at"],
	[{ at: "0123" }, "options.at"],
	[{ at: Number.NaN }, "options.at"],
	[{ at: new Date("never") }, "options.at"],
	[{ at: 1n }, "options.at"],
	[{ at: 1, to: {} }, "options.to"],
	[{ at: 1, to: null }, "options.to"],
	[{ at: 1, community: {} }, "options.community"],
	[{ at: 1, prefix: Symbol.iterator }, "options.prefix"],
	[{ at: 1, prefix: "\ud800" }, "options.prefix"],
	[{ at: 1, signal: {} }, "options.signal"],
	[{ at: 1, onProgress: 1 }, "options.onProgress"],
	[{ at: 1, until: 2 }, "options.until"],
	[
		Object.defineProperty({}, "at", {
			enumerable: true,
			get() {
				throw new Error("no");
			},
		}),
		"options",
	],
];

test("options that cannot be used are refused by the first use, whichever it is, and named", async () => {
	const { store } = await stored();
	for (const [options, argument] of REFUSED) {
		for (const first of ["next", "summary"]) {
			const difference = store.backups.diff(options);
			expectArgumentError(await rejection(() => difference[first]()), argument);
			await difference.return();
		}
	}
});

test("a moment without a backup, no backups, and a store that is closed have errors of their own", async () => {
	const { store, file, id } = await stored();
	const next = (store, options) => () => store.backups.diff(options).next();
	await expectFailure(next(store, { at: 0 }), "ERR_BACKUP_NOT_FOUND");
	await expectFailure(next(store, { at: "ffffffffffffffff" }), "ERR_BACKUP_NOT_FOUND");
	await expectFailure(next(store, { at: id, to: 0 }), "ERR_BACKUP_NOT_FOUND");
	const without = openDataStore({ filename: file, backup: false });
	await expectFailure(next(without, { at: id }), "ERR_BACKUP_OFF");
	await without.close();
	await store.close();
	await expectFailure(next(store, { at: id }), "ERR_STORE_CLOSED");
	await expectFailure(next(openDataStore({ filename: ":memory:" }), { at: id }), "ERR_BACKUP_OFF");
});
