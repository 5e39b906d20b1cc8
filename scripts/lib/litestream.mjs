import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fail, root, run } from "./run.mjs";

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

/**
 * Builds Litestream and fetches its library, unless they are there. Where Go or Python is missing the tests say that
 * they compared nothing, unless `ROOTCELLAR_TEST_LITESTREAM` is `required`.
 */
export function installLitestream() {
	const missing = CLI_VERSIONS.filter((version) => !existsSync(cliPath(version)));
	if (missing.length > 0 && isThere("go", ["version"])) missing.forEach(buildCli);
	const libraries = VFS_VERSIONS.filter((version) => !existsSync(vfsPath(version)));
	const hasLibrary = process.platform === "linux" && process.arch === "x64";
	if (hasLibrary && libraries.length > 0 && isThere("python3", ["-m", "pip", "--version"])) {
		libraries.forEach(fetchLibrary);
	}
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function isThere(command, args) {
	const found = spawnSync(command, args).status === 0;
	const title = "Preparing the comparison with Litestream";
	if (!found && process.env.ROOTCELLAR_TEST_LITESTREAM === "required") fail(title, `there is no ${command}`);
	if (!found) console.log(`\n== ${title}: there is no ${command}, so that tests will leave it out`);
	return found;
}

/** @param {string} version */
function buildCli(version) {
	const title = `Building Litestream ${version} for the tests (go install; takes a minute or two)`;
	const env = { ...process.env, GOBIN: folder(`litestream-${version}`), GOFLAGS: "-mod=mod" };
	const hint = "It needs access to the Go module proxy.";
	run(title, "go", ["install", `${GO_PACKAGE}@${version}`], { env, hint });
}

/** @param {string} version */
function fetchLibrary(version) {
	const to = folder(`litestream-vfs-${version}`);
	mkdirSync(to, { recursive: true });
	const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", to, `litestream-vfs==${version}`];
	const hint = "It needs access to the Python package index.";
	run(`Installing Litestream's library ${version} for the tests (pip install)`, "python3", args, { hint });
}
