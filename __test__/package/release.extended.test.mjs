// The tarballs that are published: their binary, their documents, and their bills of materials; and that npm, pnpm and
// yarn install them from a registry into an empty project.

import { execFileSync } from "node:child_process";
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	realpathSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { binaryPath, suffix } from "../../scripts/lib/addon.mjs";
import { managerPath } from "../../scripts/lib/install/managers.mjs";
import { npm, root } from "../../scripts/lib/run.mjs";
import { runCommand } from "../helpers/command.mjs";
import { startRegistry } from "./registry.mjs";

const { version, dependencies } = readJson(join(root, "package.json"));
const fixtures = fileURLToPath(new URL("project", import.meta.url));

const PLATFORM_PACKAGE = `rootcellar-${suffix}`;
const alike = PLATFORM_PACKAGE.replace(/-(?:gnu|musl)$/, "");
const BINARY = `rootcellar.${suffix}.node`;
const BUILD_TIMEOUT_MS = 1_800_000;

/** Prefix of the faults and hooks of tests, in a binary and in JavaScript. */
const TEST_HOOK = "ROOTCELLAR_TEST_";

/** Bounds of sizes in bytes: of the binary, and of what is downloaded. */
const BINARY_MAX = 10_000_000;
const TARBALLS_MAX = { [PLATFORM_PACKAGE]: 5_000_000, rootcellar: 600_000 };

const scratch = realpathSync(mkdtempSync(join(tmpdir(), "rootcellar-release-")));
const { ROOTCELLAR_RELEASE } = process.env;
const release = ROOTCELLAR_RELEASE ?? join(scratch, "release");
const unpacked = Object.fromEntries(["rootcellar", PLATFORM_PACKAGE].map((name) => [name, join(scratch, name)]));

