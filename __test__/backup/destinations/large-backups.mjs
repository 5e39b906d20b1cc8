// Backups that are too large for one request, at any object store.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { expectFailure } from "../../helpers/errors.mjs";
import { lose, openBackedUp } from "../backups.mjs";

/** Above what is put in one request. */
const LARGE_BYTES = 20 << 20;

/** Writes something that no compression makes smaller. */
export function writeLarge(store, bytes = LARGE_BYTES) {
	return store.sqlite.run("insert into large values (?)", [randomBytes(bytes)]);
}

/** A store with a table for it, whose backups are made when they are asked for. */
export async function openForLarge(file, url) {
	const store = openBackedUp(file, { url, intervalMs: 100_000 });
	await store.sqlite.run("create table if not exists large (x)");
	await store.backups.create();
	return store;
}

/** A large backup comes back to the byte, on a machine that has nothing else. */
export async function comesBack({ file, url }) {
	const store = await openForLarge(file, url);
	await writeLarge(store);
	const { id } = await store.backups.create();
	await store.close();
	const written = readFileSync(file);
	lose(file);
	const next = openBackedUp(file, { url, intervalMs: 100_000 });
	expect(await next.sqlite.get("select count(*) as count from large")).toEqual({ count: 1 });
	const to = `${file}.copy`;
	await next.backups.restore({ id, to });
	expect(readFileSync(to).equals(written)).toBe(true);
}

/**
 * Two writers, of which the second is done while the first, over a line that is held up, has asked whether it may and
 * sent some parts: what is there is the second's, and the first learns of it.
 */
export async function isNeverPutOverAnothers({ directory, file, line, url }, urlOfOther) {
	const first = await openForLarge(file, url);
	// A machine that has nothing begins where the other is. It only reads: what it writes would be a backup already.
	const otherFile = join(directory, "other.sqlite3");
	const second = openBackedUp(otherFile, { url: urlOfOther, intervalMs: 100_000 });
	expect(await second.sqlite.get("select count(*) as count from large")).toEqual({ count: 0 });
	const isHeldUp = line.holdAfter(4 << 20);
	await writeLarge(first);
	const refused = expectFailure(() => first.backups.create(), "ERR_BACKUP_CONFLICT");
	const isEarly = refused.then(() => Promise.reject(new Error("refused before anything was sent")));
	await Promise.race([isHeldUp, isEarly]);
	await second.sqlite.run("insert into large values ('the second')");
	const { id } = await second.backups.create();
	line.release();
	await refused;
	const to = join(directory, "copy.sqlite3");
	await second.backups.restore({ id, to });
	await second.close();
	expect(readFileSync(to).equals(readFileSync(otherFile))).toBe(true);
}
