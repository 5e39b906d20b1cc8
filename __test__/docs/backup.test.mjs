// What index.d.ts and docs/backup.md say of backups: it is complete, and every example and command runs.

import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { openDataStore } from "rootcellar";
import { describe, expect, test, vi } from "vitest";
import { CLI_VERSIONS, cliPath } from "../../scripts/lib/litestream.mjs";
import { CREDENTIALS, startServer } from "../backup/destinations/s3-server.mjs";
import { environment, json, program, valueIn } from "../cli/cli.mjs";
import { examplesOf, newProject, partOfDeclarations, root, runExample } from "./examples.mjs";

vi.setConfig({ testTimeout: 300_000 });

const page = readFileSync(join(root, "docs/backup.md"), "utf8");
const { part, examples } = partOfDeclarations("A state of the store that can be restored", "A store: one SQLite file");

/** What stands under a heading of the document. */
const section = (heading) => page.split(`\n## ${heading}\n`)[1].split("\n## ")[0];

/** The first column of the tables of a part. */
const listed = (text) => [...text.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) => cell.match(/\w+(?=`)/g));

/** The names of the members of an interface of index.d.ts. */
function membersOf(name) {
	const [, body] = part.match(new RegExp(`^export interface ${name} [^{]*\\{\\n([\\s\\S]*?)^\\}`, "m"));
	return [...new Set([...body.matchAll(/^\t(?:readonly )?(\w+)\??[:(]/gm)].map(([, member]) => member))];
}

/** Runs lines of a shell in a folder, in which `npx rootcellar` is this package's program. */
async function shell(lines, cwd) {
	const npx = `npx() { shift; "${process.execPath}" "${program}" "$@"; }`;
	try {
		return await promisify(execFile)("/bin/sh", ["-ec", `${npx}\n${lines}`], { cwd, env: environment() });
	} catch (error) {
		throw new Error(`${lines}\n${error.stdout}${error.stderr}`);
	}
}

/** A project whose store, the one of the default name, has keys and backups. */
async function projectWithStore() {
	const project = newProject();
	const file = join(project, "rootsdk.sqlite3");
	const store = openDataStore({ filename: file, backup: {} });
	await store.appData.set([
		{ key: "k", value: 1 },
		{ key: "k", value: 2, communityId: "0b0a5c41" },
	]);
	const { id } = await store.backups.create();
	await store.close();
	return { project, file, id };
}

describe("index.d.ts", () => {
	test("has an example of every type and method of backups", () => {
		const types = [...part.matchAll(/^export interface (\w+)/gm)].map(([, name]) => name);
		expect(types).toContain("BackupOptions");
		const methods = membersOf("Backups");
		expect(methods).toEqual(["create", "list", "restore", "verify", "status", "on"]);
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
			import type { Backup, BackupOptions, BackupStatus, Restore, RestoreOptions, RestoreProgress, Verification }
				from "rootcellar";
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
		expect(commands.length).toBe(7);
		expect(listed(section("Command line")).filter((name) => !name.startsWith("ERR_"))).toEqual(commands);
	});

	test("has commands that run as they stand there", async () => {
		const { project, file, id } = await projectWithStore();
		const lines = examplesOf(page, "sh").flatMap((block) => block.split("\n"));
		const commands = lines.filter((line) => line.startsWith("npx rootcellar"));
		expect(commands.length).toBeGreaterThanOrEqual(10);
		for (const command of commands) {
			if (/restore +#/.test(command)) rmSync(file);
			const here = command.replace("0000000000000042", id).replace(/2025-01-31T12:00:00Z/, new Date().toISOString());
			await shell(here, project);
		}
		expect(await valueIn(file)).toBe(1);
		expect(await valueIn(join(project, "then.sqlite3"))).toBe(1);
		expect(await valueIn(join(project, "other.sqlite3"))).toBe(1);
	});

	test("has variables with which a bucket of S3 is used from a shell, and a file restored by hand", async () => {
		const { project, file } = await projectWithStore();
		const { port } = await startServer(join(project, "server"));
		const [, url] = section("Where backups go").match(/'(s3:\/\/my-bucket\/my-bot\?endpoint=http:[^']+)'/);
		const here = url.replace("my-bucket", "bucket").replace("9000", port);
		const exports = Object.entries({ ...CREDENTIALS, ROOTCELLAR_BACKUP: here })
			.map(([name, value]) => `export ${name}='${value}'`)
			.join("\n");
		const said = await shell(
			`${exports}\nnpx rootcellar backup\nnpx rootcellar list && npx rootcellar status`,
			project,
		);
		expect(said.stdout).toContain("s3://bucket/my-bot\n");
		await shell(`${exports}\nnpx rootcellar verify\nnpx rootcellar restore --to then.sqlite3`, project);
		expect(await valueIn(join(project, "then.sqlite3"))).toBe(1);

		// Only later releases take a server's address in the URL.
		const litestream = CLI_VERSIONS.slice(1)
			.map(cliPath)
			.find((path) => existsSync(path));
		const credentials = Object.entries(CREDENTIALS).map((entry) => entry.join("="));
		const byHand = litestream
			? `env -i PATH="$PATH" ${credentials.join(" ")} "${litestream}" \\
				restore -o by-hand.sqlite3 '${here}&region=us-east-1&forcePathStyle=true'`
			: `${exports}\nnpx rootcellar restore --to by-hand.sqlite3`;
		await shell(byHand, project);
		const store = openDataStore({ filename: file, backup: {} });
		await store.appData.set({ key: "k", value: "later" });
		await store.close();
		await shell("mv by-hand.sqlite3 rootsdk.sqlite3; rm -rf rootsdk.sqlite3-wal rootsdk.sqlite3-shm *-state", project);
		const { kind } = await json(["backup", "-f", file]);
		expect(kind).toBe("increment");
		expect(await valueIn(file)).toBe(1);
	});
});
