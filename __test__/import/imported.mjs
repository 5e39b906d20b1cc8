// Imports a sample, and says what has become of it.

import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { failure, fileWith, json, rootcellar } from "../cli/cli.mjs";
import { rawRows } from "../helpers/raw.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

/** Turns backups off. */
export const env = { ROOTCELLAR_BACKUP: "off" };

/** A copy of what a library has stored, as it left it. */
export function copyOf(name) {
	const folder = temporaryDirectory();
	cpSync(new URL(`fixtures/${name}`, import.meta.url), folder, { recursive: true });
	return folder;
}

/**
 * All files of a folder, with a hash of what is in them; but for the index of a log that a program has left, which SQLite
 * makes to read it.
 */
export function contentOf(folder) {
	const names = readdirSync(folder, { recursive: true }).sort();
	const files = names.filter((name) => statSync(join(folder, name)).isFile() && !name.endsWith("-shm"));
	const hash = (name) =>
		createHash("sha256")
			.update(readFileSync(join(folder, name)))
			.digest("hex");
	return Object.fromEntries(files.map((name) => [name, hash(name)]));
}

/** The lines that `export` writes of a store. */
export async function exported(file, isUnordered = false) {
	const { code, stdout, stderr } = await rootcellar(["export", "-f", file]);
	expect([code, stderr]).toEqual([0, ""]);
	const lines = stdout.trimEnd().split("\n");
	return (isUnordered ? lines.sort() : lines).filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Imports a sample into a new store; expects what is to become of it, and that the source is left as it was. */
export async function expectImported(
	{ from, path, lines, kinds = {}, refused = [], expired = 0, notes = [], isUnordered },
	folder,
) {
	const file = join(temporaryDirectory(), "bot.sqlite3");
	const before = contentOf(folder);
	const args = ["import", "--from", from, join(folder, path), "-f", file, ...(refused.length > 0 ? ["--skip"] : [])];
	const tried = await json([...args, "--dry-run"], { env });
	expect(contentOf(folder)).toEqual(before);
	expect(readdirSync(join(file, ".."))).toEqual([]);
	const { dryRun, ...told } = await json(args, { env });
	expect(contentOf(folder)).toEqual(before);
	expect([tried, dryRun]).toEqual([{ ...told, dryRun: true }, false]);
	expect(told).toMatchObject({ from, keys: lines.length, expired, notes });
	const inexact = told.inexact.first.map(({ key, inexact }) => [key, inexact]);
	expect(Object.fromEntries(inexact)).toEqual(kinds);
	expect(told.refused.first.map(({ key }) => key)).toEqual(refused);
	expect(await exported(file, isUnordered)).toEqual(lines);
}

/** Fails to import, leaves a store that had a key as it was, and makes none where there was none. */
export async function expectRefused(args, options = {}) {
	const folder = temporaryDirectory();
	const file = await fileWith([{ key: "old", value: "secret" }], folder);
	const said = await failure(["import", ...args, "-f", file], { env, ...options });
	expect(await rawRows(file)).toMatchObject([{ key: "old" }]);
	for (const trial of [["--dry-run"], []]) {
		const anew = ["import", ...args, ...trial, "-f", join(folder, "new.sqlite3")];
		expect((await failure(anew, { env, ...options })).message).toBe(said.message);
		expect(readdirSync(folder).filter((name) => name.startsWith("new"))).toEqual([]);
	}
	return said;
}
