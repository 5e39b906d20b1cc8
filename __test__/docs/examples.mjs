// The examples of declarations and documents, compiled and run as a bot author would.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryDirectory } from "../helpers/store.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const declarations = readFileSync(join(root, "index.d.ts"), "utf8");
const tsc = join(root, "node_modules/typescript/bin/tsc");

/** The part of index.d.ts from one docstring to another, by what they begin with, and the examples in it. */
export function partOfDeclarations(from, to) {
	const [start, end] = [from, to].map((opening) => declarations.indexOf(`/**\n * ${opening}`));
	if (start < 0 || end < start) throw new Error(`index.d.ts has no comment "${start < 0 ? from : to}" there`);
	const part = declarations.slice(start, end);
	const blocks = part.matchAll(/^\s*\* @example\n(?:\s*\*.*\n)*?\s*\* ```ts\n((?:\s*\*.*\n)*?)\s*\* ```$/gm);
	return { part, examples: [...blocks].map(([, source]) => source.replace(/^\s*\* ?/gm, "")) };
}

/** The examples of a document in one language. */
export function examplesOf(page, language) {
	return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, source]) => source);
}

/** A new project that has this package installed. */
export function newProject() {
	const project = temporaryDirectory();
	mkdirSync(join(project, "node_modules/@types"), { recursive: true });
	symlinkSync(root, join(project, "node_modules/rootcellar"), "junction");
	symlinkSync(join(root, "node_modules/@types/node"), join(project, "node_modules/@types/node"), "junction");
	return project;
}

/** Compiles an ES module in a project and runs it, perhaps with other variables; resolves with what it printed. */
export async function runExample(source, project = newProject(), variables = {}) {
	writeFileSync(join(project, "example.mts"), source);
	// The package's declarations are checked in `../package/types`.
	const strictness = { strict: true, noUncheckedIndexedAccess: true, skipLibCheck: true };
	const compilerOptions = { ...strictness, module: "nodenext", target: "es2022", types: ["node"] };
	const lib = ["es2022", "esnext.disposable"];
	writeFileSync(
		join(project, "tsconfig.json"),
		JSON.stringify({ compilerOptions: { ...compilerOptions, lib }, include: ["*.mts"] }),
	);
	const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, ...env } = process.env;
	const options = { cwd: project, env: { ...env, ...variables } };
	try {
		await promisify(execFile)(process.execPath, [tsc, "-p", "."], options);
		return await promisify(execFile)(process.execPath, ["example.mjs"], options);
	} catch (error) {
		throw new Error(`${error.message}\n${error.stdout}${error.stderr}`);
	}
}
