// The libraries themselves: what they store today is imported as the files that are kept.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";
import { temporaryDirectory } from "../helpers/store.mjs";
import { expectImported } from "./imported.mjs";
import { SAMPLES } from "./samples.mjs";

const make = fileURLToPath(new URL("make.mjs", import.meta.url));

describe("what a library stores now is imported", () => {
	for (const [name, sample] of Object.entries(SAMPLES)) {
		test(name, async () => {
			const folder = join(temporaryDirectory(), name);
			// In a test lowdb would write no file.
			execFileSync(process.execPath, [make, name, folder], { env: { ...process.env, NODE_ENV: "production" } });
			await expectImported(sample, folder);
		});
	}
});
