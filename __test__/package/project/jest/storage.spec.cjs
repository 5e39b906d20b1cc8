"use strict";

const { join } = require("node:path");
const { mkdtempSync } = require("node:fs");
const { tmpdir } = require("node:os");

const { openDataStore, RootcellarError } = require("rootcellar");

const folder = mkdtempSync(join(tmpdir(), "rootcellar-jest-"));

test("a value that was set is read back", async () => {
	const store = openDataStore({ filename: join(folder, "values.sqlite3"), backup: false });
	await store.appData.set({ key: "profile:ada", value: { xp: 10 } });
	expect(await store.appData.get("profile:ada")).toEqual({ xp: 10 });
	expect(await store.appData.select("%")).toEqual([{ key: "profile:ada", value: { xp: 10 } }]);
	await store.close();
});

test("errors belong to Jest's realm", async () => {
	const store = openDataStore({ filename: join(folder, "errors.sqlite3"), backup: false });
	const invalid = await store.appData.get(null).catch((error) => error);
	expect(invalid).toBeInstanceOf(TypeError);
	expect(invalid).toBeInstanceOf(Error);
	expect(invalid.code).toBe("ERR_INVALID_ARGUMENT");

	const thrown = new RangeError("from the function");
	await expect(
		store.appData.update(
			"xp",
			() => {
				throw thrown;
			},
			0,
		),
	).rejects.toBe(thrown);

	await store.close();
	const closed = await store.appData.get("xp").catch((error) => error);
	expect(closed).toBeInstanceOf(RootcellarError);
	expect(closed).toBeInstanceOf(Error);
	expect(closed.code).toBe("ERR_STORE_CLOSED");
});

test("an error that SQLite raised belongs to Jest's realm", async () => {
	const store = openDataStore({ filename: folder, backup: false });
	const error = await store.appData.get("xp").catch((caught) => caught);
	expect(error).toBeInstanceOf(RootcellarError);
	expect(error).toBeInstanceOf(Error);
	expect(error.code).toBe("SQLITE_CANTOPEN_ISDIR");
	await store.close();
});

test("expiry dates belong to Jest's realm", async () => {
	const store = openDataStore({ filename: join(folder, "dates.sqlite3"), backup: false });
	const expiresAt = new Date(Date.now() + 60_000);
	await store.appData.set({ key: "motd", value: "hello", expiresAt });
	const [entry] = await store.appData.select("motd");
	expect(entry.expiresAt).toBeInstanceOf(Date);
	expect(entry.expiresAt).toEqual(expiresAt);
	await store.close();
});

test("after jest.resetModules() a second copy of the package shares the file's engine", async () => {
	const filename = join(folder, "shared.sqlite3");
	const first = openDataStore({ filename, backup: false });
	await first.appData.set({ key: "xp", value: 0 });

	jest.resetModules();
	const again = require("rootcellar");
	expect(again.openDataStore).not.toBe(openDataStore);
	const second = again.openDataStore({ filename, backup: false });

	const increments = [first, second].flatMap(({ appData }) =>
		Array.from({ length: 100 }, () => appData.update("xp", (xp) => xp + 1, 0)),
	);
	await Promise.all(increments);
	expect(await first.appData.get("xp")).toBe(200);

	await first.close();
	expect(await second.appData.get("xp")).toBe(200);
	await second.close();
});
