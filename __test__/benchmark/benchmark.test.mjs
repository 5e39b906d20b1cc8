import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { drawGrowth } from "../../benchmark/charts/growth.mjs";
import { drawPeers } from "../../benchmark/charts/peers.mjs";
import { groups } from "../../benchmark/groups/index.mjs";
import { TOGETHER } from "../../benchmark/groups/postgres/index.mjs";
import { entriesBetween, groupPrefix, hundredPrefix, keyAt, randomKeys, valueAt } from "../../benchmark/lib/data.mjs";
import { throughput } from "../../benchmark/lib/measure.mjs";
import { parseOptions } from "../../benchmark/lib/options.mjs";
import { createRunner, takeTurns } from "../../benchmark/lib/processes/processes.mjs";
import { SYNC_MS, slowSyncEnvironment } from "../../benchmark/lib/processes/slow-sync.mjs";
import { failures, judge, timesAsGood } from "../../benchmark/lib/report/check.mjs";
import { formatNumber, formatTable } from "../../benchmark/lib/report/format.mjs";
import { median, percentile, summarize } from "../../benchmark/lib/report/statistics.mjs";
import { targets } from "../../benchmark/targets.mjs";
import { bench, imagine } from "./runs.mjs";

const folder = mkdtempSync(join(tmpdir(), "rootcellar-benchmark-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Meets every target: much faster than all others, and as fast on the large store as on the small one. */
const ideal = (subject, workload) => {
	const { better, unit } = groups.flatMap((group) => group.workloads).find(({ id }) => id === workload);
	// A cost while nothing changes.
	if (unit === "ms/s") return 0.1;
	if (better === "lower") return subject === "rootcellar" ? 0.5 : 1;
	if (subject === TOGETHER) return 2_000_000;
	return subject.startsWith("rootcellar") ? 1_000_000 : 1000;
};

const infoOf = (group, workload) => groups.find(({ id }) => id === group).workloads.find(({ id }) => id === workload);

describe("--check", () => {
	/** Writes an imagined run, and checks it. */
	const check = (name, results) => {
		const file = join(folder, name);
		const { profile } = parseOptions([]);
		const machine = { cpu: "imagined", cores: 1, memoryGiB: 1, os: "none", node: "v0", diskSyncsPerSecond: 1 };
		writeFileSync(file, JSON.stringify({ profile, machine, drivers: [], results, failures: [] }));
		return bench("--check", "--from", file);
	};

	test("succeeds where every target is met", () => {
		const { status, stdout } = check("ideal.json", imagine(ideal));
		expect(stdout).not.toContain("missed");
		expect(status).toBe(0);
	});

	test("fails where one is missed, and names it", () => {
		const slow = (subject, workload) =>
			workload === "set-1000" && subject === "lmdb" ? 800_000 : ideal(subject, workload);
		const { status, stdout } = check("slow.json", imagine(slow));
		expect(stdout).toContain("missed: set, 1,000 in flight, rootcellar against lmdb: 1.25 x, target at least 1.5 x");
		expect(status).toBe(1);
	});

	test("fails where a target was not measured", () => {
		const results = imagine(ideal).filter(({ workload }) => workload !== "memory");
		const { status, stdout } = check("partial.json", results);
		expect(stdout).toMatch(/^not measured: resident memory .*target at most 102 MiB$/m);
		expect(status).toBe(1);
	});
});

describe("verdicts", () => {
	const verdictOf = (target, numbers) => {
		const results = Object.entries(numbers).map(([subject, median]) => ({
			...target,
			subject,
			median,
			samples: [median],
		}));
		return judge([target], results, infoOf)[0];
	};

	test("a ratio is met from its target upwards", () => {
		const target = { group: "key-value", workload: "set-1", subject: "rootcellar", against: "lmdb", atLeast: 1.5 };
		expect(verdictOf(target, { rootcellar: 150, lmdb: 100 })).toMatchObject({ factor: 1.5, verdict: "ok" });
		expect(verdictOf(target, { rootcellar: 149, lmdb: 100 })).toMatchObject({ factor: 1.49, verdict: "missed" });
	});

	test("a cost is met up to its target", () => {
		const target = {
			group: "scale",
			workload: "set-1",
			subject: "rootcellar-many",
			against: "rootcellar-few",
			costAtMost: 2,
		};
		expect(verdictOf(target, { "rootcellar-many": 50, "rootcellar-few": 100 }).verdict).toBe("ok");
		expect(verdictOf(target, { "rootcellar-many": 49, "rootcellar-few": 100 }).verdict).toBe("missed");
	});

	test("a limit is met up to its number", () => {
		const target = { group: "process", workload: "open", subject: "rootcellar", atMost: 15 };
		expect(verdictOf(target, { rootcellar: 15 }).verdict).toBe("ok");
		expect(verdictOf(target, { rootcellar: 15.1 }).verdict).toBe("missed");
	});

	test("what was not measured is neither met nor missed, and fails only a run of everything", () => {
		const target = { group: "key-value", workload: "set-1", subject: "rootcellar", against: "lmdb", atLeast: 1.5 };
		const verdict = verdictOf(target, { rootcellar: 150 });
		expect(verdict.verdict).toBe("not measured");
		expect(failures([verdict], { everything: false })).toEqual([]);
		expect(failures([verdict], { everything: true })).toEqual([verdict]);
	});

	test("less is better where a workload says so", () => {
		expect(timesAsGood(10, 5, "higher")).toBe(2);
		expect(timesAsGood(10, 5, "lower")).toBe(0.5);
	});

	test("every target names a workload and subjects that are measured", () => {
		const results = imagine(ideal);
		for (const { verdict, ...target } of judge(targets, results, infoOf)) expect(verdict, target.workload).toBe("ok");
	});
});

describe("the parts", () => {
	test("the median is the middle number, or the mean of the middle two", () => {
		expect(median([30, 1, 2])).toBe(2);
		expect(median([4, 1, 30, 2])).toBe(3);
		expect(() => median([])).toThrow(RangeError);
	});

	test("a percentile is the smallest number that so many do not exceed", () => {
		const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
		expect([0.5, 0.99, 1].map((part) => percentile(hundred, part))).toEqual([50, 99, 100]);
		expect(percentile([7], 0.99)).toBe(7);
		expect(() => percentile([], 0.5)).toThrow(RangeError);
	});

	test("the rounds of a workload and driver are summed up to their median", () => {
		const sample = (subject, value) => ({ group: "g", workload: "w", subject, value });
		const summary = summarize([sample("a", 1), sample("b", 10), sample("a", 9), sample("b", 20), sample("a", 2)]);
		expect(summary).toEqual([
			{ group: "g", workload: "w", subject: "a", median: 2, samples: [1, 9, 2] },
			{ group: "g", workload: "w", subject: "b", median: 15, samples: [10, 20] },
		]);
	});

	test("a throughput keeps that many operations in flight, and no more", async () => {
		let [inFlight, most] = [0, 0];
		const operation = async () => {
			most = Math.max(most, ++inFlight);
			await new Promise((resolve) => setTimeout(resolve, 2));
			inFlight--;
		};
		const perSecond = await throughput(10, operation, { warmUpMs: 5, measureMs: 50 });
		expect(most).toBe(10);
		expect(inFlight).toBe(0);
		expect(perSecond).toBeGreaterThan(0);
		expect(perSecond).toBeLessThanOrEqual(10 * 1000);
	});

	test("a process that fails says what went wrong", async () => {
		const { profile } = parseOptions(["--quick"]);
		const order = { groupId: "key-value", subject: "nobody", workloads: ["set-1"], profile, folder };
		const problems = [];
		const runner = createRunner(order, { report: () => {}, fail: (problem) => problems.push(problem) });
		expect(await runner.proceed()).toBe(false);
		expect(problems).toEqual(["Error: no driver nobody"]);
	});

	test("processes take turns, and one that has ended is left out", async () => {
		const log = [];
		const runner = (name, turns) => ({ proceed: async () => log.push(name) && --turns > 0 });
		await takeTurns([runner("a", 3), runner("b", 1), runner("c", 2)]);
		expect(log).toEqual(["a", "b", "c", "a", "c", "a"]);
	});

	test("a value has about 110 bytes, and prefixes find a thousand and a hundred keys", () => {
		expect(JSON.stringify(valueAt(19_999)).length).toBeGreaterThan(100);
		expect(JSON.stringify(valueAt(19_999)).length).toBeLessThan(120);
		const keys = entriesBetween(0, 20_000).map(({ key }) => key);
		expect(keys.filter((key) => key.startsWith(groupPrefix(7)))).toHaveLength(1000);
		expect(keys.filter((key) => key.startsWith(hundredPrefix(70)))).toHaveLength(100);
		expect(keyAt(7042).startsWith(hundredPrefix(70))).toBe(true);
	});

	test("random keys come in the same order in every process, and from the whole store", () => {
		const keys = entriesBetween(0, 1000).map(({ key }) => key);
		const [first, second] = [randomKeys(keys), randomKeys(keys)];
		const steps = Array.from({ length: 20_000 }, (_, step) => step);
		expect(steps.map(first)).toEqual(steps.map(second));
		expect(new Set(steps.map(first)).size).toBe(1000);
	});

	test("numbers are printed with what counts of them, in columns", () => {
		expect([1234567.8, 123.4, 12.34, 1, 0.01234].map(formatNumber)).toEqual([
			"1,234,568",
			"123",
			"12.3",
			"1",
			"0.0123",
		]);
		expect(formatTable(["name", "n"], [["a", "10"]])).toBe("name   n\n----  --\na     10");
	});

	test("a chart escapes what it is given, and leaves out what was not measured", () => {
		const machine = { cpu: "a < b", cores: 1, memoryGiB: 1, os: "none", node: "v0", diskSyncsPerSecond: 1 };
		const drivers = [{ id: "rootcellar", title: "x & y", durable: true, durability: "" }];
		const result = { group: "key-value", workload: "set-1", subject: "rootcellar", samples: [5], median: 5 };
		const results = [{ ...result, title: "set", unit: "ops/s" }];
		const chart = drawPeers({ machine, drivers, results, versions: { rootcellar: "1" }, date: "2026-01-01T00:00:00Z" });
		expect(chart).toContain(">x &amp; y</text>");
		expect(chart).toContain("a &lt; b");
		expect(chart.match(/<g /g)).toHaveLength(1);
	});

	test("the chart of growth has a line of each driver over the sizes at which it was measured, and no two labels meet", () => {
		const { profile } = parseOptions([]);
		const machine = { cpu: "a < b", cores: 1, memoryGiB: 1, os: "none", node: "v0", diskSyncsPerSecond: 1 };
		const drivers = ["rootcellar", "lmdb"].map((id) => ({ id, title: id, durable: true, durability: "" }));
		const results = imagine((subject) => (subject === "rootcellar-few" ? 90_000 : 30_000), profile)
			.filter(({ subject }) => subject !== "lmdb-more")
			.map((result) => ({ ...result, title: result.workload, unit: "ops/s" }));
		const run = { profile, machine, drivers, results, versions: { rootcellar: "1" }, date: "2026-01-01T00:00:00Z" };
		const chart = drawGrowth(run);
		expect(chart).toContain("prefers-color-scheme: dark");
		expect(chart).toContain("From 10 k to 1 M keys");
		const [panel] = chart.match(/<g [\s\S]*?<\/g>/g);
		const lines = [...panel.matchAll(/<polyline class="line( ours)?" points="([^"]*)"/g)];
		expect(lines.map(([, kind, points]) => [kind, points.split(" ").length])).toEqual([
			[undefined, 2],
			[" ours", 3],
		]);
		const labels = [...panel.matchAll(/y="([\d.]+)" text-anchor="start">(?:rootcellar|lmdb) 30 k</g)];
		expect(labels).toHaveLength(2);
		expect(Math.abs(labels[0][1] - labels[1][1])).toBeGreaterThanOrEqual(16);
	});

	test.runIf(process.platform === "linux")("every sync of a process is delayed where a task asks for it", () => {
		const program = `
			const { openSync, fsyncSync, fdatasyncSync } = require("node:fs");
			const descriptor = openSync(process.argv[1], "w");
			const start = performance.now();
			for (let count = 0; count < 20; count++) { fsyncSync(descriptor); fdatasyncSync(descriptor); }
			process.stdout.write(String(performance.now() - start));`;
		const env = slowSyncEnvironment(folder);
		const { stdout } = spawnSync(process.execPath, ["-e", program, join(folder, "synced")], { env, encoding: "utf8" });
		expect(Number(stdout)).toBeGreaterThanOrEqual(40 * SYNC_MS);
	});
});

describe("options", () => {
	test("--only takes drivers, workloads and groups, and narrows by each kind", () => {
		const { wants, everything } = parseOptions(["--only", "lmdb,rootcellar", "--only", "set-1"]);
		expect(everything).toBe(false);
		expect(wants("key-value", "lmdb", "set-1")).toBe(true);
		expect(wants("key-value", "map", "set-1")).toBe(false);
		expect(wants("key-value", "lmdb", "get-1")).toBe(false);
	});

	test("only a full run of everything writes results unless told", () => {
		expect(parseOptions([]).out).toMatch(/results$/);
		expect(parseOptions(["--quick"]).out).toBeUndefined();
		expect(parseOptions(["--only", "lmdb"]).out).toBeUndefined();
		expect(parseOptions(["--quick", "--out", "here"]).out).toBe("here");
	});

	test("an option that cannot be used ends the program with help", () => {
		for (const args of [["--only", "nobody"], ["--rounds", "0"], ["--unknown"]]) {
			const { status, stderr } = bench(...args);
			expect(stderr).toContain("npm run bench -- [options]");
			expect(status).toBe(2);
		}
	});

	test("--help and --list print and measure nothing", () => {
		expect(bench("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("--check") });
		expect(bench("--list")).toMatchObject({ status: 0, stdout: expect.stringContaining("set-1000") });
	});
});
