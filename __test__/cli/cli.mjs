// The command line, `npx rootcellar`, as a shell and as a person at a terminal run it.

import { execFile, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDataStore } from "rootcellar";
import { afterAll, expect } from "vitest";
import { startModule } from "../helpers/child.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

export const program = fileURLToPath(new URL("../../bin/rootcellar.js", import.meta.url));

/** Our environment without what would configure a store. */
export function environment(env = {}) {
	const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, NODE_OPTIONS, ...inherited } = process.env;
	return { ...inherited, ...env };
}

/** Runs a command; resolves with its exit code and what it printed. */
export function rootcellar(args, { input = "", env, cwd } = {}) {
	return new Promise((resolve) => {
		const options = { env: environment(env), cwd, timeout: 240_000, maxBuffer: 1 << 28 };
		const child = execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
			resolve({ code: error ? error.code : 0, stdout, stderr });
		});
		// A command that fails does not read what it is given.
		child.stdin.on("error", () => {});
		child.stdin.end(input);
	});
}

/** The commands that this test file has run in a process of their own. */
const ran = new Set();

/**
 * Runs a command with `--json`, and parses its output, which has to be all that it prints: in a process of its own where
 * it reads an input, or is the file's first of its name.
 */
export async function json(args, options = {}) {
	const isAlone = options.input !== undefined || !ran.has(args[0]);
	ran.add(args[0]);
	const run = isAlone ? rootcellar : rootcellarAgain;
	const { stdout, stderr } = await run([...args, "--json"], options);
	expect(stderr).toBe("");
	return JSON.parse(stdout);
}

/** The process that runs the commands of a test file that have to fail, as far as they read no input. */
let shared;

/** The end of the last command that it was sent. */
let last = Promise.resolve();

afterAll(() => shared?.kill());

/** Like {@link rootcellar} without an input, in a process that has run other commands before. It runs one at a time. */
export function rootcellarAgain(args, options) {
	const answer = last.then(() => askShared(args, options));
	last = answer.catch(() => {});
	return answer;
}

async function askShared(args, { env, cwd } = {}) {
	shared ??= fork(fileURLToPath(new URL("commands.cjs", import.meta.url)), { env: environment(), execArgv: [] });
	const ended = new AbortController();
	const { signal } = ended;
	const end = once(shared, "exit", { signal }).then(([code]) =>
		expect.unreachable(`${args} ended the process: ${code}`),
	);
	shared.send({ args, env, cwd });
	try {
		const [answer] = await Promise.race([once(shared, "message", { signal }), end]);
		return answer;
	} finally {
		end.catch(() => {});
		ended.abort();
	}
}

/** The codes of errors that were seen as JSON. */
const seen = new Set();

/**
 * A command that has to fail: its code and its message, and no trace of the program. It is asked for JSON, too, where its
 * code is met for the first time: then of a process of its own.
 */
export async function failure(args, { code = 1, ...options } = {}) {
	const run = options.input === undefined ? rootcellarAgain : rootcellar;
	const { stderr, stdout, ...said } = await run(args, options);
	const lines = stderr.trimEnd().split("\n");
	expect([said.code, stdout, lines.length], stderr).toEqual([code, "", code === 2 ? expect.any(Number) : 1]);
	expect(stderr).not.toMatch(/^\s+at |node:internal/m);
	const [, message, name] = stderr.match(/^rootcellar: (.*) \((\w+)\)\n$/s) ?? [];
	if (seen.has(name)) return { said: stderr, code: name, message };
	const told = await (name === undefined ? run : rootcellar)([...args, "--json"], options);
	expect([told.code, told.stderr]).toEqual([code, ""]);
	const { error } = JSON.parse(told.stdout);
	if (name !== undefined) {
		expect(error).toEqual({ code: name, message });
		seen.add(name);
	}
	return { said: stderr, ...error };
}

/** Runs a command at a terminal of its own; resolves with its exit code and all that the terminal was sent. */
export function atTerminal(args) {
	const run = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
	return new Promise((resolve, reject) => {
		const child = spawn("python3", ["-c", run, process.execPath, program, ...args], {
			env: environment({ TERM: "xterm", COLUMNS: "120" }),
			stdio: ["ignore", "pipe", "inherit"],
		});
		let shown = "";
		child.stdout.setEncoding("utf8").on("data", (text) => {
			shown += text;
		});
		child.on("error", reject);
		child.on("close", (code) => resolve({ code, shown }));
	});
}

/** A store with two states, 1 and 2, and the backups of both. */
export async function stored() {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	const store = openDataStore({ filename: file, backup: {} });
	const ids = [];
	for (const value of [1, 2]) {
		await store.appData.set({ key: "k", value });
		ids.push((await store.backups.create()).id);
	}
	await store.close();
	return { directory, file, ids };
}

/** A new file with these entries. */
export async function fileWith(entries, directory = temporaryDirectory(), name = "bot.sqlite3") {
	const file = join(directory, name);
	const store = openDataStore({ filename: file, backup: false });
	await store.appData.set(entries);
	await store.close();
	return file;
}

/** A bot that has a store open in a process of its own; it sets `k` to each line that it is sent. */
export async function startBot(file, backup = "{}") {
	const bot = startModule(
		`import { createInterface } from "node:readline";
		const store = openDataStore({ filename: process.argv[1], backup: ${backup} });
		await store.appData.get("k");
		if (${backup}) await store.backups.create();
		console.log("open");
		for await (const line of createInterface({ input: process.stdin })) {
			if (line === "get") console.log("holds " + JSON.stringify(await store.appData.get("k")));
			else await store.appData.set({ key: "k", value: JSON.parse(line) });
			console.log("did " + line);
		}`,
		{ args: [file] },
	);
	await bot.line("open");
	return bot;
}

/** The value of `k` in a file. */
export async function valueIn(file, key = "k") {
	const store = openDataStore({ filename: file, backup: false });
	try {
		return await store.appData.get(key);
	} finally {
		await store.close();
	}
}
