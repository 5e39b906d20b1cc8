// Backups on a server that speaks the protocol of Azure.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { raw } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { detectsSecondWriter, lose, openBackedUp, rarely } from "../backups.mjs";
import { CREDENTIALS, replicaOf, startServer, urlOf } from "./azure-server.mjs";
import { comesBack, isNeverPutOverAnothers } from "./large-backups.mjs";
import { startLine } from "./line.mjs";
import { installed, restoreReplica } from "./litestream/litestream.mjs";

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

test("a new machine has what the old one had, to the moment, and Litestream has the same", {
	timeout: 300_000,
}, async () => {
	const { directory, port, file, url } = await machine();
	const store = openBackedUp(file, rarely(url));
	await store.appData.set({ key: "k", value: 1 });
	const first = await store.backups.create();
	await sleep(5);
	await store.appData.set({ key: "k", value: 2 });
	await store.backups.create();
	expect(store.backups.status().destination).toBe("az://container/my bot/backups");
	const [then, newest] = ["then", "newest"].map((name) => join(directory, `${name}.sqlite3`));
	await store.backups.restore({ at: first.createdAt, to: then });
	expect(await raw(then, "select value from __rootapp_kv")).toEqual([{ value: "1" }]);
	await store.backups.restore({ to: newest });
	expect(await store.backups.verify()).toMatchObject({ isComplete: true });
	for (const version of installed()) {
		const output = join(directory, `${version}.sqlite3`);
		await restoreReplica(replicaOf(port), version, output);
		expect(readFileSync(output).equals(readFileSync(newest)), version).toBe(true);
		await restoreReplica(replicaOf(port), version, `${output}.then`, ["-txid", first.id]);
		expect(readFileSync(`${output}.then`).equals(readFileSync(then)), version).toBe(true);
	}
	await store.close();
	lose(file);
	expect(await openBackedUp(file, rarely(url)).appData.get("k")).toBe(2);
});

test("a second writer is detected by a condition on the put, and histories are not mixed", {
	timeout: 300_000,
}, async () => {
	await detectsSecondWriter(await machine());
});

test("a backup that is put in parts comes back to the byte", { timeout: 300_000 }, async () => {
	await comesBack(await machine());
});

test("a backup that is put in parts is never put over another writer's", { timeout: 300_000 }, async () => {
	const { directory, file, port } = await machine();
	const line = await startLine(port);
	await isNeverPutOverAnothers({ directory, file, line, url: urlOf(line.port) }, urlOf(port));
});

test("wrong credentials are said, and not shown", { timeout: 300_000 }, async () => {
	const { file, url } = await machine();
	const key = Buffer.from("another secret").toString("base64");
	process.env.AZURE_STORAGE_ACCOUNT_KEY = key;
	try {
		const store = openBackedUp(file, { ...rarely(url), shutdownTimeoutMs: 0 });
		const error = await store.appData.get("k").catch((caught) => caught);
		expect(error.code).toBe("ERR_BACKUP_DESTINATION");
		expect(error.message).not.toContain(key);
	} finally {
		Object.assign(process.env, CREDENTIALS);
	}
});