beforeAll(async () => {
	if (ROOTCELLAR_RELEASE === undefined) {
		const args = [join(root, "scripts/pack.mjs"), "--bills", release];
		const { code, stdout, stderr } = await runCommand(process.execPath, args, {
			cwd: root,
			timeout: BUILD_TIMEOUT_MS,
		});
		expect(code, stdout + stderr).toBe(0);
	}
	for (const [name, folder] of Object.entries(unpacked)) {
		mkdirSync(folder);
		execFileSync("tar", ["-xzf", tarballOf(name), "-C", folder, "--strip-components=1"]);
	}
}, BUILD_TIMEOUT_MS);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("what is published", () => {
	test("is two tarballs, each with a bill of materials", () => {
		const names = Object.keys(unpacked);
		expect(readdirSync(release).sort()).toEqual(
			names.flatMap((name) => [`${name}-${version}.tgz`, `${name}.cdx.json`]).sort(),
		);
	});

	test("is not larger than it has to be", () => {
		expect(statSync(join(unpacked[PLATFORM_PACKAGE], BINARY)).size).toBeLessThan(BINARY_MAX);
		for (const [name, most] of Object.entries(TARBALLS_MAX)) {
			expect(statSync(tarballOf(name)).size, name).toBeLessThan(most);
		}
	});

	test("has no faults and hooks of tests", () => {
		expect(readFileSync(join(unpacked[PLATFORM_PACKAGE], BINARY)).includes(TEST_HOOK)).toBe(false);
		expect(readFileSync(binaryPath).includes(TEST_HOOK)).toBe(true);
		for (const name of readdirSync(unpacked.rootcellar, { recursive: true })) {
			const path = join(unpacked.rootcellar, name);
			if (statSync(path).isFile()) expect(readFileSync(path).includes(TEST_HOOK), name).toBe(false);
		}
	});

	test("has the licence of everything that is compiled in", () => {
		const { components } = billOf(PLATFORM_PACKAGE);
		const text = readFileSync(join(unpacked[PLATFORM_PACKAGE], "THIRD-PARTY.md"), "utf8");
		const crates = components.filter(({ purl }) => purl.startsWith("pkg:cargo/"));
		expect(crates.length).toBeGreaterThan(50);
		const headings = text.match(/^## .*$/gm).flatMap((line) => line.slice(3).split(", "));
		for (const { name, version, licenses } of crates) {
			expect(text).toContain(`| ${name} | ${version} | ${licenses[0].expression} |`);
			expect(headings).toContain(`${name}@${version}`);
		}
		const sqlite = components.find(({ name }) => name === "sqlite");
		expect(text).toContain(`SQLite ${sqlite.version}, which is in the public domain`);
	});

	test.each(Object.keys(unpacked))("%s: the bill of materials says what is in it, and where that is from", (name) => {
		const { bomFormat, specVersion, metadata, components, dependencies: edges } = billOf(name);
		expect({ bomFormat, specVersion }).toEqual({ bomFormat: "CycloneDX", specVersion: "1.5" });
		expect(metadata.component).toMatchObject({ name, version, purl: `pkg:npm/${name}@${version}` });
		const refs = [metadata.component, ...components].map((component) => component["bom-ref"]);
		expect(new Set(refs).size).toBe(refs.length);
		expect(edges.map(({ ref }) => ref).sort()).toEqual([...refs].sort());
		const used = edges.flatMap(({ dependsOn }) => dependsOn);
		expect(refs.filter((ref) => ref !== metadata.component["bom-ref"] && !used.includes(ref))).toEqual([]);
		expect(used.filter((ref) => !refs.includes(ref))).toEqual([]);
		for (const { purl, licenses, hashes } of components) {
			expect(licenses, purl).toHaveLength(1);
			if (/^pkg:(?:cargo|npm)\//.test(purl)) expect(hashes?.[0].content, purl).toMatch(/^[0-9a-f]{64,128}$/);
		}
	});

	test("the bill of the main package has all that npm installs along with it, and what its page is made of", () => {
		const names = billOf("rootcellar").components.map((component) => component.name);
		expect(names).toEqual(expect.arrayContaining([...Object.keys(dependencies), "string-width", "ansi-regex"]));
		const text = readFileSync(join(unpacked.rootcellar, "THIRD-PARTY.md"), "utf8");
		for (const name of ["preact", "@preact/signals", "@preact/signals-core"]) {
			expect(names).toContain(name);
			expect(text).toMatch(new RegExp(`^## .*${name}@[\\d.]+$|^## .*${name}@[\\d.]+,`, "m"));
		}
	});
});

describe("a project without anything", () => {
	let registry;

	beforeAll(async () => {
		const ours = Object.keys(unpacked).map((name) => ({
			manifest: readJson(join(unpacked[name], "package.json")),
			tarball: readFileSync(tarballOf(name)),
		}));
		const { optionalDependencies } = ours[0].manifest;
		const others = Object.keys(optionalDependencies).filter((name) => name !== PLATFORM_PACKAGE);
		registry = await startRegistry(Object.keys(dependencies), join(scratch, "registry"), [
			...ours,
			...others.map(otherPlatform),
		]);
	}, BUILD_TIMEOUT_MS);

	afterAll(() => registry.close());

	test.each(["npm", "pnpm", "yarn"])("%s: installs it without scripts, and a bot runs", async (manager) => {
		const project = join(scratch, `${manager}-project`);
		mkdirSync(project);
		writeFileSync(join(project, "package.json"), JSON.stringify({ name: "bot", version: "1.0.0", private: true }));
		registry.asked.clear();
		await install(manager, project);
		expect(registry.asked).toContain(`${PLATFORM_PACKAGE}.tgz`);

		for (const bot of ["bot.cjs", "bot.mjs"]) cpSync(join(fixtures, bot), join(project, bot));
		const run = async (...args) => {
			const { code, stdout, stderr } = await runCommand(process.execPath, args, { cwd: project });
			expect(code, stderr).toBe(0);
			return stdout;
		};
		expect(JSON.parse(await run("bot.cjs"))).toMatchObject({ value: { xp: 15 }, afterClose: "ERR_STORE_CLOSED" });
		expect(JSON.parse(await run("bot.mjs")).profiles).toEqual([
			{ key: "profile:ada", value: { xp: 10 } },
			{ key: "profile:bob", value: { xp: 7 } },
		]);
		expect(existsSync(join(project, "rootsdk.sqlite3"))).toBe(true);
		const program = join(project, "node_modules/rootcellar/bin/rootcellar.js");
		expect(await run(program, "--version")).toContain(version);
		expect(await run(program, "export")).toContain('"key":"profile:ada"');
		// yarn 1 fetches every platform's package, and does not know `libc`; it installs none of another system.
		const isOurs = (name) => name === PLATFORM_PACKAGE || (manager === "yarn" && name.startsWith(alike));
		const fetched = [...registry.asked].filter((name) => name.startsWith("rootcellar-"));
		if (manager !== "yarn") expect(fetched).toEqual([`${PLATFORM_PACKAGE}.tgz`]);
		expect(installedBelow(join(project, "node_modules")).filter((name) => !isOurs(name))).toEqual([]);
	});

	/** Installs the package from the registry. */
	async function install(manager, project) {
		const [command, args, options] = installation(manager);
		const env = { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };
		const { code, stdout, stderr } = await runCommand(command, args, { cwd: project, env, ...options });
		expect(code, stdout + stderr).toBe(0);
	}

	function installation(manager) {
		const source = ["--ignore-scripts", "--registry", registry.url];
		if (manager === "npm") return npm(["install", "--ignore-scripts", ...registry.args, "rootcellar"]);
		const kept = join(scratch, `${manager}-store`);
		const where = { pnpm: ["--store-dir", kept], yarn: ["--cache-folder", kept, "--non-interactive"] }[manager];
		return [process.execPath, [managerPath(manager), "add", "rootcellar", ...source, ...where], {}];
	}
});

/** Names of the binary packages in a folder of packages, wherever the package manager has put them. */
function installedBelow(folder) {
	const names = readdirSync(folder, { recursive: true }).map((path) => basename(path));
	return names.filter((name) => /^rootcellar-(?:linux|darwin|win32)-/.test(name) && !name.includes("@"));
}

/** A package of another platform: its manifest, and a tarball that has nothing else. */
function otherPlatform(name) {
	const [os, cpu, abi] = name.slice("rootcellar-".length).split("-");
	const libc = { gnu: ["glibc"], musl: ["musl"] }[abi];
	const manifest = { name, version, os: [os], cpu: [cpu], ...(libc && { libc }) };
	const folder = join(scratch, "others", name);
	mkdirSync(join(folder, "package"), { recursive: true });
	writeFileSync(join(folder, "package/package.json"), JSON.stringify(manifest));
	return { manifest, tarball: execFileSync("tar", ["-czf", "-", "-C", folder, "package"]) };
}

function billOf(name) {
	return readJson(join(release, `${name}.cdx.json`));
}

function tarballOf(name) {
	return join(release, `${name}-${version}.tgz`);
}

function readJson(path) {
	return JSON.parse(readFileSync(path, "utf8"));
}
