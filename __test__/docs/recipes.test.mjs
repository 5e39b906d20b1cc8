// docs/recipes.md: each recipe runs as it stands and prints what it says, the tests in it pass, and the imports import.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../helpers/store.mjs";
import { root } from "./examples.mjs";

const TIME_LIMIT_MS = 300_000;
const recipes = readFileSync(join(root, "docs/recipes.md"), "utf8");
const execute = promisify(execFile);

/** Every block of code in a language, with the heading that it stands under. */
const blocksOf = (language) =>
	recipes
		.split(/^## /m)
		.flatMap((section) =>
			[...section.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)]
				.filter(([, name]) => name === language)
				.map(([, , source]) => [section.slice(0, section.indexOf("\n")), source]),
		);

/** A folder where this package and others are installed. */
function project(...packages) {
	const folder = temporaryDirectory();
	mkdirSync(join(folder, "node_modules"));
	symlinkSync(root, join(folder, "node_modules/rootcellar"), "junction");
	for (const name of packages)
		symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "junction");
	return folder;
}

function run(args, cwd) {
	const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, NODE_OPTIONS, ...env } = process.env;
	return execute(process.execPath, args, { cwd, env });
}

describe("a recipe", () => {
	test("stands there for everything that bot authors ask for", () => {
		const used = blocksOf("js")
			.map(([, source]) => source)
			.join("\n");
		for (const method of [
			"setIfAbsent",
			"increment",
			"updateMany",
			"entries",
			"listKeys",
			"count",
			"getMany",
			"watch",
		]) {
			expect(used).toContain(`kv.${method}(`);
		}
		expect(blocksOf("js").length).toBeGreaterThanOrEqual(9);
	});

	test.each(blocksOf("js"))(
		"under %s runs, and prints what it says",
		async (_, source) => {
			const folder = project();
			writeFileSync(join(folder, "recipe.mjs"), source);
			const { stdout, stderr } = await run(["recipe.mjs"], folder);
			const said = [...source.matchAll(/^console\.log\(.*\/\/ (.*)$/gm)].map(([, text]) => text);
			expect(stderr).toBe("");
			expect(said.length).toBeGreaterThan(0);
			expect(stdout.trimEnd().split("\n")).toEqual(said);
		},
		TIME_LIMIT_MS,
	);
});

describe("the tests without files pass", () => {
	test(
		"in Vitest",
		async () => {
			const folder = project("vitest");
			const [[, source]] = blocksOf("js vitest");
			writeFileSync(join(folder, "recipe.test.mjs"), source);
			const { stdout } = await run([join(root, "node_modules/vitest/vitest.mjs"), "run", "--root", folder], folder);
			expect(stdout).toMatch(/1 passed/);
		},
		TIME_LIMIT_MS,
	);

	test(
		"in Jest",
		async () => {
			const folder = project();
			const [[, source]] = blocksOf("js jest");
			writeFileSync(join(folder, "recipe.test.js"), source);
			writeFileSync(join(folder, "package.json"), "{}");
			const { stderr } = await run([join(root, "node_modules/jest/bin/jest.js"), "--rootDir", folder], folder);
			expect(stderr).toMatch(/1 passed/);
		},
		TIME_LIMIT_MS,
	);
});

test("a JSON file is imported by the command that stands there", async () => {
	const folder = project();
	writeFileSync(join(folder, "db.json"), JSON.stringify({ motd: "hello", members: { ada: 1 } }));
	const command = blocksOf("sh")[0][1]
		.split("\n")
		.find((line) => line.includes("--from json"));
	const [, , ...args] = command.split(" ");
	await run([join(root, "bin/rootcellar.js"), ...args], folder);
	const store = openDataStore({ filename: join(folder, "rootsdk.sqlite3"), backup: false });
	expect(await store.appData.get("motd")).toBe("hello");
	expect(await store.kv.count()).toBe(2);
	await store.close();
}, 300_000);

test("every import that stands there names a source that there is", async () => {
	const { stdout } = await run([join(root, "bin/rootcellar.js"), "import", "--help"], root);
	const sources = [...blocksOf("sh")[0][1].matchAll(/--from (\S+)/g)].map(([, source]) => source);
	expect(sources.length).toBe(4);
	for (const source of sources) expect(stdout).toContain(`"${source}"`);
});
