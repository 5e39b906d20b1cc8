// Other programs, as a user would start them.

import { execFile } from "node:child_process";

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Our environment without what npm, Vitest and a store's configuration put there, and without colours. */
function outerEnvironment() {
	const inner =
		/^(npm_(?!execpath$)|vitest|test$|node_env$|node_options$|dev$|prod$|mode$|database_config$|rootcellar_)/i;
	const outer = Object.entries(process.env).filter(([name]) => !inner.test(name));
	return { ...Object.fromEntries(outer), NO_COLOR: "1" };
}

/** Runs a command to its end; resolves with `{ code, stdout, stderr }`, whatever the code, which may be a signal. */
export function runCommand(command, args, { cwd, env, timeout = 240_000, ...options } = {}) {
	const settings = { cwd, timeout, maxBuffer: OUTPUT_BYTES_MAX, killSignal: "SIGKILL", ...options };
	return new Promise((resolve) => {
		execFile(command, args, { ...settings, env: { ...outerEnvironment(), ...env } }, (error, stdout, stderr) => {
			resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
		});
	});
}
