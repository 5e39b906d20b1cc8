// The package as a user gets it: packed, installed without scripts, and used from every module system and
// test runner that a bot may have.

import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	realpathSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { binaryPath, suffix } from "../../scripts/lib/addon.mjs";
import { npm, root, toolPath } from "../../scripts/lib/run.mjs";
import { runCommand } from "../helpers/command.mjs";
import { startRegistry } from "./registry.mjs";

const { version, files: declaredFiles } = readJson(join(root, "package.json"));
const fixtures = fileURLToPath(new URL("project", import.meta.url));

const PLATFORM_PACKAGE = `rootcellar-${suffix}`;
const BINARY = `rootcellar.${suffix}.node`;

/** Every platform that a release has a package for. */
const PLATFORM_PACKAGES = [
	"rootcellar-darwin-arm64",
	"rootcellar-darwin-x64",
	"rootcellar-linux-arm64-gnu",
	"rootcellar-linux-arm64-musl",
	"rootcellar-linux-x64-gnu",
	"rootcellar-linux-x64-musl",
	"rootcellar-win32-arm64-msvc",
	"rootcellar-win32-x64-msvc",
];

const SETUP_TIMEOUT_MS = 300_000;
const TEST_TIMEOUT_MS = 300_000;

const folder = realpathSync(mkdtempSync(join(tmpdir(), "rootcellar-package-")));
const tarballs = join(folder, "tarballs");
const project = join(folder, "project");
const installed = join(project, "node_modules", "rootcellar");
const installedPlatform = join(project, "node_modules", PLATFORM_PACKAGE);

let manifestAfterPacking;

beforeAll(async () => {
	// A stand-in for the addon, which follows when everything is installed: a test build is so large that compressing it
	// would take longest. The tests of the release pack and install the one that is published.
	const standIn = join(folder, BINARY);
	writeFileSync(standIn, "The addon");
	await succeed(process.execPath, [join(root, "scripts", "pack.mjs"), "--binary", standIn, tarballs], root);
	manifestAfterPacking = readJson(join(root, "package.json"));

	mkdirSync(project);
	writeJson(join(project, "package.json"), { name: "bot", private: true });
	// The registry has no packages for other platforms: npm goes on without them, as it does for a user whose platform
	// they are not for.
	const { dependencies } = readJson(join(root, "package.json"));
	const registry = await startRegistry(Object.keys(dependencies), join(folder, "registry"));
	const packed = readdirSync(tarballs).map((name) => join(tarballs, name));
	const [command, args, options] = npm(["install", "--ignore-scripts", ...registry.args, ...packed]);
	await succeed(command, args, project, options).finally(registry.close);
	expect(readFileSync(join(installedPlatform, BINARY), "utf8")).toBe("The addon");
	cpSync(binaryPath, join(installedPlatform, BINARY));

	cpSync(fixtures, project, { recursive: true });
	link("@types/node");
	link("vitest");
}, SETUP_TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the tarballs", () => {
	test("there is one for the package and one for this platform's binary", () => {
		expect(readdirSync(tarballs).sort()).toEqual(
			[`${PLATFORM_PACKAGE}-${version}.tgz`, `rootcellar-${version}.tgz`].sort(),
		);
	});

	test("the package holds its entries, its declarations, bin/, lib/, the page of the studio and the documents, and nothing else", () => {
		const lib = filesBelow(join(root, "lib")).map((name) => `lib/${name}`);
		expect(lib).toContain("lib/data-store.js");
		const docs = filesBelow(join(root, "docs")).map((name) => `docs/${name}`);
		const documents = ["CHANGELOG.md", "LICENSE", "README.md", "THIRD-PARTY.md", "package.json", ...docs];
		const entries = ["index.d.ts", "index.js", "index.mjs"];
		const page = filesBelow(join(root, "studio", "dist")).map((name) => `studio/dist/${name}`);
		expect(page).toContain("studio/dist/index.html");
		expect(filesBelow(installed)).toEqual([...documents, ...entries, ...lib, ...page, "bin/rootcellar.js"].sort());
		expect(declaredFiles).not.toContain("src");
	});

	test("the binary package holds the binary and its documents, and nothing else", () => {
		expect(filesBelow(installedPlatform)).toEqual(
			["LICENSE", "README.md", "THIRD-PARTY.md", "package.json", BINARY].sort(),
		);
	});

	test("neither package runs anything when it is installed", () => {
		for (const path of [installed, installedPlatform]) {
			const { scripts = {} } = readJson(join(path, "package.json"));
			const lifecycle = ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"];
			expect(Object.keys(scripts).filter((name) => lifecycle.includes(name))).toEqual([]);
			// npm would run node-gyp for this file, without any script.
			expect(existsSync(join(path, "binding.gyp"))).toBe(false);
		}
	});

	test("the package asks for every platform's binary at its own version, and beside it for what its command needs", () => {
		const { optionalDependencies, dependencies, peerDependencies, peerDependenciesMeta } = readJson(
			join(installed, "package.json"),
		);
		expect(optionalDependencies).toEqual(Object.fromEntries(PLATFORM_PACKAGES.map((name) => [name, version])));
		expect(Object.keys(dependencies)).toEqual(["cli-progress", "commander"]);
		const optional = Object.entries(peerDependenciesMeta).filter(([, meta]) => meta.optional);
		expect(optional.map(([name]) => name)).toEqual(Object.keys(peerDependencies));
	});

	test("the binary package is for this platform alone", () => {
		const manifest = readJson(join(installedPlatform, "package.json"));
		const [os, cpu, abi] = suffix.split("-");
		const libc = { gnu: ["glibc"], musl: ["musl"] }[abi];
		expect(manifest).toMatchObject({
			name: PLATFORM_PACKAGE,
			version,
			os: [os],
			cpu: [cpu],
			main: BINARY,
			files: [BINARY, "THIRD-PARTY.md"],
			license: "MIT",
			engines: { node: ">=20" },
		});
		expect(manifest.libc).toEqual(libc);
	});

	test("packing leaves the repository's package.json as it was", () => {
		expect(manifestAfterPacking.optionalDependencies).toBeUndefined();
		expect(manifestAfterPacking.version).toBe(version);
	});
});

