const { mkdtempSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

test("a store that is loaded and used under fake timers works, selects of several slices included", async () => {
	jest.useFakeTimers();
	const { openDataStore } = require("rootcellar");
	const filename = join(mkdtempSync(join(tmpdir(), "rootcellar-jest-")), "store.sqlite3");
	const { appData, close } = openDataStore({ filename, backup: false });
	await appData.set(Array.from({ length: 2_500 }, (_, i) => ({ key: `k${i}`, value: i })));
	expect(await appData.get("k7")).toBe(7);
	expect(await appData.update("k7", (n) => n + 1, 0)).toBe(8);
	expect(await appData.select("k%")).toHaveLength(2_500);

	await appData.set({ key: "soon", value: 1, expiresAt: Date.now() + 60_000 });
	jest.setSystemTime(Date.now() + 60_001);
	expect(await appData.get("soon")).toBeUndefined();
	await close();
});
