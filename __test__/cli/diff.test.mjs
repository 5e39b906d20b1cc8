// The command `diff`: what differs, for people and for programs, with and without the file.

import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, test } from "vitest";
import { lose } from "../backup/backups.mjs";
import { failure, rootcellar, stored } from "./cli.mjs";

/** Changes what {@link stored} has made: keys of two communities, an expiry, a text that is not JSON, tables. */
async function changed(file) {
	const store = openDataStore({ filename: file });
	await store.appData.set([
		{ key: "k", value: 3 },
		{ key: "new\nline", value: "y".repeat(100), communityId: "c" },
		{ key: "soon", value: { a: 1 }, expiresAt: 9e12 },
	]);
	await store.sqlite.exec(
		"CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t (x) VALUES (1), (2); " +
			"INSERT INTO __rootapp_kv (key, value) VALUES ('odd', '{')",
	);
	const { id } = await store.backups.create();
	await store.close();
	return id;
}

test("says each key, and the numbers", async () => {
	const { file, ids } = await stored();
	const id = await changed(file);
	const { code, stdout, stderr } = await rootcellar(["diff", "-f", file, "--at", ids[0]]);
	expect([code, stderr]).toEqual([0, ""]);
	const [first, ...lines] = stdout.trimEnd().split("\n");
	expect(first).toBe('~ "k"  1 -> 3');
	expect(lines.slice(0, 3)).toEqual([
		'+ "odd"  "{"',
		`+ "soon"  {"a":1} until ${new Date(9e12).toISOString()}`,
		`+ "c" "new\\nline"  "${"y".repeat(59)}...`,
	]);
	expect(lines[3]).toMatch(new RegExp(`^from 20.*Z \\(${ids[0]}\\) to now:$`));
	expect(lines.slice(4)).toEqual(["keys: 3 added, 0 removed, 1 changed", 'table "t": made, with 2 rows']);

	const back = await rootcellar(["diff", "-f", file, "--at", id, "--to", ids[1], "--community", "", "--prefix", "k"]);
	expect(back.stdout.split("\n")[0]).toBe('~ "k"  3 -> 2');
	expect(back.stdout).toContain("keys: 0 added, 0 removed, 1 changed");
	expect(back.stdout).toContain('table "t": dropped, with 2 rows');
	const none = await rootcellar(["diff", "-f", file, "--at", id]);
	expect(none.stdout).toMatch(/^from [^\n]*\nkeys: 0 added, 0 removed, 0 changed\n$/);
});

test("writes lines of JSON, and needs no file for two backups", async () => {
	const { file, ids } = await stored();
	const id = await changed(file);
	lose(file);
	const { code, stdout, stderr } = await rootcellar(["diff", "-f", file, "--at", ids[1], "--to", id, "--json"]);
	expect([code, stderr]).toEqual([0, ""]);
	const lines = stdout.trimEnd().split("\n").map(JSON.parse);
	expect(lines.slice(0, -1)).toEqual([
		{ key: "k", before: { value: 2 }, after: { value: 3 } },
		{ key: "odd", before: null, after: { text: "{" } },
		{ key: "soon", before: null, after: { value: { a: 1 }, expiresAt: 9e12 } },
		{ key: "new\nline", communityId: "c", before: null, after: { value: "y".repeat(100) } },
	]);
	expect(lines.at(-1)).toEqual({
		summary: {
			at: { id: ids[1], createdAt: expect.any(String) },
			to: { id, createdAt: expect.any(String) },
			keys: { added: 3, removed: 0, changed: 1 },
			tables: [{ name: "t", rowsAfter: 2, added: 2, removed: 0, changed: 0, isSchemaChanged: false }],
		},
	});
	expect((await failure(["diff", "-f", file, "--at", id])).code).toBe("ERR_NOT_FOUND");
});

test("says what is wrong with what it was given", async () => {
	const { directory, file } = await stored();
	for (const args of [
		[],
		["--at", "yesterday"],
		["--at", "2025-02-30"],
		["--at", "0123"],
		["--at", "2025-01-01", "--to", ""],
	]) {
		expect((await rootcellar(["diff", "-f", file, ...args])).code).toBe(2);
	}
	expect((await failure(["diff", "-f", file, "--at", "2000-01-01"])).code).toBe("ERR_BACKUP_NOT_FOUND");
	expect((await failure(["diff", "-f", file, "--at", "ffffffffffffffff"])).code).toBe("ERR_BACKUP_NOT_FOUND");
	const empty = join(directory, "empty");
	expect((await failure(["diff", "-f", file, "-u", empty, "--at", "2025-01-01"])).code).toBe("ERR_BACKUP_NOT_FOUND");
});
