// Litestream reads what a store has backed up: its own program, and its library for SQLite, without a restore.
// tests/litestream_extended.rs restores what Litestream has written, and compares the states that both choose.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { VFS_VERSIONS, vfsPath } from "../../../../scripts/lib/install/litestream.mjs";
import { raw } from "../../../helpers/raw.mjs";
import { temporaryDirectory } from "../../../helpers/store.mjs";
import { installed, readThrough, restoreFrom } from "./litestream.mjs";

/** A store that was backed up in several steps, one of them by another library. */
async function backedUp() {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	const store = openDataStore({ filename: file, backup: { intervalMs: 100_000 } });
	onTestFinished(() => store.close());
	const ids = [];
	for (let step = 1; step <= 5; step++) {
		await store.appData.set(Array.from({ length: 100 }, (_, index) => ({ key: `k:${index}`, value: { step, index } })));
		await raw(file, "create table if not exists other (x)", `insert into other values (zeroblob(${step * 3000}))`);
		ids.push((await store.backups.create()).id);
	}
	await raw(file, "drop table other", "vacuum");
	ids.push((await store.backups.create()).id);
	return { directory, file, store, ids };
}

test("its program restores the newest state and every other to the bytes that are restored here", {
	timeout: 300_000,
}, async () => {
	const { directory, file, store, ids } = await backedUp();
	const releases = installed();
	for (const id of ids) {
		const ours = join(directory, `${id}.sqlite3`);
		await store.backups.restore({ id, to: ours });
		for (const version of releases) {
			const theirs = join(directory, `${id}-${version}.sqlite3`);
			await restoreFrom(`file://${file}.backup`, version, theirs, ["-txid", id]);
			expect(readFileSync(theirs).equals(readFileSync(ours)), `${version}, ${id}`).toBe(true);
		}
	}
	for (const version of releases) {
		const theirs = join(directory, `newest-${version}.sqlite3`);
		await restoreFrom(`file://${file}.backup`, version, theirs);
		expect(readFileSync(theirs).equals(readFileSync(join(directory, `${ids.at(-1)}.sqlite3`)))).toBe(true);
	}
});

test("its library reads the newest state page by page, and fills a file with its bytes", {
	timeout: 300_000,
}, async () => {
	const { directory, file, store } = await backedUp();
	const query = "select key, value from __rootapp_kv order by rowid";
	const rows = await raw(file, query);
	const ours = join(directory, "ours.sqlite3");
	await store.backups.restore({ to: ours });
	for (const version of installed(VFS_VERSIONS, vfsPath)) {
		const { rows: found, filled, end } = await readThrough(`file://${file}.backup`, version, query, directory);
		expect(found, version).toEqual(rows);
		const isFilled = () => existsSync(filled) && readFileSync(filled).equals(readFileSync(ours));
		await expect.poll(isFilled, { timeout: 60_000, message: version }).toBe(true);
		await end();
	}
});
