// The table of speed in the README, which is made from the results.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { groups } from "../../benchmark/groups/index.mjs";
import { parseOptions } from "../../benchmark/lib/options.mjs";
import { RESULTS, readResults } from "../../benchmark/lib/report/results.mjs";
import { speedTable, writeSpeedTable } from "../../benchmark/lib/report/speed-table.mjs";
import { imagine } from "./runs.mjs";

const folder = mkdtempSync(join(tmpdir(), "rootcellar-speed-table-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const betterOf = (workload) => groups.flatMap(({ workloads }) => workloads).find(({ id }) => id === workload).better;

/** A run in which rootcellar is so many times as good as all others. */
const run = (times) => {
	const good = (workload, factor) => (betterOf(workload) === "higher" ? 1000 * factor : 1000 / factor);
	const results = imagine(
		(subject, workload) => good(workload, subject.startsWith("rootcellar") ? times : 1),
		parseOptions([]).profile,
	);
	return { results };
};

test("the README has the table of the results that are kept", () => {
	const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
	expect(readme).toContain(`\n${speedTable(readResults(join(RESULTS, "latest.json")))}\n`);
});

test("a row says how many times as fast it is, and only where it is slower, why", () => {
	const rows = (times) => speedTable(run(times)).trimEnd().split("\n").slice(2);
	for (const row of rows(2.04)) expect(row).toMatch(/^\| .+ \| .+ \| 2\.0(; 2\.0)* \| {2}\|$/);
	for (const row of rows(117.3)) expect(row).toMatch(/ \| 117(; 117)* \| {2}\|$/);
	const slower = rows(0.5);
	for (const row of slower) expect(row).toMatch(/ \| 0\.50(; 0\.50)* \| /);
	expect(slower.find((row) => row.startsWith("| `select` of 1,000 entries |"))).toMatch(/ \| another thread [^|]+ \|$/);
	expect(slower.length).toBe(rows(2).length);
	expect(slower.length).toBeGreaterThan(10);
});

test("what was not measured has no row", () => {
	const { results } = run(2);
	const without = speedTable({ results: results.filter(({ group }) => group !== "scale") });
	expect(without).not.toContain("1,000,000 keys");
	expect(without).toContain("| `set`, 1,000 in flight | lmdb | 2.0 |  |");
});

test("a table takes the place of the one before, and of nothing else", () => {
	const file = join(folder, "README.md");
	writeFileSync(file, "before\n\n<!-- speed: written by npm run bench -->\n\n| old |\n\n<!-- /speed -->\n\nafter\n");
	writeSpeedTable(file, "| new |\n");
	const expected = "before\n\n<!-- speed: written by npm run bench -->\n\n| new |\n\n<!-- /speed -->\n\nafter\n";
	expect(readFileSync(file, "utf8")).toBe(expected);
	writeSpeedTable(file, "| new |\n");
	expect(readFileSync(file, "utf8")).toBe(expected);
	writeFileSync(file, "no place");
	expect(() => writeSpeedTable(file, "| new |\n")).toThrow("has no place for the table");
});
