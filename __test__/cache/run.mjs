// The programs of this folder, run in processes of their own.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { rounds } from "../helpers/rounds.mjs";

const TIMEOUT_MS = rounds({ few: 240_000, many: 240_000, long: 1_200_000 });

/**
 * Runs a program with some version of Node to its end, whatever that is; resolves with `{ code, signal, stdout, stderr }`.
 */
export function run(program, args, { node = process.execPath, flags = [] } = {}) {
	const path = fileURLToPath(new URL(`programs/${program}`, import.meta.url));
	const env = { ...process.env, NODE_NO_WARNINGS: "1", NODE_OPTIONS: "" };
	return new Promise((resolve) => {
		execFile(node, [...flags, path, ...args.map(String)], { env, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
			resolve({ code: error ? error.code : 0, signal: error?.signal ?? null, stdout, stderr });
		});
	});
}

/** Like {@link run}, but the program must end well and be silent; resolves with what it printed, parsed as JSON. */
export async function runForJson(program, args, options) {
	const { code, signal, stdout, stderr } = await run(program, args, options);
	if (code !== 0 || stderr !== "") throw new Error(`${program} ended with ${signal ?? code}: ${stderr}`);
	return JSON.parse(stdout);
}
