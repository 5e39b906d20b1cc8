import { spawnSync } from "node:child_process";
import { installAzureServer } from "./install/azure.mjs";
import { installChromium } from "./install/chromium.mjs";
import { installDebianPackages } from "./install/debian.mjs";
import { installLitestream } from "./install/litestream.mjs";
import { installManagers } from "./install/managers.mjs";
import { installNodes } from "./install/nodes.mjs";
import { installExtendedPackages } from "./install/packages.mjs";
import { installPostgres, prepareOtherPostgres } from "./install/postgres.mjs";
import { installS3Server } from "./install/s3.mjs";
import { npm, root, run, StepFailure, together } from "./run.mjs";

/** Requirements of the extended tests: further packages, versions of Node, Litestream, servers. */
export async function prepareExtendedTests() {
	await together(
		together(installPostgres(), installExtendedPackages()).then(prepareOtherPostgres),
		installNodes(),
		installLitestream(),
		installS3Server(),
		installAzureServer(),
		installChromium(),
		installManagers(),
	);
}

/** Requirements of the long tests beside those of the extended. */
export async function prepareLongTests() {
	await installDebianPackages();
}

/** The native parts of other SQLite libraries; those of the benchmark's other peers come with their packages. */
export async function prepareSqliteLibraries() {
	await together(
		buildPackage("sqlite3", "for the SDK, and as another SQLite beside rootcellar"),
		buildPackage("better-sqlite3", "as another SQLite beside rootcellar"),
	);
}

/**
 * Builds the native part of a development dependency, unless it is there. Nothing of rootcellar depends on it.
 *
 * @param {string} name
 * @param {string} purpose
 */
async function buildPackage(name, purpose) {
	if (whatFails(name) === undefined) return;
	const title = `Building ${name}, which tests and benchmark use ${purpose} (npm rebuild)`;
	const [command, args, options] = npm(["rebuild", name, "--ignore-scripts=false"]);
	const hint = "It needs network access for a prebuilt binary, or Python and a C++ compiler.";
	await run(title, command, args, { ...options, hint });
	const problem = whatFails(name);
	if (problem !== undefined) throw new StepFailure(title, `${name} still does not load: ${problem}`, { hint });
}

/**
 * Error of loading and using a package of SQLite in a separate process; `undefined` when nothing
 * does.
 *
 * @param {string} name
 */
function whatFails(name) {
	const use = `const Database = require("${name}").Database ?? require("${name}"); new Database(":memory:").close()`;
	const program = `try { ${use} } catch (error) { console.log(error.message); process.exitCode = 1 }`;
	const { status, stdout } = spawnSync(process.execPath, ["-e", program], { cwd: root, encoding: "utf8" });
	return status === 0 ? undefined : stdout.trim();
}
