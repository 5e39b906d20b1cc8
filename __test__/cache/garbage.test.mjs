// Operations in flight leave little in V8's old space, where only a full collection finds what is dead.

import { expect, test } from "vitest";
import { temporaryFile } from "../helpers/store.mjs";
import { runForJson } from "./run.mjs";

/** A new space as large as it gets, from the beginning: only then does V8 take objects for long-lived. */
const flags = ["--min-semi-space-size=4", "--max-semi-space-size=4"];

test.each(["get", "has", "update", "delete", "kv.increment", "kv.setIfAbsent", "sqlite.run", "sqlite.get"])(
	"of what a thousand %s in flight take, little counts as long-lived",
	async (what) => {
		const { taken, grown } = await runForJson("garbage.mjs", [temporaryFile(), what], { flags });
		// With an object or an array written as a literal for each, it was 0.23 to 0.46.
		expect(grown / taken).toBeLessThan(0.2);
	},
);
