// The backups of a store in the studio: how they stand, a look at a moment, the way back, and the way back from that.

import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFile } from "../helpers/store.mjs";
import { hashOf, result, startStudio } from "./studio.mjs";

/** A bot at work on a file with two states: in the first `a` is 1, and `b` is there. */
async function botWithStates({ isOpen = true } = {}) {
	const file = temporaryFile();
	const url = `${file}.backup`;
	const bot = openDataStore({ filename: file, backup: { url } });
	onTestFinished(() => bot.close());
	await bot.sqlite.exec("CREATE TABLE t (n INTEGER)");
	await bot.sqlite.run("INSERT INTO t VALUES (1), (2)");
	await bot.appData.set([
		{ key: "a", value: 1 },
		{ key: "b", value: { exact: 1.5 } },
		{ key: "same", value: 0 },
		{ key: "a", value: 1, communityId: "c1" },
	]);
	const { id } = await bot.backups.create();
	await bot.appData.set([
		{ key: "a", value: 2 },
		{ key: "new", value: 3 },
		{ key: "a", value: 5, communityId: "c1" },
	]);
	await bot.appData.delete("b");
	await bot.sqlite.run("DELETE FROM t WHERE n = 1");
	await bot.backups.create();
	if (!isOpen) await bot.close();
	return { file, url, bot, id };
}

/** Restores that the page shows. */
const restoresOf = async (studio) => (await studio.call("backups/status")).restores;

/** Everything that a store holds. */
async function contentOf(store) {
	const keys = await store.sqlite.all(
		"SELECT key, community_id, value, expires_at FROM __rootapp_kv ORDER BY community_id, key",
	);
	return JSON.stringify([keys, await store.sqlite.all("SELECT * FROM t ORDER BY n")]);
}

test("how the backups stand is told for a file that a bot has open, and for backups alone", async () => {
	const { file, url, id } = await botWithStates();
	const studio = await startStudio({ file, url });
	const status = await studio.call("backups/status");
	expect(status).toMatchObject({ isServed: true, lag: { state: "none" } });
	expect(status.backups.map(([found]) => found)).toContain(id);
	const alone = await startStudio({ url, moment: status.backups[0][0] });
	expect((await alone.call("backups/status")).total).toBeGreaterThanOrEqual(2);
	expect((await alone.call("keys/list")).keys.map(({ key }) => key)).toEqual(["a", "new", "same"]);
	expect(await alone.failure("key/save", { key: "x", value: "1" })).toMatchObject({ status: 403 });
	const off = await startStudio({ file });
	expect(await off.call("backups/status")).toEqual({ isOff: true });
});

test("a moment is shown on every screen, as it was, while the file stays as it is", async () => {
	const { file, url, id } = await botWithStates({ isOpen: false });
	const studio = await startStudio({ file, url });
	const before = hashOf(file);
	const { id: opened } = await result(studio, "backups/open", { id });
	expect(opened).toBe(id);
	expect(await studio.call("key/read", { key: "a", moment: id })).toMatchObject({ value: "1" });
	expect(await studio.call("key/read", { key: "a" })).toMatchObject({ value: "2" });
	expect((await studio.call("sql/run", { sql: "SELECT n FROM t", moment: id })).rows).toEqual([[1], [2]]);
	expect((await studio.call("table/rows", { table: "t" })).rows).toEqual([[2]]);
	expect((await studio.call("keys/level", { moment: id })).nodes.map(({ key }) => key)).toEqual(["a", "b", "same"]);
	const { address } = await studio.call("backups/download", { id });
	const saved = Buffer.from(await (await fetch(`http://${studio.host}${address}`)).arrayBuffer());
	expect(saved.subarray(0, 15).toString()).toBe("SQLite format 3");
	for (const moment of ["0000000000009999", "../../etc", 5]) {
		expect((await studio.request("keys/list", { moment })).ok).toBe(false);
	}
	expect(hashOf(file)).toBe(before);
	const verified = await result(studio, "backups/verify", {});
	expect(verified).toMatchObject({ isComplete: true });
});

