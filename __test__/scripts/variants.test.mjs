// Checks that `npm run test:variants` switches off: each has to be found in the sources, or that command says nothing.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../scripts/lib/run.mjs";
import { variants } from "../../scripts/lib/variants.mjs";

test.each(variants)("$name: what is switched off stands once in $file", ({ file, from, to, cargo, vitest }) => {
	const parts = readFileSync(join(root, file), "utf8").split(from);
	expect(parts).toHaveLength(2);
	expect(to).not.toBe(from);
	expect([cargo, vitest]).toContainEqual(expect.arrayContaining([expect.any(String)]));
});
