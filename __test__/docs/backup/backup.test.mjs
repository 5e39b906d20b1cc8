// Backups in index.d.ts and docs/backup.md: nothing is left out, and every example and command runs.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { valueIn } from "../../cli/cli.mjs";
import { examplesOf, partOfDeclarations, root, runExample } from "../examples.mjs";
import { page, projectWithStore, section, shell } from "./page.mjs";

vi.setConfig({ testTimeout: 300_000 });

const { part, examples } = partOfDeclarations("A state of the store that can be restored", "A store: one SQLite file");

/** The first column of the tables of a part. */
const listed = (text) => [...text.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) => cell.match(/\w+(?=`)/g));

/** The names of the members of an interface of index.d.ts. */
function membersOf(name) {
	const [, body] = part.match(new RegExp(`^export interface ${name} [^{]*\\{\\n([\\s\\S]*?)^\\}`, "m"));
	return [...new Set([...body.matchAll(/^\t(?:readonly )?(\w+)\??[:(]/gm)].map(([, member]) => member))];
}

describe("index.d.ts", () => {
	test("has an example of every type and method of backups", () => {
		const types = [...part.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name);
		expect(types).toContain("BackupOptions");
		const methods = membersOf("Backups");
		expect(methods).toEqual(["create", "list", "restore", "diff", "restoreKeys", "verify", "status", "on"]);
		for (const method of methods) {
			expect(
				examples.some((source) => source.includes(`dataStore.backups.${method}(`)),
				method,
			).toBe(true);
		}
		// One of each type, and one of each method.
		expect(examples.length).toBe(types.length - 1 + methods.length);
	});

	test("says of every option of backups what it is, and of every number its unit and its default", () => {
		for (const option of membersOf("BackupOptions")) {
			const [, said] = part.match(new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*${option}\\?:`));
			expect(said, option).toMatch(/\w{3}/);
			if (option.endsWith("Ms")) {
				expect(said, option).toMatch(/milliseconds/);
				expect(said, option).toMatch(/Default: [\d,]+/);
			}
		}
	});

	test("has examples that compile and run", async () => {
		const imports = `import { dataStore, openDataStore } from "rootcellar";
			import type { Backup, BackupOptions, BackupStatus, Difference, DifferenceOptions, DifferenceProgress,
				DifferenceSummary, KeyDifference, Moment, Restore, RestoredEntry, RestoredKeys, RestoreKeysOptions,
				RestoreOptions, RestoreProgress, StoredValue, TableDifference, Verification, VerifyOptions } from "rootcellar";
			await dataStore.appData.set({ key: "k", value: 1 });
			await dataStore.backups.create();\n`;
		const blocks = examples.map((source) => `{\n${source}}\n`).join("");
		const { stderr } = await runExample(`${imports}${blocks}await dataStore.close();\n`);
		expect(stderr).toBe("");
	});
});

describe("docs/backup.md", () => {
	test("has examples in TypeScript that compile and run, each on its own", async () => {
		const sources = examplesOf(page, "ts");
		expect(sources.length).toBeGreaterThanOrEqual(3);
		for (const source of sources) {
			const prepare = `import { openDataStore as openFirst } from "rootcellar";
				const first = openFirst();
				await first.appData.set({ key: "first", value: 1 });
				await first.backups.create();
				await first.close();\n`;
			const wait = source.includes("intervalMs") ? "await new Promise((resolve) => setTimeout(resolve, 2_500));" : "";
			const { stdout, stderr } = await runExample(`${prepare}${source}\n${wait}await dataStore.close();\n`);
			expect(stderr).toBe("");
			if (source.includes("afterBackup")) expect(stdout).toContain("safe");
		}
	});

	test("lists every option, and every command", async () => {
		expect(listed(section("Options")).sort()).toEqual(membersOf("BackupOptions").sort());
		const { stdout } = await shell("npx rootcellar --help", root);
		const commands = [...stdout.matchAll(/^ {2}(\w+) \[options\]/gm)].map(([, command]) => command);
		expect(commands.length).toBe(11);
		expect(listed(section("Command line")).filter((name) => !name.startsWith("ERR_"))).toEqual(commands);
	});

	test("has commands that run as they stand there", async () => {
		const { project, file, id } = await projectWithStore();
		const lines = examplesOf(page, "sh").flatMap((block) => block.split("\n"));
		const commands = lines.filter((line) => line.startsWith("npx rootcellar"));
		expect(commands.length).toBeGreaterThanOrEqual(10);
		for (const command of commands) {
			// What reads a pipe takes what an export that has failed leaves for all that there is.
			expect(command).not.toMatch(/export.*[^|]\|[^|]/);
			if (/restore +#/.test(command)) rmSync(file);
			const here = command.replace("0000000000000042", id).replace(/2025-01-31T12:00:00Z/, new Date().toISOString());
			await shell(here, project);
		}
		expect(await valueIn(file)).toBe(1);
		expect(await valueIn(join(project, "then.sqlite3"))).toBe(1);
		expect(await valueIn(join(project, "other.sqlite3"))).toBe(1);
	});
});
