import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { root, run, together } from "../run.mjs";

/**
 * The releases of Litestream that the tests compare backups with: the first of its format, and the newest. The one
 * reads LZ4 frames alone and plans a restore in another way than the other.
 */
export const CLI_VERSIONS = ["v0.5.0", "v0.5.18"];

/** Releases of Litestream's library for SQLite, which reads a replica without restoring it. */
export const VFS_VERSIONS = ["0.5.14", "0.5.15", "0.5.16", "0.5.17"];

const GO_PACKAGE = "github.com/benbjohnson/litestream/cmd/litestream";

/** @param {string} name */
const folder = (name) => join(root, "node_modules/.cache/rootcellar", name);

/**
 * The executable of a release, whether it is installed or not.
 *
 * @param {string} version
 */
export function cliPath(version) {
	return join(folder(`litestream-${version}`), process.platform === "win32" ? "litestream.exe" : "litestream");
}

/**
 * The library of a release, whether it is installed or not.
 *
 * @param {string} version
 */
export function vfsPath(version) {
	return join(folder(`litestream-vfs-${version}`), "litestream_vfs", "litestream-vfs.so");
}

/** Builds Litestream and fetches its library, unless they are there. */
export async function installLitestream() {
	await together(buildClis(), fetchLibraries());
}

/** One after another, because the second takes most of what it is made of from Go's cache. */
async function buildClis() {
	const missing = CLI_VERSIONS.filter((version) => !existsSync(cliPath(version)));
	for (const version of missing) await buildCli(version);
}

async function fetchLibraries() {
	const libraries = VFS_VERSIONS.filter((version) => !existsSync(vfsPath(version)));
	// There is none for other platforms.
	if (process.platform !== "linux" || process.arch !== "x64") return;
	for (const version of libraries) await fetchLibrary(version);
}

/** @param {string} version */
async function buildCli(version) {
	const title = `Building Litestream ${version} for the tests (go install)`;
	const env = { GOBIN: folder(`litestream-${version}`), GOFLAGS: "-mod=mod" };
	const hint = "It needs Go (https://go.dev) and access to the Go module proxy.";
	await run(title, "go", ["install", `${GO_PACKAGE}@${version}`], { env, hint });
}

/** @param {string} version */
async function fetchLibrary(version) {
	const to = folder(`litestream-vfs-${version}`);
	mkdirSync(to, { recursive: true });
	const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", to, `litestream-vfs==${version}`];
	const hint = "It needs Python with pip and access to the Python package index.";
	await run(`Installing Litestream's library ${version} for the tests (pip install)`, "python3", args, { hint });
}
