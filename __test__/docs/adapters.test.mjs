// docs/adapters.md and docs/compatibility.md: the examples run and print what they say, and what they name is there.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../helpers/store.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const adapters = readFileSync(join(root, "docs/adapters.md"), "utf8");
const compatibility = readFileSync(join(root, "docs/compatibility.md"), "utf8");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Every example with the heading that it stands under. */
const examples = adapters
	.split(/^## /m)
	.flatMap((section) => [...section.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, source]) => [section, source]))
	.map(([section, source]) => [section.slice(0, section.indexOf("\n")), source]);

/** A folder where this package and the libraries are installed. */
function project() {
	const folder = temporaryDirectory();
	mkdirSync(join(folder, "node_modules"));
	symlinkSync(root, join(folder, "node_modules/rootcellar"), "junction");
	for (const name of [...Object.keys(manifest.peerDependencies), "better-sqlite3"]) {
		symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "junction");
	}
	return folder;
}

describe("the examples", () => {
	test("there is one for each entry point, and one for the file name", () => {
		const imported = examples.flatMap(([, source]) =>
			[...source.matchAll(/from "(rootcellar\/\w+)"/g)].map(([, name]) => name),
		);
		expect(imported.sort()).toEqual(["drizzle", "keyv", "knex", "kysely"].map((name) => `rootcellar/${name}`));
		expect(examples.at(-1)[1]).toContain("dataStore.config.sqlite3.filename");
	});

	test.each(examples)("under %s runs, and prints what it says", async (_, source) => {
		const folder = project();
		writeFileSync(join(folder, "example.mjs"), source);
		const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, ...env } = process.env;
		const options = { cwd: folder, env };
		const { stdout, stderr } = await promisify(execFile)(process.execPath, ["example.mjs"], options);
		const said = [...source.matchAll(/^console\.log\(.*\/\/ (.*)$/gm)].map(([, text]) => text);
		expect(stderr).toBe("");
		expect(said.length).toBeGreaterThan(0);
		expect(stdout.trimEnd().split("\n")).toEqual(said);
	});
});

describe("what the documents name", () => {
	test("every entry point is one of the package, and each library a peer dependency", () => {
		const rows = [...adapters.matchAll(/^\| `rootcellar(\/\w+)` \| \[(\w+)\]/gm)];
		expect(rows.map(([, name]) => `.${name}`).sort()).toEqual(["./drizzle", "./keyv", "./knex", "./kysely"]);
		for (const [, name] of rows) expect(manifest.exports).toHaveProperty([`.${name}`]);
		expect(Object.keys(manifest.peerDependencies)).toEqual(["drizzle-orm", "keyv", "knex", "kysely"]);
		for (const peer of Object.keys(manifest.peerDependencies)) {
			expect(manifest.peerDependenciesMeta[peer]).toEqual({ optional: true });
		}
	});

	test("every example folder and test is there", () => {
		for (const document of [adapters, compatibility]) {
			const names = [...document.matchAll(/`((?:examples|__test__)\/[\w./-]+)`/g)].map(([, name]) => name);
			expect(names.length).toBeGreaterThan(0);
			for (const name of names) expect(existsSync(join(root, name)), name).toBe(true);
		}
	});
});
