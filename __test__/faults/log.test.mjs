// A log that another process checkpoints, switches off or deletes under an open store.

import { readdirSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { startModule } from "../helpers/child.mjs";
import { expectFailure } from "../helpers/errors.mjs";
import { expectSound, rawConnection } from "../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { load } from "./load.mjs";

const windows = process.platform === "win32";
const OPEN = "const store = openDataStore({ filename: process.argv[1], backup: false });\nconst { appData } = store;\n";

describe("a log that another process tampers with", () => {
	test.each(["passive", "full", "restart", "truncate"])(
		"by a checkpoint (%s), again and again: nothing is lost and reads are fresh",
		async (mode) => {
			const filename = temporaryFile();
			const store = temporaryStore(filename);
			const { appData } = store;
			await appData.set({ key: "foreign", value: 0 });
			const other = rawConnection(filename);
			await other.run("pragma busy_timeout = 5000");
			const stop = load(appData);
			let checkpoints = 0;
			const end = performance.now() + 600;
			while (performance.now() < end || checkpoints < 10) {
				checkpoints++;
				await other.run(`update __rootapp_kv set value = '${checkpoints}' where key = 'foreign'`);
				expect(await appData.get("foreign")).toBe(checkpoints);
				await other.run(`pragma wal_checkpoint(${mode})`);
				expect(await appData.get("foreign")).toBe(checkpoints);
			}
			const { sets } = await stop();
			await store.close();
			await expectSound(filename);
			console.log(`checkpoints (${mode}): ${checkpoints}, ${sets} sets meanwhile, 0 lost`);
		},
		300_000,
	);

	test("by switching the journal mode under an open store: refused, and nothing is lost", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		await store.appData.set({ key: "k", value: 1 });
		const other = rawConnection(filename);
		const stop = load(store.appData);
		let attempts = 0;
		const end = performance.now() + 500;
		while (performance.now() < end || attempts < 5) {
			attempts++;
			await expect(other.run("pragma journal_mode = delete")).rejects.toThrow(/locked|busy/i);
			expect(await other.run("pragma journal_mode")).toEqual([{ journal_mode: "wal" }]);
		}
		const { sets } = await stop();
		await store.close();
		await expectSound(filename);
		console.log(`journal mode switches: ${attempts} refused, ${sets} sets meanwhile, 0 lost`);
	}, 300_000);

	// SQLite counts this among the ways to corrupt a database ("How To Corrupt An SQLite Database File", 1.4):
	// connections that have the log go on with it although it has no name any more, and those opened later fail.
	test.skipIf(windows)(
		"by deleting it: what has it open goes on, and closing brings everything into the file",
		async () => {
			const filename = temporaryFile();
			const store = temporaryStore(filename);
			const { appData } = store;
			await appData.set({ key: "k", value: 0 });
			expect(await appData.get("k")).toBe(0);
			expect(await appData.selectValue("%")).toEqual([0]);
			rmSync(`${filename}-wal`);
			for (let i = 1; i <= 50; i++) await appData.update("k", (n) => n + 1, 0);
			expect(await appData.get("k")).toBe(50);
			expect(await appData.selectValue("%")).toEqual([50]);
			const late = temporaryStore(filename);
			await expectFailure(() => late.appData.get("k"), "SQLITE_IOERR_SHORT_READ");
			await late.close();
			await store.close();
			expect(readdirSync(dirname(filename))).toEqual([basename(filename)]);
			await expectSound(filename);
			expect(await temporaryStore(filename).appData.get("k")).toBe(50);
		},
	);

	test.skipIf(windows)(
		"by deleting it before the process is killed: the file is as of the last checkpoint, and sound",
		async () => {
			const filename = temporaryFile();
			const child = startModule(
				`${OPEN}import { rmSync } from "node:fs";
			await appData.set({ key: "old", value: "old" });
			await store.close();
			const { appData: again } = openDataStore({ filename: process.argv[1], backup: false });
			await again.set({ key: "new", value: "new" });
			rmSync(process.argv[1] + "-wal");
			await again.set({ key: "newer", value: "newer" });
			process.kill(process.pid, "SIGKILL");`,
				{ args: [filename] },
			);
			expect(await child.ended).toMatchObject({ signal: "SIGKILL", stderr: "" });
			const { appData } = temporaryStore(filename);
			expect(await appData.selectValue("%")).toEqual(["old"]);
			await appData.set({ key: "next", value: 1 });
			await expectSound(filename);
		},
		300_000,
	);
});
