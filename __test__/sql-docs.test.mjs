// The examples of SQL in index.d.ts and docs/sql.md: they compile, and they run one after the other.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "./helpers/store.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const declarations = readFileSync(join(root, "index.d.ts"), "utf8");
const page = readFileSync(join(root, "docs/sql.md"), "utf8");
const tsc = join(root, "node_modules/typescript/bin/tsc");

/** The part of index.d.ts about SQL, and the examples in it. */
const sqlPart = declarations.slice(
	declarations.indexOf("/**\n * A value that a parameter of a statement takes"),
	declarations.indexOf("/**\n * Where the data lies"),
);
const documented = [...sqlPart.matchAll(/^\s*\* @example\n(?:\s*\*.*\n)*?\s*\* ```ts\n((?:\s*\*.*\n)*?)\s*\* ```$/gm)];
const examples = documented.map(([, source]) => source.replace(/^\s*\* ?/gm, ""));
const ofPage = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, source]) => source);

/** What the examples take for granted. */
const TABLES = `await dataStore.sqlite.exec(\`
	CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT UNIQUE, level INTEGER DEFAULT 1);
	CREATE TABLE log (day INTEGER, text TEXT);
\`);\n`;

async function run(source) {
	const project = temporaryDirectory();
	mkdirSync(join(project, "node_modules/@types"), { recursive: true });
	symlinkSync(root, join(project, "node_modules/rootcellar"), "junction");
	symlinkSync(join(root, "node_modules/@types/node"), join(project, "node_modules/@types/node"), "junction");
	writeFileSync(join(project, "example.mts"), source);
	const compilerOptions = { strict: true, module: "nodenext", target: "es2022", types: ["node"], skipLibCheck: false };
	const lib = ["es2022", "esnext.disposable"];
	writeFileSync(
		join(project, "tsconfig.json"),
		JSON.stringify({ compilerOptions: { ...compilerOptions, lib }, include: ["*.mts"] }),
	);
	const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, ...env } = process.env;
	const options = { cwd: project, env };
	try {
		await promisify(execFile)(process.execPath, [tsc, "-p", "."], options);
		return await promisify(execFile)(process.execPath, ["example.mjs"], options);
	} catch (error) {
		throw new Error(`${error.message}\n${error.stdout}${error.stderr}`);
	}
}

describe("index.d.ts", () => {
	test("has an example of each method and type of SQL", () => {
		const types = [...sqlPart.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name]) => name);
		expect(types.length).toBeGreaterThanOrEqual(13);
		expect(examples.length).toBeGreaterThanOrEqual(types.length + 8);
	});

	test("has examples that compile and run", async () => {
		const imports = `import { dataStore } from "rootcellar";
			import type { BatchStatement, Connection, RunResult, SqlOptions, SqlRow, SqlRowOptions, SqlValue, Sqlite,
				Transaction, TransactionOptions } from "rootcellar";\n`;
		const blocks = examples.map((source) => `{\n${source}}\n`).join("");
		// The examples write the same names, so that each starts with none.
		const fresh = blocks.replaceAll(
			/^\{$/gm,
			'{\nawait dataStore.sqlite.exec("DELETE FROM players; DELETE FROM log");',
		);
		const { stderr } = await run(`${imports}${TABLES}${fresh}await dataStore.close();\n`);
		expect(stderr).toBe("");
	}, 60_000);
});

describe("docs/sql.md", () => {
	test("has examples that compile and run, one after the other", async () => {
		expect(ofPage.length).toBeGreaterThanOrEqual(3);
		const source = ofPage.map((example) => example.replace(/^import .*$/m, "")).join("");
		const { stderr } = await run(`import { dataStore } from "rootcellar";\n${source}await dataStore.close();\n`);
		expect(stderr).toBe("");
	}, 60_000);

	test("names every method of dataStore.sqlite", () => {
		const methods = [...sqlPart.matchAll(/^\t(\w+)(?:<[^(]*>)?\(/gm)].map(([, name]) => name);
		for (const name of new Set(methods))
			expect(page, name).toContain(`${name}(`.replace("sql(", "sql`").replace("finalize(", "prepare("));
	});
});
