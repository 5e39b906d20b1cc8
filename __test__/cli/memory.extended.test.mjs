// Memory of exports and imports of many keys.

import { spawn } from "node:child_process";
import { join } from "node:path";
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
			const child = spawn(
				process.execPath,
				[...IMPATIENT, "--import", `data:text/javascript,${encodeURIComponent(MEASURE)}`, program, command, ...args],
				{
					env: environment({ ROOTCELLAR_BACKUP: "off" }),
					stdio: ["ignore", "ignore", "pipe"],
				},
			);
			let stderr = "";
			child.stderr.on("data", (text) => {
				stderr += text;
			});
			expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
			const name = args.includes("--from") ? "import --from" : command;
			peaks[`${name} ${count}`] = Number(stderr) / 1024;
		}
	}
	// 25 MB of lines; what grows is SQLite's cache and what the garbage collector leaves.
	for (const command of ["export", "import", "import --from"]) {
		expect(peaks[`${command} 100000`] - peaks[`${command} 1000`], JSON.stringify(peaks)).toBeLessThan(80);
	}
});
