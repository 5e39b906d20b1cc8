// Puts licences into this folder and those that `napi create-npm-dirs` has made, and writes the bills of materials:
// `node scripts/release-documents.mjs <folder>`. A part of a release.

import { mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { main, root } from "./lib/run.mjs";
import { writeBills } from "./release/bills.mjs";
import { documentBinary, documentMain } from "./release/documents.mjs";

const bills = resolve(process.argv[2] ?? join(root, "target/bills"));

await main(async () => {
	mkdirSync(bills, { recursive: true });
	await documentMain(root);
	const suffixes = readdirSync(join(root, "npm"));
	for (const suffix of suffixes) await documentBinary(join(root, "npm", suffix), suffix);
	await writeBills(bills, suffixes);
});
