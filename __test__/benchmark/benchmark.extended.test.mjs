// A quick run of the whole benchmark.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { groups } from "../../benchmark/groups/index.mjs";
import { bench, imagine } from "./runs.mjs";

const folder = mkdtempSync(join(tmpdir(), "rootcellar-benchmark-"));

/** It takes half a minute on a machine that has nothing else to do. */
const QUICK_RUN_MS_MAX = 1_200_000;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a quick run", () => {
	const out = join(folder, "quick");
	let run;
	let report;

	beforeAll(() => {
		run = bench("--quick", "--out", out, "--folder", join(folder, "stores"));
		report = JSON.parse(readFileSync(join(out, "latest.json"), "utf8"));
	}, QUICK_RUN_MS_MAX);

	test("succeeds, and prints a table of every group and of the targets", () => {
		expect(run.stderr).not.toMatch(/error/i);
		expect(run.stdout).not.toContain("failed:");
		expect(run.status).toBe(0);
		const headings = run.stdout.split("\n").filter((line) => line.startsWith("## "));
		expect(headings).toHaveLength(groups.length + 1);
		for (const { title } of groups.flatMap(({ workloads }) => workloads)) expect(run.stdout).toContain(title);
		expect(run.stdout).toMatch(/^workload .*ratio .*target .*verdict$/m);
	});

	test("has a number of every driver and workload", () => {
		const place = ({ group, workload, subject }) => [group, workload, subject].join(" ");
		const expected = imagine(() => 1, report.profile).map(place);
		expect(report.results.map(place).sort()).toEqual(expected.sort());
		// A workload may add nothing to the memory or to the processor time of a process.
		const isAdded = (workload) => /^(memory|kv-watch-idle)/.test(workload);
		for (const { median: number, workload } of report.results) {
			expect(number, workload).toSatisfy((number) => (isAdded(workload) ? number >= 0 : number > 0));
		}
		expect(report.targets.filter(({ verdict }) => verdict === "not measured")).toEqual([]);
	});

	test("describes the machine without naming it, and the versions of all packages", () => {
		expect(report.machine).toEqual({
			cpu: expect.any(String),
			cores: expect.any(Number),
			memoryGiB: expect.any(Number),
			os: `${process.platform} ${process.arch}`,
			diskSyncsPerSecond: expect.any(Number),
			node: process.version,
		});
		expect(Object.keys(report.versions)).toEqual(
			expect.arrayContaining(["rootcellar", "@rootsdk/server-bot", "better-sqlite3", "lmdb", "classic-level", "keyv"]),
		);
		expect(JSON.stringify(report)).not.toContain(folder);
	});

	test("draws a chart with a bar for every driver", () => {
		const chart = readFileSync(join(out, "chart.svg"), "utf8");
		for (const { title } of report.drivers) expect(chart).toContain(`>${title}</text>`);
		expect(chart).toContain("prefers-color-scheme: dark");
		const growth = readFileSync(join(out, "growth.svg"), "utf8");
		expect(growth.match(/class="line ours"/g)).toHaveLength(4);
	});
});
