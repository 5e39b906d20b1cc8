// Cancelling in the studio what takes long: nothing is left half done.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../helpers/store.mjs";
import { until } from "../helpers/time.mjs";
import { fileWith, result, startStudio } from "./studio.mjs";

/** A file with a backup that takes a while to restore, and with keys to delete. */
async function large() {
	const file = join(temporaryDirectory(), "bot.sqlite3");
	const url = `${file}.backup`;
	await fileWith(
		async (store) => {
			await store.sqlite.exec("CREATE TABLE t (n INTEGER PRIMARY KEY, noise BLOB)");
			await store.appData.set(Array.from({ length: 1_000 }, (_, n) => ({ key: `k:${n}`, value: n })));
			await store.sqlite.run(
				"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT INTO t SELECT i, randomblob(4000) FROM n",
			);
		},
		file,
		{ url },
	);
	const studio = await startStudio({ file, url, write: true });
	const { backups } = await studio.call("backups/status");
	return { file, studio, id: backups[0][0] };
}

const HELD = "SELECT (SELECT count(*) FROM __rootapp_kv) AS keys, (SELECT count(*) FROM t) AS rows";

/** Cancels a request as soon as it tells of its progress, until it was not too late. */
async function cancelled(studio, name, input) {
	for (let turn = 0; turn < 50; turn++) {
		const work = `work ${turn}`;
		let last;
		for await (const line of studio.lines(name, { ...input, work })) {
			if (line.progress) await studio.call("cancel", { of: work });
			last = line;
		}
		if (last.error) return last.error;
		await studio.call("sql/run", { sql: "SELECT 1" });
	}
	throw new Error(`${name} was never cancelled`);
}

test.each(["backups/verify", "backups/open", "backups/diff", "backups/restore"])(
	"%s is cancelled, leaves nothing behind, and works when it is asked for again",
	async (name) => {
		const { file, studio, id } = await large();
		const held = (await studio.call("sql/run", { sql: HELD })).rows;
		// The file of the store, its log, its backups and their state.
		const before = readdirSync(dirname(file)).toSorted();
		expect(await cancelled(studio, name, { id, at: id })).toMatchObject({ code: "ABORT_ERR" });
		expect((await studio.call("sql/run", { sql: HELD })).rows).toEqual(held);
		expect(readdirSync(dirname(file)).toSorted()).toEqual(before);
		expect(readdirSync(`${file}.backup-state`).filter((entry) => entry.startsWith("restored"))).toEqual([]);
		await result(studio, name, { id, at: id });
	},
);

test("a moment whose opening somebody cancels is opened for those who wait for it, or ask for it at once", async () => {
	const { file, studio, id } = await large();
	const controller = new AbortController();
	const cancelledOne = studio.session.momentOf(id, undefined, controller.signal);
	const waiting = studio.session.read(id, ({ appData }) => appData.get("k:7"));
	controller.abort();
	const again = studio.session.momentOf(id);
	await expect(cancelledOne).rejects.toMatchObject({ code: "ABORT_ERR" });
	expect(await again).toMatchObject({ id });
	expect(await waiting).toBe(7);
	expect(readdirSync(dirname(file)).filter((name) => name.startsWith(".rootcellar-"))).toHaveLength(1);
});

/** Asks for something, and goes on once it is under way, if it is not answered before. Returns the answer to come. */
async function underWay(studio, name, input, options) {
	let isAnswered = false;
	const answer = studio.request(name, { ...input, work: "w" }, options).then((response) => response.text());
	const note = () => {
		isAnswered = true;
	};
	answer.then(note, note);
	await until(() => isAnswered || studio.session.works.has("w"), "the request");
	return { answer };
}

/** Cancels a request once it is under way, until it was not too late. Each time `prepare` is called before. */
async function cancelledSoon(studio, name, input, prepare) {
	for (let turn = 0; turn < 50; turn++) {
		await prepare();
		const { answer } = await underWay(studio, name, input);
		await studio.call("cancel", { of: "w" });
		const { error } = JSON.parse(await answer);
		if (error) return error;
	}
	throw new Error(`${name} was never cancelled`);
}

