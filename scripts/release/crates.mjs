// The crates that are compiled into a binary, as Cargo resolves them for a target.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { root, run, StepFailure } from "../lib/run.mjs";

/** Licences that ask for nothing but that their text goes along. */
const LICENCES = new Set(["Apache-2.0", "BSD-3-Clause", "BSL-1.0", "ISC", "MIT", "Unicode-3.0", "Unlicense", "Zlib"]);

/** Names of files with a licence, or with what it asks to be repeated. */
const LICENCE_FILE = /^(?:licen[cs]e|copying|copyright|notice|unlicense)/i;

const REGISTRY = "registry+https://github.com/rust-lang/crates.io-index";

/**
 * Crates whose package lacks the licence that their repository has: a file of `licences/`. Where the licence may be
 * Apache-2.0, whose text names nobody, that is taken without being named here.
 */
const LACKING = new Map([
	["napi", "napi-rs.txt"],
	["napi-sys", "napi-rs.txt"],
]);

/**
 * Crate: where it is from (`undefined` for one of this repository), its licence as an SPDX expression, the texts of its
 * licence, the SHA-256 of its package, and the crates that it uses.
 *
 * @typedef {object} CompiledCrate
 * @property {string} name
 * @property {string} version
 * @property {string} licence
 * @property {string | undefined} repository
 * @property {string | undefined} source
 * @property {string | undefined} checksum
 * @property {string[]} texts
 * @property {string} folder
 * @property {string[]} uses names with versions, `name@version`
 */

/**
 * The crates in the binary for a target: what the core depends on, other than for its build, for tests, or as a macro.
 * The first is the core itself.
 *
 * @param {string} target - Rust's name of a platform.
 * @returns {Promise<CompiledCrate[]>}
 * @throws {StepFailure} If one may not be published, by its licence or its source.
 */
export async function compiledCrates(target) {
	const title = `Listing the crates that are compiled in for ${target} (cargo metadata)`;
	const args = ["metadata", "--format-version", "1", "--locked", "--filter-platform", target];
	const { packages, resolve } = JSON.parse(await run(title, "cargo", args, { keepsStdout: true }));
	const byId = new Map(packages.map((/** @type {any} */ found) => [found.id, found]));
	const nodes = new Map(resolve.nodes.map((/** @type {any} */ node) => [node.id, node]));
	const checksums = checksumsOfLock();

	const isMacro = (/** @type {string} */ id) =>
		byId.get(id).targets.some((/** @type {any} */ built) => built.kind.includes("proc-macro"));
	const usesOf = (/** @type {string} */ id) =>
		nodes
			.get(id)
			.deps.filter((/** @type {any} */ dep) => dep.dep_kinds.some((/** @type {any} */ { kind }) => kind === null))
			.map((/** @type {any} */ dep) => dep.pkg)
			.filter((/** @type {string} */ used) => !isMacro(used));
	const nameOf = (/** @type {string} */ id) => `${byId.get(id).name}@${byId.get(id).version}`;

	const ids = new Set([resolve.root]);
	for (const id of ids) for (const used of usesOf(id)) ids.add(used);
	const crates = [...ids].map((id) => {
		const { name, version, license, repository, source, manifest_path: manifest } = byId.get(id);
		const folder = dirname(manifest);
		return {
			name,
			version,
			licence: (license ?? "").replaceAll("/", " OR "),
			repository: repository ?? undefined,
			source: source ?? undefined,
			checksum: checksums.get(`${name}@${version}`),
			texts: textsOf(name, folder, source, license ?? ""),
			folder,
			uses: usesOf(id).map(nameOf).sort(),
		};
	});
	const problems = crates.flatMap(problemsWith);
	if (problems.length > 0) throw new StepFailure(title, problems.join("\n"));
	const [core, ...others] = crates;
	return [/** @type {CompiledCrate} */ (core), ...others.sort((a, b) => (nameWith(a) < nameWith(b) ? -1 : 1))];
}

/** @param {{ name: string, version: string }} crate */
export function nameWith({ name, version }) {
	return `${name}@${version}`;
}

/** @param {CompiledCrate} crate */
function problemsWith(crate) {
	const problems = [];
	if (!isAllowed(crate.licence)) problems.push(`its licence is ${crate.licence || "unknown"}`);
	if (crate.source !== undefined && crate.source !== REGISTRY) problems.push(`it is from ${crate.source}`);
	if (crate.source !== undefined && crate.checksum === undefined) problems.push("Cargo.lock has no checksum of it");
	if (crate.source !== undefined && crate.texts.length === 0) problems.push("its package has no text of its licence");
	return problems.map((problem) => `${nameWith(crate)} cannot be compiled in: ${problem}`);
}

/**
 * True if an SPDX expression leaves a choice that is allowed.
 *
 * @param {string} expression
 */
export function isAllowed(expression) {
	const choices = expression.replaceAll(/[()]/g, "").split(" OR ");
	return choices.some((choice) => choice.split(" AND ").every((licence) => LICENCES.has(licence.trim())));
}

/**
 * The texts that go along with a crate: of the licence that is taken where there is a choice, and its notices.
 *
 * @param {string} name
 * @param {string} folder
 * @param {string | null} source
 * @param {string} licence
 */
function textsOf(name, folder, source, licence) {
	if (source === null) return [];
	const found = readdirSync(folder)
		.filter((file) => LICENCE_FILE.test(file))
		.sort()
		.flatMap((file) => filesAt(join(folder, file)));
	const lacking = LACKING.get(name) ?? (licence.split(/ OR |\//).includes("Apache-2.0") ? "Apache-2.0.txt" : undefined);
	if (found.length === 0 && lacking !== undefined) found.push(join(root, "scripts/release/licences", lacking));
	const isMit = (/** @type {string} */ path) => /mit/i.test(basename(path));
	const isOther = (/** @type {string} */ path) => /apache|boost|bsl|isc|unlicense/i.test(basename(path));
	const hasChoice = / OR |\//.test(licence) && found.some(isMit);
	const taken = hasChoice ? found.filter((path) => !isOther(path)) : found;
	return taken.map((path) => readFileSync(path, "utf8").replaceAll("\r\n", "\n").trim());
}

/**
 * The file, or those in the folder, of a name.
 *
 * @param {string} path
 */
function filesAt(path) {
	if (!statSync(path).isDirectory()) return [path];
	return readdirSync(path)
		.sort()
		.map((file) => join(path, file));
}

/** The checksums of packages in Cargo.lock, by name with version. */
function checksumsOfLock() {
	const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
	const entries = lock.matchAll(/name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([^"]+)"/g);
	return new Map([...entries].map(([, name, version, checksum]) => [`${name}@${version}`, checksum]));
}

/**
 * The version of SQLite that is compiled in.
 *
 * @param {CompiledCrate[]} crates
 */
export function sqliteVersion(crates) {
	const bindings = crates.find(({ name }) => name === "libsqlite3-sys");
	if (bindings === undefined) throw new Error("no SQLite is compiled in");
	const header = readFileSync(join(bindings.folder, "sqlite3", "sqlite3.h"), "utf8");
	const [, version] = header.match(/^#define SQLITE_VERSION\s+"([^"]+)"/m) ?? [];
	if (version === undefined) throw new Error(`${basename(bindings.folder)} does not say which SQLite it has`);
	return version;
}
