"use strict";

// Life of a bot, in plain Node, so that it runs on every platform: `node scenario.cjs <folder of the package> <folder to work
// in> <file for the results> [runner ...]`. The runner is what programs of this platform are started with, where the system
// does not start them by itself.
//
// The results are lines of JSON, one a step: not the standard output, for some runners have no pipes.

const { spawn } = require("node:child_process");
const { appendFileSync, mkdirSync, rmSync, writeFileSync } = require("node:fs");
const { join, resolve } = require("node:path");

const [packageFolder, work, resultsFile, ...runner] = process.argv.slice(2);

/** With its drive, on Windows. */
const workFolder = resolve(work);

/** For one step, on a slow emulator. */
const STEP_LIMIT_MS = 900_000;

const STEPS = require("./steps.cjs");

let folders = 0;

/** The processes that have not ended. */
const children = new Set();

/** Context of a step. */
const context = {
	packageFolder,
	...require(packageFolder),

	/** A new folder. */
	folder() {
		const folder = join(workFolder, `step-${++folders}`);
		mkdirSync(folder);
		return folder;
	},

	/** Starts a program of `programs/` in a process of its own: `{ child, ended }`. */
	start(name, args = [], options = {}) {
		return startNode([join(__dirname, "programs", name), packageFolder, ...args], options);
	},

	/** Starts a program of `programs/` at a console of Windows, to whose input the console's events are written. */
	startAtConsole(name, args = []) {
		const program = process.env.ROOTCELLAR_TEST_CONSOLE;
		if (program === undefined) throw new Error("ROOTCELLAR_TEST_CONSOLE does not name console.c, compiled");
		return startProgram([program, process.execPath, join(__dirname, "programs", name), packageFolder, ...args]);
	},

	/** Runs a program of `programs/` to its end: `{ code, signal, stdout, stderr }`. */
	run: (name, args, options) => context.start(name, args, options).ended,

	/** Runs the command line to its end. */
	commandLine: (args, options) => startNode([join(packageFolder, "bin/rootcellar.js"), ...args], options).ended,
};

const startNode = (args, options) => startProgram([...runner, process.execPath, ...args], options);

function startProgram([command, ...rest], options = {}) {
	const child = spawn(command, rest, { ...options, stdio: ["pipe", "pipe", "pipe"] });
	children.add(child);
	let stdout = "";
	let stderr = "";
	child.stdout.setEncoding("utf8").on("data", (text) => {
		stdout += text;
	});
	child.stderr.setEncoding("utf8").on("data", (text) => {
		stderr += text;
	});
	const ended = new Promise((resolve, reject) => {
		child.on("error", reject);
		child.on("close", (code, signal) => {
			children.delete(child);
			resolve({ code, signal, stdout, stderr });
		});
	});
	/** Resolves when it has printed a line. */
	const printed = (line) =>
		new Promise((resolve, reject) => {
			const look = () => stdout.split(/\r?\n/).includes(line) && resolve();
			child.stdout.on("data", look);
			look();
			void ended.then(() => reject(new Error(`it ended without ${line}: ${stderr}`)), reject);
		});
	return { child, ended, printed };
}

/** Runs a step; what became of it. */
async function resultOf(title, step) {
	const since = performance.now();
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error("it did not end in time")), STEP_LIMIT_MS);
	});
	try {
		const skipped = await Promise.race([step(context), late]);
		return { title, ms: performance.now() - since, skipped };
	} catch (error) {
		return { title, ms: performance.now() - since, error: String(error?.stack ?? error) };
	} finally {
		clearTimeout(timer);
	}
}

async function main() {
	rmSync(workFolder, { recursive: true, force: true });
	mkdirSync(workFolder, { recursive: true });
	writeFileSync(resultsFile, "");
	for (const [title, step] of Object.entries(STEPS)) {
		appendFileSync(resultsFile, `${JSON.stringify(await resultOf(title, step))}\n`);
	}
	appendFileSync(resultsFile, `${JSON.stringify({ end: true, platform: process.platform, node: process.version })}\n`);
	for (const child of children) child.kill("SIGKILL");
	process.exit(0);
}

void main();