describe("a bot that installed the package without scripts", { timeout: TEST_TIMEOUT_MS }, () => {
	test("uses it from CommonJS", async () => {
		expect(await runBot("bot.cjs")).toEqual({
			value: { xp: 15 },
			afterClose: "ERR_STORE_CLOSED",
			packagePath: join(installed, "index.js"),
			exports: ["RootcellarError", "dataStore", "openDataStore", "rootServer"],
			openDataStore: "function",
		});
	});

	test("uses it from ES modules, by named imports", async () => {
		expect(await runBot("bot.mjs")).toEqual({
			profiles: [
				{ key: "profile:ada", value: { xp: 10 } },
				{ key: "profile:bob", value: { xp: 7 } },
			],
			afterClose: "ERR_STORE_CLOSED",
			sameAsDefaultExport: true,
		});
	});

	test("compiles under tsc --strict, with the package's declarations checked too, and runs", async () => {
		await succeed(process.execPath, [toolPath("typescript"), "-p", "tsconfig.project.json"], project);
		expect(await runBot("dist/bot.mjs", { BOT_FILE: join(folder, "typescript-module.sqlite3") })).toEqual({
			profile: { xp: 10 },
			xp: 15,
			expires: [true],
			rejected: true,
			rootcellarError: false,
			filename: join(folder, "dist-bot.mjs.sqlite3"),
		});
		expect(await runBot("dist/bot.cjs", { BOT_FILE: join(folder, "typescript-commonjs.sqlite3") })).toEqual({
			values: ["hello"],
			same: true,
		});
	});

	test("compiles without the declarations of Node too", async () => {
		const options = ["--strict", "--module", "nodenext", "--target", "es2022", "--types", "", "--noEmit"];
		writeFileSync(
			join(project, "plain.mts"),
			'export { openDataStore } from "rootcellar";\nimport "rootcellar/register";\n',
		);
		await succeed(process.execPath, [toolPath("typescript"), ...options, "--ignoreConfig", "plain.mts"], project);
	});

	test("tests itself with Jest, modules reset and errors in Jest's own realm", async () => {
		const results = join(folder, "jest.json");
		const config = {
			rootDir: project,
			testEnvironment: "node",
			testMatch: ["**/jest/*.spec.cjs"],
			transform: {},
			cacheDirectory: join(folder, "jest-cache"),
			watchman: false,
		};
		const args = ["--config", JSON.stringify(config), "--json", "--outputFile", results];
		await succeed(process.execPath, [toolPath("jest"), ...args], project);
		expect(readJson(results)).toMatchObject({ success: true, numPassedTests: 6, numTotalTests: 6 });
	});

	test.each(["threads", "forks"])("tests itself with Vitest in its pool of %s", async (pool) => {
		const results = join(folder, `vitest-${pool}.json`);
		const args = ["run", "--root", project, "--dir", "vitest", "--pool", pool];
		const output = ["--reporter", "json", "--outputFile", results];
		await succeed(process.execPath, [toolPath("vitest"), ...args, ...output, "storage.spec.mjs"], project);
		expect(readJson(results)).toMatchObject({ success: true, numPassedTests: 3, numTotalTests: 3 });
	});

	test("is told which package is missing when it preloads rootcellar/register without an SDK", async () => {
		const { code, stderr } = await runCommand(process.execPath, ["--import", "rootcellar/register", "bot.mjs"], {
			cwd: project,
		});
		expect(code).not.toBe(0);
		expect(stderr).toContain("ERR_NO_SDK");
		expect(stderr).toContain("@rootsdk/server-bot");
	});
});

