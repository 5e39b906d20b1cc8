import { existsSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../run.mjs";

/** The server that the tests keep backups on: files behind the protocol of S3. */
const CRATE = "s3s-fs";
const VERSION = "0.14.1";

/** Not optimised, because what is built once is run for seconds. */
const QUICK_BUILD = {
	CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
	CARGO_PROFILE_RELEASE_LTO: "off",
	CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
};

const folder = join(root, "node_modules/.cache/rootcellar", `${CRATE}-${VERSION}`);

/** The server's executable, whether it is installed or not. */
export function s3ServerPath() {
	return join(folder, "bin", process.platform === "win32" ? `${CRATE}.exe` : CRATE);
}

/** Builds the server, unless it is there. */
export async function installS3Server() {
	if (existsSync(s3ServerPath())) return;
	const title = `Building ${CRATE}, the S3 server of the tests (cargo install; takes some minutes)`;
	const args = ["install", CRATE, "--version", VERSION, "--features", "binary", "--locked", "--root", folder];
	const env = { ...QUICK_BUILD, CARGO_TARGET_DIR: join(folder, "target") };
	await run(title, "cargo", args, { env, hint: "It needs Rust 1.92 and access to crates.io." });
}
