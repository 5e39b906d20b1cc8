// Node processes and worker threads that use the package.

import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** The package's ES module and CommonJS entries, for code that runs outside its folder. */
export const packageUrl = new URL("../../index.mjs", import.meta.url).href;
export const packagePath = fileURLToPath(new URL("../../index.js", import.meta.url));

/** The environment of a child: ours, without what would configure a store or Node, unless the tests themselves do. */
export function environment(env) {
	const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, NODE_OPTIONS, ...inherited } = process.env;
	const { ROOTCELLAR_TEST_NODE_OPTIONS: own } = process.env;
	return { ...inherited, ...(own && { NODE_OPTIONS: own }), ...env };
}

const MODULE_PRELUDE = `import { dataStore, openDataStore, rootServer, RootcellarError } from ${JSON.stringify(packageUrl)};\n`;

function moduleArguments(source, args) {
	return ["--input-type=module", "--eval", source, "--", ...args];
}

/**
 * Runs an ES module in a process of its own until it ends, with the package imported unless `bare`.
 *
 * Resolves with `{ code, signal, stdout, stderr }`, whatever the exit code.
 */
export function runModule(source, { args = [], env, cwd, bare = false, timeoutMs = 240_000 } = {}) {
	return new Promise((resolve) => {
		execFile(
			process.execPath,
			moduleArguments(bare ? source : MODULE_PRELUDE + source, args),
			{ cwd, env: environment(env), timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 },
			(error, stdout, stderr) => {
				resolve({ code: error ? error.code : 0, signal: error?.signal ?? null, stdout, stderr });
			},
		);
	});
}

/** Like {@link runModule}, but the module must end well; resolves with what it printed, parsed as JSON. */
export async function runModuleForJson(source, options) {
	const result = await runModule(source, options);
	if (result.code !== 0 || result.stderr !== "") {
		throw new Error(`child ended with ${result.code ?? result.signal}: ${result.stderr}`);
	}
	return JSON.parse(result.stdout);
}

/**
 * Starts an ES module that goes on until it is killed or ends.
 *
 * `lines` collects what it prints, `line(text)` resolves when it has printed that line, and `ended` resolves
 * with `{ code, signal, stderr }`. It is killed when the test ends.
 */
export function startModule(source, { args = [], env, cwd } = {}) {
	const child = spawn(process.execPath, moduleArguments(MODULE_PRELUDE + source, args), {
		cwd,
		env: environment(env),
		stdio: ["pipe", "pipe", "pipe"],
	});
	const lines = [];
	const waiting = [];
	let stderr = "";
	child.stderr.on("data", (chunk) => {
		stderr += chunk;
	});
	const reader = createInterface({ input: child.stdout });
	reader.on("line", (line) => {
		lines.push(line);
		for (const waiter of waiting) if (waiter.accepts(lines)) waiter.resolve();
	});
	const drained = new Promise((resolve) => reader.once("close", resolve));
	const ended = new Promise((resolve) => {
		child.once("exit", async (code, signal) => {
			await drained;
			resolve({ code, signal, stderr });
		});
	});

	function until(accepts, wanted) {
		return new Promise((resolve, reject) => {
			if (accepts(lines)) return resolve();
			waiting.push({ accepts, resolve });
			ended.then(() => reject(new Error(`child ended without printing ${wanted}: ${stderr}`)));
		});
	}
	onTestFinished(() => child.kill("SIGKILL"));
	return {
		lines,
		ended,
		line: (text) => until((printed) => printed.includes(text), text),
		lineCount: (count) => until((printed) => printed.length >= count, `${count} lines`),
		write: (text) => child.stdin.write(text),
		end: () => child.stdin.end(),
		kill: (signal) => child.kill(signal),
	};
}
