// A disk without room, and one that becomes read-only: only what needs the disk is rejected, and all works once it may be written.

import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { expectSound, raw } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { operations } from "../operations.mjs";
import { DISKS, runOnSmallDisk } from "./disks.mjs";

const linux = process.platform === "linux";
const windows = process.platform === "win32";

describe("too little room", () => {
	const kinds = Object.keys(DISKS).filter((kind) => linux || kind === "mounted");

	test.runIf(linux).each(kinds)(
		"%s: only what does not fit is rejected, and all works once there is room",
		async (kind) => {
			const [folder, resultFolder] = [temporaryDirectory(), temporaryDirectory()];
			const { code } = DISKS[kind];
			const result = await runOnSmallDisk("full-disk.mjs", kind, folder, [resultFolder]);

			// One big value among small ones of the same tick.
			expect(result.neighbours).toEqual({ done: 104 });
			for (const end of Object.values(result.big)) expect(end).toMatch(code);
			const kept = [2_000, 2_000];
			expect(result.stored).toEqual({ before: 50, after: 50, with: [], old: 2_000, kept, updated: true, deleted: 39 });
			expect(Object.keys(result.big)).toHaveLength(5);

			// No room at all.
			expect(result.full).toMatchObject({ missing: [], more: 0, get: 2_000, select: 50 });
			expect(result.full.codes).toHaveLength(1);
			expect(result.full.codes[0]).toMatch(code);
			expect(result.openingOnFull).toMatch(/^SQLITE_(FULL|IOERR_WRITE|IOERR_SHMSIZE|IOERR_SHMOPEN|CANTOPEN)$/);

			// Room again.
			expect(result.again).toEqual({ done: 53 });
			expect(result.afterwards).toEqual({ missing: [], more: 0, big: 8 << 20, again: 50, fresh: "works" });
			const copy = join(resultFolder, "store.sqlite3");
			await expectSound(copy);
			const [{ n }] = await raw(copy, "select count(*) as n from __rootapp_kv where key like 'full:%'");
			expect(n).toBe(result.full.acknowledged);
			console.log(
				`${result.way}: ${Object.values(result.big)}, ${result.full.acknowledged} more keys until ${result.full.codes}, 0 lost`,
			);
		},
		300_000,
	);
});

describe("a file that becomes read-only", () => {
	test.runIf(linux)(
		"with its file system: the store says so when it opens, and works once it may be written",
		async () => {
			const result = await runOnSmallDisk("read-only-disk.mjs", "mounted", temporaryDirectory(), []);
			expect(result.readOnly).toEqual(operations({}).map(() => expect.stringMatching(/^SQLITE_(READONLY|CANTOPEN)/)));
			expect(result.message).toContain("options.filename");
			expect(result.afterwards).toEqual(["before", "after"]);
			console.log(`read-only file system: ${result.readOnly[0]}, then writable and all done`);
		},
		300_000,
	);

	// As root every file may be written, so the child becomes another user once all is loaded.
	const CHILD = `
		import { createInterface } from "node:readline";
		const [filename, scratch] = process.argv.slice(1);
		const warm = openDataStore({ filename: scratch, backup: false });
		await warm.appData.set({ key: "k", value: 1 });
		await warm.close();
		if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
		let store = openDataStore({ filename, backup: false });
		const end = (promise) => promise.then((value) => value ?? "done", (error) => error.code);
		for await (const line of createInterface({ input: process.stdin })) {
			const { appData } = store;
			if (line === "close") console.log(JSON.stringify(await end(store.close())));
			else if (line === "reopen") {
				store = openDataStore({ filename, backup: false });
				console.log(JSON.stringify("done"));
			} else console.log(JSON.stringify([
				await end(appData.set({ key: line, value: line })),
				await end(appData.update("n", (n) => n + 1, 0)),
				await end(appData.get("n")),
				await end(appData.selectValue("step%")),
			]));
		}`;

	test.skipIf(windows)(
		"by its permissions while it is open: the store goes on, and only opening it again fails",
		async () => {
			const directory = temporaryDirectory();
			chmodSync(directory, 0o777);
			const folder = join(directory, "folder");
			const filename = join(folder, "store.sqlite3");
			mkdirSync(folder);
			chmodSync(folder, 0o777);
			const child = startModule(CHILD, { args: [filename, join(directory, "scratch.sqlite3")] });
			let answers = 0;
			const ask = async (line) => {
				child.write(`${line}\n`);
				answers += 1;
				await child.lineCount(answers);
				return JSON.parse(child.lines[answers - 1]);
			};
			const names = () => readdirSync(folder).map((name) => join(folder, name));

			expect(await ask("step1")).toEqual(["done", 1, 1, ["step1"]]);
			for (const name of names()) chmodSync(name, 0o444);
			chmodSync(folder, 0o555);
			expect(await ask("step2")).toEqual(["done", 2, 2, ["step1", "step2"]]);
			expect(await ask("close")).toBe("done");
			await ask("reopen");
			const refused = await ask("step3");
			for (const code of refused) expect(code).toMatch(/^SQLITE_(READONLY|CANTOPEN)/);
			chmodSync(folder, 0o777);
			for (const name of names()) chmodSync(name, 0o666);
			expect(await ask("step4")).toEqual(["done", 3, 3, ["step1", "step2", "step4"]]);
			expect(await ask("close")).toBe("done");
			await expectSound(filename);
			console.log(`read-only by permission: open goes on, opened again ${refused[0]}`);
		},
		300_000,
	);
});
