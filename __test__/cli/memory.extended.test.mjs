// Memory of exports and imports of many keys.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, test, vi } from "vitest";
import { temporaryDirectory } from "../helpers/store.mjs";
import { environment, fileWith, program } from "./cli.mjs";

vi.setConfig({ testTimeout: 300_000 });

/** Else the garbage collector lets more come together, by far, the newer Node is. */
const IMPATIENT = ["--max-semi-space-size=2", "--max-old-space-size=64"];

/** Tells the most memory that the process has had; on Linux without that of its parent, which it begins as a copy of. */
const MEASURE = `
	import { existsSync, readFileSync } from "node:fs";
	const status = () => existsSync("/proc/self/status") && readFileSync("/proc/self/status", "utf8").match(/VmHWM: *\\t*(\\d+)/);
	process.on("exit", () => console.error(status()?.[1] ?? process.resourceUsage().maxRSS));`;

/** Runs a command; resolves with the most memory that its process has had, in MiB. */
async function peakOf(args, env) {
	const child = spawn(
		process.execPath,
		[...IMPATIENT, "--import", `data:text/javascript,${encodeURIComponent(MEASURE)}`, program, ...args],
		{ env: environment(env), stdio: ["ignore", "ignore", "pipe"] },
	);
	let stderr = "";
	child.stderr.on("data", (text) => {
		stderr += text;
	});
	expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
	return Number(stderr) / 1024;
}

test("a hundred thousand keys take no more memory than a thousand", async () => {
	const directory = temporaryDirectory();
	const peaks = {};
	for (const count of [1_000, 100_000]) {
		const value = { name: "x".repeat(200) };
		const entries = Array.from({ length: count }, (_, n) => ({ key: `player:${n}`, value: { n, ...value } }));
		const file = await fileWith(entries, directory, `${count}.sqlite3`);
		const lines = join(directory, `${count}.jsonl`);
		for (const [command, args] of [
			["export", ["-f", file, "--output", lines]],
			["import", ["-f", `${file}.new`, "--input", lines]],
			["import", ["-f", `${file}.moved`, "--from", "rootcellar", file]],
		]) {
			const peak = await peakOf([command, ...args], { ROOTCELLAR_BACKUP: "off" });
			const name = args.includes("--from") ? "import --from" : command;
			peaks[`${name} ${count}`] = peak;
		}
	}
	// 25 MB of lines; what grows is SQLite's cache and what the garbage collector leaves.
	for (const command of ["export", "import", "import --from"]) {
		expect(peaks[`${command} 100000`] - peaks[`${command} 1000`], JSON.stringify(peaks)).toBeLessThan(80);
	}
});

test("a difference of a hundred thousand keys takes little more memory than one of a thousand", async () => {
	const peaks = [];
	for (const count of [1_000, 100_000]) {
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const store = openDataStore({ filename: file, backup: { intervalMs: 1e9, quiet: true } });
		await store.appData.set({ key: "first", value: 1 });
		const { id } = await store.backups.create();
		const value = "x".repeat(500);
		await store.appData.set(Array.from({ length: count }, (_, n) => ({ key: `player:${n}`, value: value + n })));
		await store.close();
		peaks.push(await peakOf(["diff", "-f", file, "--at", id]));
	}
	// 60 MB of values. What grows is SQLite's caches, of which there are three, and what the garbage collector leaves.
	expect(peaks[1] - peaks[0], String(peaks)).toBeLessThan(60);
});
