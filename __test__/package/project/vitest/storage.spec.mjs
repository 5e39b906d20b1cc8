import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataStore, RootcellarError } from "rootcellar";
import { expect, test, vi } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "rootcellar-vitest-"));

test("a value that was set is read back", async () => {
	const store = openDataStore({ filename: join(folder, "values.sqlite3"), backup: false });
	await store.appData.set({ key: "profile:ada", value: { xp: 10 } });
	expect(await store.appData.get("profile:ada")).toEqual({ xp: 10 });
	await store.close();
});

test("errors are instances of the classes that a test sees", async () => {
	const store = openDataStore({ filename: join(folder, "errors.sqlite3"), backup: false });
	await expect(store.appData.get(null)).rejects.toBeInstanceOf(TypeError);
	await store.close();
	await expect(store.appData.get("xp")).rejects.toBeInstanceOf(RootcellarError);
	await expect(store.appData.get("xp")).rejects.toMatchObject({ code: "ERR_STORE_CLOSED" });
});

test("after vi.resetModules() the package works and shares the file's engine", async () => {
	const filename = join(folder, "shared.sqlite3");
	const first = openDataStore({ filename, backup: false });
	vi.resetModules();
	const again = await import("rootcellar");
	const second = again.openDataStore({ filename, backup: false });
	const increments = [first, second].flatMap(({ appData }) =>
		Array.from({ length: 100 }, () => appData.update("xp", (xp) => xp + 1, 0)),
	);
	await Promise.all(increments);
	expect(await first.appData.get("xp")).toBe(200);
	await Promise.all([first.close(), second.close()]);
});