describe("a machine without a binary", { timeout: TEST_TIMEOUT_MS }, () => {
	const elsewhere = join(folder, "elsewhere");
	const muslNode = join(folder, "musl-node");

	beforeAll(() => {
		mkdirSync(join(elsewhere, "node_modules"), { recursive: true });
		cpSync(installed, join(elsewhere, "node_modules", "rootcellar"), { recursive: true });
		cpSync(join(fixtures, "no-binary.cjs"), join(elsewhere, "no-binary.cjs"));
		writeFileSync(muslNode, "\x7fELF, and the loader that it asks for: /lib/ld-musl-x86_64.so.1");
	});

	/** Error of the first operation on a pretended platform. */
	async function failOn(pretended) {
		const args = ["no-binary.cjs", JSON.stringify(pretended)];
		return JSON.parse(await succeed(process.execPath, args, elsewhere));
	}

	test.each([
		["linux-x64-gnu", { platform: "linux", arch: "x64" }, "--os=linux --cpu=x64 --libc=glibc"],
		["linux-arm64-gnu", { platform: "linux", arch: "arm64" }, "--os=linux --cpu=arm64 --libc=glibc"],
		["linux-x64-musl", { platform: "linux", arch: "x64", execPath: muslNode }, "--os=linux --cpu=x64 --libc=musl"],
		[
			"linux-arm64-musl",
			{ platform: "linux", arch: "arm64", execPath: muslNode },
			"--os=linux --cpu=arm64 --libc=musl",
		],
		["darwin-x64", { platform: "darwin", arch: "x64" }, "--os=darwin --cpu=x64"],
		["darwin-arm64", { platform: "darwin", arch: "arm64" }, "--os=darwin --cpu=arm64"],
		["win32-x64-msvc", { platform: "win32", arch: "x64" }, "--os=win32 --cpu=x64"],
		["win32-arm64-msvc", { platform: "win32", arch: "arm64" }, "--os=win32 --cpu=arm64"],
	])("%s: the error names the platform, the package and the two ways out", async (name, pretended, flags) => {
		const { isRootcellarError, code, message, causeCode } = await failOn(pretended);
		expect(code).toBe("ERR_NO_BINARY");
		expect(isRootcellarError).toBe(true);
		expect(message).toContain(`no native binary for ${name}: the package rootcellar-${name} is not installed`);
		expect(message).toContain("--omit=optional");
		expect(message).toMatch(new RegExp(`npm install ${flags}$`, "m"));
		expect(message).toContain("npm run build");
		expect(causeCode).toBe("MODULE_NOT_FOUND");
	});

	test("a platform that no package is published for: the error names those that there are", async () => {
		const { code, message } = await failOn({ platform: "freebsd", arch: "x64" });
		expect(code).toBe("ERR_NO_BINARY");
		expect(message).toContain("no native binary for freebsd-x64");
		for (const name of PLATFORM_PACKAGES) expect(message).toContain(name.replace("rootcellar-", ""));
		expect(message).not.toContain("--os=");
		expect(message).toContain("npm run build");
	});

	test("a binary that does not load: the error says so, with the loader's own words", async () => {
		const broken = join(elsewhere, "node_modules", "rootcellar-linux-arm64-gnu");
		cpSync(installedPlatform, broken, { recursive: true });
		writeFileSync(join(broken, BINARY), "not a library");
		const { code, message, causeCode } = await failOn({ platform: "linux", arch: "arm64" });
		expect(code).toBe("ERR_NO_BINARY");
		expect(message).toContain("rootcellar-linux-arm64-gnu was found but does not load");
		expect(causeCode).toBe("ERR_DLOPEN_FAILED");
	});
});

/** Runs a bot in the project, on a file of its own, and parses what it prints. */
async function runBot(program, env = {}) {
	const filename = join(folder, `${program.replace("/", "-")}.sqlite3`);
	const DATABASE_CONFIG = JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } });
	return JSON.parse(await succeed(process.execPath, [program], project, { env: { DATABASE_CONFIG, ...env } }));
}

/** Runs a command that must succeed; resolves with what it printed. */
async function succeed(command, args, cwd, options) {
	const { code, stdout, stderr } = await runCommand(command, args, { cwd, timeout: SETUP_TIMEOUT_MS, ...options });
	if (code !== 0) throw new Error(`${[command, ...args].join(" ")} ended with ${code}:\n${stdout}\n${stderr}`);
	return stdout;
}

/** Lets the project use a development dependency of ours, instead of downloading it again. */
function link(name) {
	const target = join(project, "node_modules", name);
	mkdirSync(dirname(target), { recursive: true });
	symlinkSync(join(root, "node_modules", name), target, "junction");
}

/** Every file below a folder, relative to it, sorted. */
function filesBelow(path) {
	return readdirSync(path, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) =>
			join(entry.parentPath, entry.name)
				.slice(path.length + 1)
				.replaceAll("\\", "/"),
		)
		.sort();
}

function readJson(path) {
	return JSON.parse(readFileSync(path, "utf8"));
}

function writeJson(path, value) {
	writeFileSync(path, JSON.stringify(value));
}
