// dataStore.kv in index.d.ts: every type and method has an example, and all of them compile and run.

import { describe, expect, test } from "vitest";
import { partOfDeclarations, runExample } from "./examples.mjs";

const { part, examples } = partOfDeclarations(
	"When a key expires: one of the two",
	"A value that a parameter of a statement takes",
);

/** A store of their own, with what the examples take for granted. */
const START = `import { openDataStore } from "rootcellar";
	import type { Change, Expiry, Kv, KeyRange, ListOptions, Page, WatchOptions } from "rootcellar";
	const dataStore = openDataStore({ filename: ":memory:" });\n`;

/** Keys that some examples need to come to their end. */
const KEYS = [
	{ key: "coins:ada", value: 100 },
	{ key: "coins:bob", value: 5 },
	{ key: "ada", value: 100 },
	{ key: "xp:ada", value: 10 },
	{ key: "profile:ada", value: { xp: 10 } },
];

describe("index.d.ts", () => {
	test("has an example of each method and type of kv", () => {
		const types = [...part.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name]) => name);
		const [kv] = part.match(/^export interface Kv \{[\s\S]*?^\}/m);
		const methods = [...kv.matchAll(/^\t(\w+)[<(]/gm)].map(([, name]) => name);
		expect(methods.sort()).toEqual(
			[
				...["community", "has", "getMany", "list", "listKeys", "entries", "count", "watch"],
				...["increment", "setIfAbsent", "getAndDelete", "expire", "deleteRange", "updateMany"],
			].sort(),
		);
		expect(examples.length).toBe(types.length + methods.length);
	});

	test("has examples that compile and run", async () => {
		// Those that watch wait for changes that nobody makes, so they are compiled and not called.
		const isWatch = (source) => source.includes(".watch<") || source.includes(".watch(");
		const blocks = examples.map((source, index) => {
			const call = isWatch(source) ? "" : `await example${index}();\n`;
			const keys = `await dataStore.appData.set<unknown>(${JSON.stringify(KEYS)});\n`;
			return `async function example${index}(): Promise<void> {\n${source}}\n${keys}${call}`;
		});
		expect(examples.filter((source) => !isWatch(source)).length).toBeGreaterThan(12);
		const { stderr } = await runExample(`${START}${blocks.join("")}await dataStore.close();\n`);
		expect(stderr).toBe("");
	}, 300_000);
});