test("a moment that somebody uses stays as long, however many others are opened, and the newest two are kept", async () => {
	const { file, url, id, bot } = await botWithStates();
	const later = [];
	for (let n = 10; n < 13; n++) {
		await bot.appData.set({ key: "a", value: n });
		later.push((await bot.backups.create()).id);
	}
	const studio = await startStudio({ file, url });
	let release;
	const held = new Promise((resolve) => (release = resolve));
	const reading = studio.session.read(id, async ({ appData }) => {
		await held;
		return appData.get("a");
	});
	const { address } = await studio.call("backups/download", { id: later[0] });
	for (const [at, moment] of later.entries()) {
		expect(await studio.call("key/read", { key: "a", moment })).toMatchObject({ value: String(10 + at) });
	}
	release();
	expect(await reading).toBe(1);
	expect(readdirSync(dirname(file)).filter((name) => name.startsWith(".rootcellar-"))).toHaveLength(2);
	// What was offered is there, also of a moment that is not open any more.
	const saved = await fetch(`http://${studio.host}${address}`);
	expect(Buffer.from(await saved.arrayBuffer()).toString("latin1")).toMatch(/^SQLite format 3/);
});

test("the difference of a moment to now has every key, and the chosen ones are put back and taken back again", async () => {
	const { file, url, id, bot } = await botWithStates();
	const studio = await startStudio({ file, url, write: true });
	const before = await contentOf(bot);
	const difference = await result(studio, "backups/diff", { at: id });
	expect(
		difference.keys.map(({ key, community, before, after }) => [community, key, before?.json, after?.json]),
	).toEqual([
		[undefined, "a", "1", "2"],
		[undefined, "b", '{"exact":1.5}', undefined],
		[undefined, "new", undefined, "3"],
		["c1", "a", "1", "5"],
	]);
	expect(difference.told).toMatchObject({
		keys: { added: 1, removed: 1, changed: 2 },
		tables: [{ name: "t", rowsBefore: 2, rowsAfter: 1 }],
	});
	const keys = [{ key: "b" }, { key: "new" }, { key: "a", community: "c1" }];
	await studio.call("backups/restore-keys", { at: id, keys });
	expect(await bot.kv.getMany(["a", "b", "new"])).toEqual([2, { exact: 1.5 }, undefined]);
	expect(await bot.appData.get("a", "c1")).toBe(1);
	const [restored] = await restoresOf(studio);
	expect(restored).toMatchObject({ keys: 3, isUndone: false });
	await result(studio, "backups/undo", { restore: restored.id });
	expect(await contentOf(bot)).toBe(before);
	await expect(result(studio, "backups/undo", { restore: restored.id })).rejects.toMatchObject({
		code: "ERR_INVALID_ARGUMENT",
	});
	// An undo is a restore, too.
	const [undone, first] = await restoresOf(studio);
	expect([undone.undoes, first.isUndone]).toEqual([restored.id, true]);
	await result(studio, "backups/undo", { restore: undone.id });
	expect(await bot.appData.get("b")).toEqual({ exact: 1.5 });
});

test("everything is restored while a bot has the file open, and undone to the same content", async () => {
	const { file, url, id, bot } = await botWithStates();
	const studio = await startStudio({ file, url, write: true });
	const before = await contentOf(bot);
	await result(studio, "backups/restore", { id });
	expect(await bot.kv.getMany(["a", "b", "new"])).toEqual([1, { exact: 1.5 }, undefined]);
	expect(await bot.sqlite.all("SELECT n FROM t ORDER BY n")).toEqual([{ n: 1 }, { n: 2 }]);
	const [restored] = await restoresOf(studio);
	expect(restored).toMatchObject({ isUndone: false, moment: expect.any(Number) });
	await result(studio, "backups/undo", { restore: restored.id });
	expect(await contentOf(bot)).toBe(before);
});

test("a destination without an answer is said, and nothing else fails because of it", async () => {
	const { file, bot } = await botWithStates({ isOpen: false });
	await bot.close();
	const studio = await startStudio({ file, url: "s3://bucket/prefix?endpoint=http://127.0.0.1:1" });
	process.env.AWS_ACCESS_KEY_ID ??= "none";
	process.env.AWS_SECRET_ACCESS_KEY ??= "none";
	const [status, page] = await Promise.all([studio.request("backups/status"), studio.call("keys/list")]);
	expect(page.keys).toHaveLength(3);
	expect((await status.json()).error.code).toMatch(/^ERR_(BACKUP|INVALID)/);
});
