// Backups in the protocol of Google's object store.

import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { raw } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { detectsSecondWriter, lose, openBackedUp, rarely } from "../backups.mjs";
import { CREDENTIALS, startServer, urlOf } from "./google-server.mjs";
import { comesBack, isNeverPutOverAnothers } from "./large-backups.mjs";
import { startLine } from "./line.mjs";

beforeAll(() => Object.assign(process.env, CREDENTIALS));
afterAll(() => {
	for (const name of Object.keys(CREDENTIALS)) delete process.env[name];
});

/** A machine whose backups are on a server of its own. */
async function machine() {
	const directory = temporaryDirectory();
	const port = await startServer(join(directory, "server"));
	return { directory, port, file: join(directory, "bot.sqlite3"), url: urlOf(port) };
}

test("a new machine has what the old one had, to the moment", {
	timeout: 300_000,
}, async () => {
	const { directory, file, url } = await machine();
	const store = openBackedUp(file, rarely(url));
	await store.appData.set({ key: "k", value: 1 });
	const first = await store.backups.create();
	await sleep(5);
	await store.appData.set({ key: "k", value: 2 });
	await store.backups.create();
	expect(store.backups.status().destination).toBe("gs://bucket/my bot/backups");
	const [then, newest] = ["then", "newest"].map((name) => join(directory, `${name}.sqlite3`));
	await store.backups.restore({ at: first.createdAt, to: then });
	expect(await raw(then, "select value from __rootapp_kv")).toEqual([{ value: "1" }]);
	await store.backups.restore({ to: newest });
	expect(await store.backups.verify()).toMatchObject({ isComplete: true });
	await store.close();
	lose(file);
	expect(await openBackedUp(file, rarely(url)).appData.get("k")).toBe(2);
});

test("a second writer is detected by a condition on the put, and histories are not mixed", {
	timeout: 300_000,
}, async () => {
	await detectsSecondWriter(await machine());
});

/** Folder of uploads in parts until they have their names. */
const unnamed = (directory) => join(directory, "server/bucket/my bot/backups/unnamed");

test("a backup that is put in parts comes back to the byte, and lies nowhere else", { timeout: 300_000 }, async () => {
	const one = await machine();
	await comesBack(one);
	expect(readdirSync(unnamed(one.directory))).toEqual([]);
});

test("what never got its name is removed when it is old", { timeout: 300_000 }, async () => {
	const { directory, file, url } = await machine();
	mkdirSync(unnamed(directory), { recursive: true });
	for (const name of ["old", "young"]) writeFileSync(join(unnamed(directory), name), "");
	utimesSync(join(unnamed(directory), "old"), 0, 0);
	const store = openBackedUp(file, rarely(url));
	await store.appData.set({ key: "k", value: 1 });
	await store.backups.create();
	expect(readdirSync(unnamed(directory))).toEqual(["young"]);
});

test("a backup that is put in parts is never put over another writer's", { timeout: 300_000 }, async () => {
	const { directory, file, port } = await machine();
	const line = await startLine(port);
	await isNeverPutOverAnothers({ directory, file, line, url: urlOf(line.port) }, urlOf(port));
});
