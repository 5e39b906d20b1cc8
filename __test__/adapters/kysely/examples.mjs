// The examples that Kysely publishes: every code block of the documentation comments of the installed package.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const declarations = join(root, "node_modules/kysely/dist/esm");

/** Names that an example may use without importing them. */
const GIVEN = ["db", "sql", "jsonArrayFrom", "jsonObjectFrom", "jsonBuildObject", "Migrator", "CompiledQuery"];

/** Every example, as where it stands and its text. */
export function publishedExamples() {
	return readdirSync(declarations, { recursive: true })
		.filter((file) => file.endsWith(".d.ts"))
		.sort()
		.flatMap((file) => {
			const comments = readFileSync(join(declarations, file), "utf8").match(/\/\*\*[\s\S]*?\*\//g) ?? [];
			return comments
				.map((comment) => comment.replace(/^[ \t]*\/?\*+(?:\/$| ?)/gm, ""))
				.flatMap((comment) => [...comment.matchAll(/^```ts\n([\s\S]*?)^```/gm)])
				.map(([, source], index) => ({ name: `${file.replaceAll("\\", "/")} ${index + 1}`, source }));
		})
		.map((example, index) => ({ ...example, name: `${index + 1}: ${example.name.replace(/ \d+$/, "")}` }));
}

/**
 * Makes functions of examples: their types removed by the compiler, their imports before them, all else inside.
 *
 * @returns each as `run(given)`, or the reason why it cannot be loaded
 */
export async function compileExamples(examples, folder) {
	mkdirSync(join(folder, "node_modules"), { recursive: true });
	symlinkSync(join(root, "node_modules/kysely"), join(folder, "node_modules/kysely"), "junction");
	for (const [index, { source }] of examples.entries()) {
		const imports = source.match(/^import [\s\S]*?from '[^']+';?$/gm) ?? [];
		const body = imports.reduce((text, line) => text.replace(line, ""), source).replace(/^export /gm, "");
		const given = `export default async function ({ ${GIVEN.join(", ")} }: any) {{\n${body}\n}}`;
		writeFileSync(join(folder, `example${index}.mts`), `${imports.join("\n")}\n${given}\n`);
	}
	const compilerOptions = { module: "nodenext", target: "es2022", noCheck: true, types: [], outDir: "compiled" };
	writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.mts"] }));
	const tsc = join(root, "node_modules/typescript/bin/tsc");
	try {
		execFileSync(process.execPath, [tsc, "-p", folder], { stdio: "pipe" });
	} catch {} // Some examples are only parts of a program; what they become does not load.
	return Promise.all(
		examples.map(async (example, index) => {
			try {
				const module = await import(pathToFileURL(join(folder, "compiled", `example${index}.mjs`)).href);
				return { ...example, run: module.default };
			} catch (error) {
				return { ...example, reason: error.message };
			}
		}),
	);
}
