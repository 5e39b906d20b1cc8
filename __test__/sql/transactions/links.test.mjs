// A file that is opened under two names is one file: what would wait for a transaction on it rejects at once.

import { linkSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../../helpers/store.mjs";

/** Other names of a file that is there. */
const NAMES = {
	"a symbolic link": (filename) => {
		const link = join(temporaryDirectory(), "link.sqlite3");
		symlinkSync(filename, link);
		return link;
	},
	"a linked folder": (filename) => {
		const folder = join(temporaryDirectory(), "folder");
		symlinkSync(dirname(filename), folder, "junction");
		return join(folder, filename.slice(dirname(filename).length + 1));
	},
	"a way around": (filename) => {
		mkdirSync(join(dirname(filename), "a"));
		return join(dirname(filename), "a", "..", filename.slice(dirname(filename).length + 1));
	},
	"a hard link": (filename) => {
		const link = join(dirname(filename), "hard.sqlite3");
		linkSync(filename, link);
		return link;
	},
};

test.each(Object.entries(NAMES))("through %s", async (_, nameOf) => {
	const filename = temporaryFile();
	const first = temporaryStore(filename);
	await first.appData.set({ key: "a", value: 1 });
	const second = temporaryStore(nameOf(filename));
	for (const [one, other] of [
		[first, second],
		[second, first],
	]) {
		await one.sqlite.transaction(async (tx) => {
			await tx.appData.set({ key: "a", value: 2 });
			for (const write of [
				() => other.appData.set({ key: "a", value: 3 }),
				() => other.sqlite.run("DELETE FROM __rootapp_kv"),
				() => other.sqlite.transaction(async () => {}),
			]) {
				expect((await rejection(write)).code).toBe("ERR_IN_TRANSACTION");
			}
		});
	}
	expect(await second.appData.get("a")).toBe(2);
});

test("a copy of the file is another one", async () => {
	const [first, second] = [temporaryStore(), temporaryStore()];
	await first.appData.set({ key: "a", value: 1 });
	await first.sqlite.transaction(async () => {
		await second.appData.set({ key: "a", value: 2 });
	});
	expect(await second.appData.get("a")).toBe(2);
});
