// Changes by other programs to a file that is backed up: from the same process, with either library, and from another.

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runModuleForJson } from "../../helpers/child.mjs";
import { rawConnection } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { openBackedUp } from "../backups.mjs";
import { play, scenarios } from "./scenarios.mjs";

const moduleUrl = (path) => JSON.stringify(new URL(path, import.meta.url).href);

const PLAY_ALL = `
	import { libraries } from ${moduleUrl("../../coexistence/libraries.mjs")};
	import { play, scenarios } from ${moduleUrl("./scenarios.mjs")};
	const [directory, library] = process.argv.slice(1);
	const results = {};
	for (const [name, scenario] of Object.entries(scenarios)) {
		const file = directory + "/" + name + ".sqlite3";
		const openStore = () => openDataStore({ filename: file, backup: { intervalMs: 100_000 } });
		results[name] = await play(scenario, file, openStore, () => libraries[library](file)).catch((error) => error.message);
	}
	console.log(JSON.stringify(results));`;

test.each(["sqlite3", "better-sqlite3"])(
	"what %s does in the same process comes back to the byte",
	{ timeout: 300_000 },
	async (library) => {
		const options = { args: [temporaryDirectory(), library], timeoutMs: 290_000 };
		const results = await runModuleForJson(PLAY_ALL, options);
		expect(results).toEqual(Object.fromEntries(Object.keys(scenarios).map((name) => [name, true])));
	},
);

describe("what another process does comes back to the byte", () => {
	test.each(Object.keys(scenarios))("%s", { timeout: 300_000 }, async (name) => {
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const openStore = () => openBackedUp(file, { intervalMs: 100_000 });
		expect(await play(scenarios[name], file, openStore, () => rawConnection(file))).toBe(true);
	});
});