test("a restore of keys is cancelled, and they stay as they are", async () => {
	const { studio, id } = await large();
	const change = async () => {
		const { version } = await studio.call("key/read", { key: "k:1" });
		await studio.call("key/save", { key: "k:1", value: '"later"', version });
	};
	const input = { at: id, keys: [{ key: "k:1" }] };
	expect(await cancelledSoon(studio, "backups/restore-keys", input, change)).toMatchObject({ code: "ABORT_ERR" });
	expect(await studio.call("key/read", { key: "k:1" })).toMatchObject({ value: '"later"' });
});

test("a page that is closed ends what it has asked for", async () => {
	const { studio } = await large();
	let ended;
	for (let turn = 0; turn < 50 && ended?.name !== "AbortError"; turn++) {
		const controller = new AbortController();
		const { answer } = await underWay(studio, "backups/verify", {}, { signal: controller.signal });
		controller.abort();
		ended = await answer.catch((error) => error);
		await until(() => !studio.session.works.has("w"), "its end");
	}
	expect(ended).toMatchObject({ name: "AbortError" });
});

test("an import is cancelled while it is under way, and no key of it is there", async () => {
	const file = await fileWith((store) => store.appData.set({ key: "own", value: 1 }));
	const studio = await startStudio({ file, write: true });
	const lines = Array.from({ length: 30_000 }, (_, n) => `{"key":"new:${n}","value":${n}}`).join("\n");
	const { upload } = await studio.call("import/upload", Buffer.from(lines));
	const empty = () => fileWith((store) => store.appData.deleteLike("new:%"), file);
	for (const dryRun of [true, false]) {
		const error = await cancelledSoon(studio, "import/run", { upload, dryRun }, empty);
		expect(error).toMatchObject({ code: "ABORT_ERR" });
		expect((await studio.call("keys/list")).keys.map(({ key }) => key)).toEqual(["own"]);
	}
	expect(await studio.call("import/run", { upload })).toMatchObject({ keys: 30_000 });
});

test("the deletion of many keys is cancelled, and all of them are there", async () => {
	const fill = (store) => store.appData.set(Array.from({ length: 20_000 }, (_, n) => ({ key: `k:${n}`, value: n })));
	const file = await fileWith(fill);
	const studio = await startStudio({ file, write: true });
	const input = { filter: "%k:%", expected: 20_000 };
	const refill = () => fileWith(fill, file);
	expect(await cancelledSoon(studio, "keys/delete", input, refill)).toMatchObject({ code: "ABORT_ERR" });
	expect((await studio.call("keys/count", { filter: "%k:%", all: true })).count).toBe(20_000);
	expect(await studio.call("keys/delete", input)).toEqual({ deleted: 20_000 });
});

test("a download that is cancelled or fails is cut off, and holds up nobody", async () => {
	const { file, studio } = await large();
	const sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
	for (let turn = 0; turn < 8; turn++) {
		const { address } = await studio.call("sql/download", { sql, format: "csv" });
		const response = await fetch(`http://${studio.host}${address}`);
		for await (const _ of response.body) break;
	}
	expect((await studio.call("sql/run", { sql: "SELECT 1" })).rows).toEqual([[1]]);
	const bot = openDataStore({ filename: file, backup: false });
	onTestFinished(() => bot.close());
	await bot.sqlite.run("UPDATE __rootapp_kv SET value = 'not JSON' WHERE key = 'k:999'");
	await bot.appData.set({ key: "long", value: "x".repeat(1 << 20) });
	await bot.sqlite.run("INSERT INTO __rootapp_kv (key, value) VALUES ('last', 'not JSON')");
	const { address } = await studio.call("export");
	const exported = fetch(`http://${studio.host}${address}`).then(async (response) => {
		if (!response.ok) throw new Error((await response.json()).error.code);
		return response.text();
	});
	await expect(exported).rejects.toThrow();
});
