// The examples in the declarations of the entry points for other libraries compile, as they stand there.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../helpers/store.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const entries = ["knex", "kysely", "drizzle", "keyv"];

/** Imports that an example takes for granted: the package's own names, and a database. */
function grantedTo(source, entry, text) {
	const exported = [...text.matchAll(/^export (?:declare )?(?:class|interface|function|type|const) (\w+)/gm)];
	const modules = {
		[`rootcellar/${entry}`]: [...new Set(exported.map(([, name]) => name))],
		rootcellar: ["dataStore", "openDataStore"],
	};
	const isMissing = (name) =>
		new RegExp(`\\b${name}\\b`).test(source) && !new RegExp(`import [^;]*\\b${name}\\b`).test(source);
	const lines = Object.entries(modules)
		.map(([module, names]) => [module, names.filter(isMissing)])
		.filter(([, names]) => names.length > 0)
		.map(([module, names]) => `import { ${names.join(", ")} } from "${module}";`);
	if (entry === "drizzle") {
		if (isMissing("sql")) lines.push('import { sql } from "drizzle-orm";');
		if (!/const db\b/.test(source)) lines.push('declare const db: import("rootcellar/drizzle").RootcellarDatabase;');
	}
	return lines.join("\n");
}

/** Every example of a declaration file. */
function examplesOf(entry) {
	const { types, require: required } = exports[`./${entry}`];
	const text = readFileSync(join(root, types ?? required.types), "utf8");
	return [...text.matchAll(/^[ \t]*\* ```ts\n([\s\S]*?)^[ \t]*\* ```$/gm)].map(([, body]) => {
		const source = body.replace(/^[ \t]*\* ?/gm, "");
		return `${grantedTo(source, entry, text)}\n${source}\nexport {};\n`;
	});
}

test("every example compiles under tsc --strict", async () => {
	const project = temporaryDirectory();
	mkdirSync(join(project, "node_modules"));
	symlinkSync(root, join(project, "node_modules/rootcellar"), "junction");
	for (const name of ["knex", "kysely", "drizzle-orm", "keyv", "@types"]) {
		symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name), "junction");
	}
	for (const entry of entries) {
		const examples = examplesOf(entry);
		expect(examples.length, entry).toBeGreaterThan(0);
		for (const [index, source] of examples.entries()) {
			writeFileSync(join(project, `${entry}-${index}.mts`), source);
		}
	}
	const compilerOptions = {
		strict: true,
		noEmit: true,
		skipLibCheck: true,
		module: "nodenext",
		target: "es2022",
		types: ["node"],
	};
	writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.mts"] }));
	const tsc = join(root, "node_modules/typescript/bin/tsc");
	const ended = await promisify(execFile)(process.execPath, [tsc, "-p", project]).catch((failed) => failed);
	expect(ended).toMatchObject({ stdout: "", stderr: "" });
	expect(ended).not.toBeInstanceOf(Error);
}, 300_000);
