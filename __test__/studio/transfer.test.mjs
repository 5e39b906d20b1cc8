// Import and export in the studio: tried first, all or none, and what comes out goes in again.

import { dirname } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, test } from "vitest";
import { temporaryFile } from "../helpers/store.mjs";
import { fileWith, hashOf, startStudio } from "./studio.mjs";

const LINES = ['{"key":"a","value":{"x":1}}', '{"key":"b","communityId":"c1","value":"t"}'].join("\n");

async function exported(studio, input = {}) {
	const { address } = await studio.call("export", input);
	return (await fetch(`http://${studio.host}${address}`)).text();
}

test("what is exported is imported again, after a trial that writes nothing", async () => {
	const expiresAt = new Date(Date.now() + 3_600_000);
	const from = await fileWith((store) =>
		store.appData.set([
			{ key: "a", value: { text: "\u2028 <b>", n: 1.5 } },
			{ key: "b", value: 1, expiresAt },
			{ key: "c", value: null, communityId: "c1" },
		]),
	);
	const source = await startStudio({ file: from });
	const text = await exported(source);
	expect(text.split("\n").filter(Boolean)).toHaveLength(3);
	expect((await exported(source, { community: "c1" })).split("\n").filter(Boolean)).toHaveLength(1);
	const file = await fileWith((store) => store.appData.set({ key: "own", value: 1 }));
	const studio = await startStudio({ file, write: true });
	const { upload, bytes } = await studio.call("import/upload", Buffer.from(text));
	expect(bytes).toBe(Buffer.byteLength(text));
	const tried = await studio.call("import/run", { upload, dryRun: true });
	expect(tried).toMatchObject({ keys: 3, refused: { keys: 0 } });
	expect((await studio.call("keys/list")).keys.map(({ key }) => key)).toEqual(["own"]);
	expect(await studio.call("import/run", { upload })).toMatchObject({ keys: 3 });
	expect((await exported(studio)).split("\n").filter((line) => !line.includes('"own"'))).toEqual(text.split("\n"));
	// A key that exists is no key to import, unless that is wanted.
	const again = await studio.failure("import/run", { upload });
	expect(again).toMatchObject({ status: 409, code: "ERR_KEY_EXISTS" });
	expect(again.message).not.toMatch(/--|upload/);
	expect(await studio.call("import/run", { upload, force: true })).toMatchObject({ keys: 3 });
});

test("a trial tells what cannot be imported, and an import of that changes nothing", async () => {
	const file = await fileWith((store) => store.appData.set({ key: "own", value: 1 }));
	const studio = await startStudio({ file, write: true });
	const send = async (body) => (await studio.call("import/upload", Buffer.from(body))).upload;
	const documents = await send('{"good":1,"\\ud800":2}');
	const tried = await studio.call("import/run", { upload: documents, from: "json", split: 1, dryRun: true });
	expect(tried).toMatchObject({
		keys: 1,
		refused: { keys: 1, first: [expect.objectContaining({ refused: expect.any(String) })] },
	});
	expect(await studio.failure("import/run", { upload: documents, from: "json", split: 1 })).toMatchObject({
		status: 400,
	});
	expect(
		await studio.call("import/run", { upload: documents, from: "json", split: 1, skip: true, prefix: "in:" }),
	).toMatchObject({ keys: 1 });
	expect((await studio.call("keys/list")).keys.map(({ key }) => key)).toEqual(["in:good", "own"]);
	const lines = await send('{"key":"x","value":1}\n{"key":"y"}');
	const refused = await studio.failure("import/run", { upload: lines });
	expect(refused).toMatchObject({ status: 400, code: "ERR_INVALID_INPUT", message: expect.stringContaining("line 2") });
	const other = await send("not a database");
	for (const from of ["quick.db", "enmap", "keyv", "rootcellar", "json"]) {
		const { code, message } = await studio.failure("import/run", { upload: other, from, dryRun: true });
		expect([from, code]).toEqual([from, "ERR_INVALID_INPUT"]);
		// The person who has sent it knows nothing of a temporary file.
		expect(message).toMatch(/^the file /);
		expect(message).not.toContain(dirname(file));
	}
	expect((await studio.call("keys/list")).keys).toHaveLength(2);
	for (const input of [
		{ upload: "99" },
		{ upload: other, from: "/etc" },
		{ upload: other, from: "json", split: 0 },
		{ upload: 5 },
	]) {
		expect([400, 404]).toContain((await studio.failure("import/run", input)).status);
	}
});

test("a file of another store is imported, and without --write it is only tried", async () => {
	const { readFileSync } = await import("node:fs");
	const from = await fileWith((store) => store.appData.set({ key: "theirs", value: [1] }));
	const file = await fileWith((store) => store.appData.set({ key: "own", value: 1 }));
	const studio = await startStudio({ file });
	const before = hashOf(file);
	const { upload } = await studio.call("import/upload", readFileSync(from));
	expect(await studio.call("import/run", { upload, from: "rootcellar", dryRun: true })).toMatchObject({ keys: 1 });
	expect(await studio.failure("import/run", { upload, from: "rootcellar" })).toMatchObject({
		status: 403,
		code: "ERR_READ_ONLY",
	});
	expect(hashOf(file)).toBe(before);
});

test("lines go into a store that other programs use at the same time", async () => {
	const file = temporaryFile();
	const bot = openDataStore({ filename: file, backup: false });
	await bot.appData.set({ key: "own", value: 1 });
	const studio = await startStudio({ file, write: true });
	const { upload } = await studio.call("import/upload", Buffer.from(LINES));
	const [done] = await Promise.all([
		studio.call("import/run", { upload, community: "c1" }),
		...Array.from({ length: 50 }, (_, n) => bot.appData.set({ key: `own:${n}`, value: n })),
	]);
	expect(done).toMatchObject({ keys: 1, skipped: 1 });
	expect(await bot.appData.get("b", "c1")).toBe("t");
	expect(await bot.kv.count()).toBe(51);
	await bot.close();
});
