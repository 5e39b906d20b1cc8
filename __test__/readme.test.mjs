// The README and the documents: examples compile and run, tables and maps are complete, what is named is there.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "./helpers/store.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const declarations = readFileSync(join(root, "index.d.ts"), "utf8");
const tsc = join(root, "node_modules/typescript/bin/tsc");

/** Every example of the README with the heading that it stands under. */
const examples = [...readme.matchAll(/^```(ts|js)\n([\s\S]*?)^```$/gm)].map(([, language, source], index) => ({
	file: `example${index}.m${language}`,
	compiled: `example${index}.mjs`,
	name: `number ${index + 1}, under "${readme
		.slice(0, readme.indexOf(source))
		.match(/^## (.+)$/gm)
		?.at(-1)}"`,
	source,
	needsSdk: /^import [^/]*from "@rootsdk\//m.test(source),
}));

/** Runs Node in `cwd`, and resolves with what it printed; a failure shows what it printed too. */
async function node(args, cwd) {
	const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, ...env } = process.env;
	try {
		return (await promisify(execFile)(process.execPath, args, { cwd, env })).stdout;
	} catch (error) {
		throw new Error(`${error.message}\n${error.stdout}${error.stderr}`);
	}
}

/** A project that has this package, the SDK and Node's types installed, and the examples compiled. */
async function projectWithExamples() {
	const project = temporaryDirectory();
	await mkdir(join(project, "node_modules"));
	symlinkSync(root, join(project, "node_modules/rootcellar"), "junction");
	for (const scope of ["@types", "@rootsdk"]) {
		symlinkSync(join(root, "node_modules", scope), join(project, "node_modules", scope), "junction");
	}
	for (const { file, source } of examples) writeFileSync(join(project, file), source);
	const compilerOptions = {
		strict: true,
		allowJs: true,
		checkJs: true,
		module: "nodenext",
		target: "es2022",
		types: ["node"],
		outDir: "compiled",
	};
	writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.mts", "*.mjs"] }));
	await node([tsc, "-p", "."], project);
	return project;
}

describe("the examples", () => {
	test("there is one for each of the three ways to use the package, and a longer one", () => {
		const sources = examples.map(({ source }) => source);
		expect(sources.some((source) => source.includes('import { rootServer } from "rootcellar"'))).toBe(true);
		expect(sources.some((source) => source.includes("openDataStore("))).toBe(true);
		expect(sources.some((source) => source.includes('import "rootcellar/register"'))).toBe(true);
		expect(examples.length).toBeGreaterThanOrEqual(4);
	});

	test("all of them compile under tsc --strict", async () => {
		const project = await projectWithExamples();
		for (const { compiled } of examples) expect(existsSync(join(project, "compiled", compiled))).toBe(true);
	}, 300_000);

	test("those that need no SDK run, and print what the README says they print, also when run again", async () => {
		const project = await projectWithExamples();
		const runnable = examples.filter(({ needsSdk }) => !needsSdk);
		expect(runnable.length).toBeGreaterThanOrEqual(3);
		for (const run of [1, 2]) {
			for (const { compiled, name, source } of runnable) {
				const printed = await node([join("compiled", compiled)], project);
				const expected = source.includes("console.log") ? `xp:ada ${25 * run}\n` : "";
				expect(printed, name).toBe(expected);
			}
		}
		expect(readme).toContain("It prints `xp:ada 25`, and `xp:ada 50` when it is run again.");
	}, 300_000);
});

describe("the table of methods", () => {
	const [, body] = declarations.match(/^export interface KeyValueStore \{\n([\s\S]*?)^\}/m);
	const methods = [...body.matchAll(/^\t(\w+)(?:<\w+>)?\(/gm)].map(([, method]) => method);
	const section = readme.split("## The seven methods")[1].split("\n## ")[0];
	const listed = [...section.matchAll(/^\| `(\w+)\(/gm)].map(([, method]) => method);

	test("names each method of KeyValueStore once, and nothing else", () => {
		expect(methods).toHaveLength(7);
		expect([...listed].sort()).toEqual([...methods].sort());
	});
});

describe("the links", () => {
	test("every link to a file of the repository leads to one", () => {
		const targets = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target);
		const files = targets.filter((target) => !target.startsWith("https://"));
		expect(files.length).toBeGreaterThan(0);
		for (const file of files) expect(existsSync(join(root, file)), file).toBe(true);
	});

	test("every command of the section on development is a script of the package", () => {
		const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
		const commands = [...readme.matchAll(/^npm (?:run )?(\w+) +#/gm)].map(([, script]) => script);
		expect(commands).toEqual(["start", "test", "bench", "check"]);
		for (const command of commands) expect(scripts).toHaveProperty(command);
	});
});

describe("docs/ARCHITECTURE.md", () => {
	const document = readFileSync(join(root, "docs/ARCHITECTURE.md"), "utf8");
	const named = new Set([...document.matchAll(/`([\w./-]+)`/g)].map(([, name]) => name));

	test("its code map has every file of lib/, or its folder", () => {
		const entries = readdirSync(join(root, "lib"), { withFileTypes: true });
		const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
		expect(names.filter((name) => !named.has(name))).toEqual([]);
	});

	test("what it names is there", () => {
		const files = ["lib", "src"].flatMap((folder) => readdirSync(join(root, folder), { recursive: true }));
		const paths = files.map((file) => `/${file.replaceAll("\\", "/")}`);
		const missing = [...named].filter(
			(name) => /\.(js|mjs|rs)$/.test(name) && !paths.some((path) => `/src${path}`.endsWith(`/${name}`)),
		);
		expect(missing).toEqual([]);
	});
});

describe("docs/guarantees.md", () => {
	const document = readFileSync(join(root, "docs/guarantees.md"), "utf8");
	const sections = document.split(/^### /m).slice(1);

	test("every promise says what it assumes, and names a test", () => {
		expect(sections.length).toBeGreaterThan(10);
		for (const section of sections) {
			expect(section).toMatch(/^Assumes: /m);
			expect(section).toMatch(/^- `[\w-]+`: "/m);
		}
	});

	test("every test that it names exists", () => {
		const missing = document.match(/^- .+$/gm).filter((citation) => {
			const [, file, words] = citation.match(/^- `([\w-]+)`: "(.+)"$/);
			const source = readFileSync(join(root, `__test__/${file}.test.mjs`), "utf8");
			return !source.includes(`"${words}"`) && !source.includes(`} ${words}\``);
		});
		expect(missing).toEqual([]);
	});
});
