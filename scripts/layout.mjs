// Says where lib/ and src/ are not laid out as they are to be: `node scripts/layout.mjs`, a part of `npm run check`.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ORDER } from "./layout/order.mjs";
import { problemsOf } from "./layout/rules.mjs";
import { root } from "./lib/run.mjs";

const paths = ["lib", "src"].flatMap((folder) =>
	readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name)),
);
const files = new Map(paths.map((path) => [relative(root, path).replaceAll("\\", "/"), readFileSync(path, "utf8")]));
const problems = problemsOf(files, ORDER);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
