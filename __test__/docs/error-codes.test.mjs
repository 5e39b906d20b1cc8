// Every code that an error of this package may have is documented, and none else.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { declarations, root } from "./examples.mjs";

const CODE = /"(ERR_[A-Z_]+|ABORT_ERR)"/g;

/** The codes that the files of a folder name as texts. */
function codesIn(folder, extension) {
	const files = readdirSync(join(root, folder), { recursive: true }).filter((name) => name.endsWith(extension));
	const texts = files.map((name) => readFileSync(join(root, folder, name), "utf8"));
	return new Set(texts.flatMap((text) => [...text.matchAll(CODE)].map(([, code]) => code)));
}

/** The codes that the first column of the tables of a document names. */
const documentedIn = (text) =>
	new Set(
		[...text.matchAll(/^(?: \* )?\| (.*?) \|/gm)].flatMap(
			([, cell]) => cell.match(/\b(?:ERR_[A-Z_]+|ABORT_ERR)\b/g) ?? [],
		),
	);

const ofCommandLine = codesIn("lib/cli", ".js");
const ofStudio = codesIn("lib/studio", ".js");
const ofPackage = new Set([...codesIn("lib", ".js"), ...codesIn("src", ".rs")]);

test("index.d.ts documents every code of the package, with what to do", () => {
	const table = declarations.slice(declarations.indexOf("* | code | when | what to do |"));
	const documented = documentedIn(table);
	const raised = new Set(
		[...ofPackage].filter((code) => documented.has(code) || !(ofCommandLine.has(code) || ofStudio.has(code))),
	);
	expect(raised.size).toBeGreaterThan(30);
	expect([...documented].sort()).toEqual([...raised].sort());
});

test("docs/backup.md documents every code that only the command line has", () => {
	const page = readFileSync(join(root, "docs/backup.md"), "utf8");
	const inDeclarations = documentedIn(declarations);
	const missing = [...ofCommandLine].filter((code) => !inDeclarations.has(code) && !documentedIn(page).has(code));
	expect(missing).toEqual([]);
	expect(ofCommandLine.size).toBeGreaterThan(8);
});

test("docs/studio.md documents every code that only the studio has", () => {
	const pages = ["docs/backup.md", "docs/studio.md"].map((page) => readFileSync(join(root, page), "utf8")).join("\n");
	const inDeclarations = documentedIn(declarations);
	const missing = [...ofStudio].filter((code) => !inDeclarations.has(code) && !documentedIn(pages).has(code));
	expect(missing).toEqual([]);
	expect(ofStudio.size).toBeGreaterThan(8);
});

test("docs/backup.md tells an operator of every code of backups", () => {
	const page = readFileSync(join(root, "docs/backup.md"), "utf8");
	const ofBackups = [...ofPackage].filter((code) => code.startsWith("ERR_BACKUP_"));
	expect(ofBackups.filter((code) => !documentedIn(page.split("## What an operator sees")[1]).has(code))).toEqual([]);
});
