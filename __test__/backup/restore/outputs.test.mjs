// Outputs of restores and exports: never over what belongs to a database or to its backups.

import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { failure, json } from "../../cli/cli.mjs";
import { expectFailure } from "../../helpers/errors.mjs";
import { raw } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { openBackedUp as open } from "../backups.mjs";

/** A store with a backup, and a folder of files that belong to it, to another database or to backups. */
async function machine() {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	const store = open(file);
	await store.appData.set({ key: "k", value: 1 });
	await store.backups.create();
	symlinkSync(`${file}.backup`, join(directory, "link"));
	const [backup] = readdirSync(`${file}.backup/ltx/0`);
	const forbidden = [
		`${file}-wal`,
		`${file}-shm`,
		`${file}-journal`,
		join(directory, "other-wal"),
		join(directory, "OTHER-WAL"),
		`${file}.backup/ltx/0/${backup}`,
		`${file}.backup/new`,
		join(directory, "link/ltx/0", backup),
		`${file}.backup-state/new`,
		`${file}.backup-state/${readdirSync(`${file}.backup-state`)[0]}`,
	];
	return { directory, file, store, forbidden };
}

describe("what belongs to a database or to its backups", () => {
	test("is never written by a restore, whether it is there or not", async () => {
		const { directory, file, store, forbidden } = await machine();
		await store.appData.set({ key: "k", value: 2 });
		const before = readdirSync(directory, { recursive: true }).map((name) => basename(name));
		for (const to of forbidden) {
			await expectFailure(() => store.backups.restore({ to, overwrite: true }), "ERR_FILE_EXISTS");
			if (!existsSync(to)) await expectFailure(() => store.backups.restore({ to }), "ERR_FILE_EXISTS");
		}
		const made = readdirSync(directory, { recursive: true }).map((name) => basename(name));
		expect(made.filter((name) => !before.includes(name) && !name.endsWith(".ltx"))).toEqual([]);
		await store.close();
		expect(await raw(file, "select value from __rootapp_kv")).toEqual([{ value: "2" }]);
		expect((await json(["verify", "-f", file])).isComplete).toBe(true);
	});

	test("is never written by a command", { timeout: 300_000 }, async () => {
		const { directory, file, store, forbidden } = await machine();
		await store.close();
		for (const output of forbidden) {
			for (const args of [
				["export", "--output", output],
				["restore", "--to", output],
			]) {
				const { code, message } = await failure([...args, "-f", file, "--force"]);
				expect([code, message], args.join(" ")).toEqual(["ERR_FILE_EXISTS", expect.stringContaining(basename(output))]);
			}
		}
		expect((await json(["verify", "-f", file])).isComplete).toBe(true);
		expect(readdirSync(directory).filter((name) => /tmp|restoring/.test(name))).toEqual([]);
	});
});

test("a folder is refused before anything is read", async () => {
	const { directory, store } = await machine();
	const to = join(directory, "folder");
	mkdirSync(to);
	let steps = 0;
	store.backups.on("progress", () => steps++);
	const { message } = await expectFailure(() => store.backups.restore({ to, overwrite: true }), "ERR_FILE_EXISTS");
	expect(message).toContain("no file");
	await store.backups.verify();
	const alone = steps;
	expect(alone).toBeGreaterThan(0);
	await expectFailure(() => store.backups.restore({ to, overwrite: true }), "ERR_FILE_EXISTS");
	expect(steps).toBe(alone);
	expect(readdirSync(directory).filter((name) => name.includes("restoring"))).toEqual([]);
});
