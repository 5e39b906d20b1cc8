// The read cache on other versions of Node, and beside the SQLite that Node has built in.

import { expect, test } from "vitest";
import { nodeBinary } from "../helpers/nodes.mjs";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryFile } from "../helpers/store.mjs";
import { runForJson } from "./run.mjs";

const FACTOR = rounds({ few: 1, many: 1, long: 20 });
const TIMEOUT_MS = 300_000 * FACTOR;

test.each([22, 24])(
	"two stores in one environment, and workers that end while others read, neither crash nor read wrongly on Node %i",
	async (major) => {
		const options = { node: nodeBinary(major), flags: ["--expose-gc"] };
		const { reads, wrong } = await runForJson("together.mjs", [temporaryFile(), 12 * FACTOR], options);
		expect(wrong).toEqual([]);
		expect(reads).toBeGreaterThan(100);
	},
	TIMEOUT_MS,
);

test(
	"nothing is stale when node:sqlite writes in the same turn, on Node 24",
	async () => {
		const args = [temporaryFile(), 1_000 * FACTOR];
		expect(await runForJson("node-sqlite.mjs", args, { node: nodeBinary(24) })).toEqual([]);
	},
	TIMEOUT_MS,
);
