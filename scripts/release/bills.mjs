// Writes the bills of materials of a release.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compiledCrates } from "./crates.mjs";
import { targetOf } from "./documents.mjs";
import { bundledPackages } from "./page.mjs";
import { binaryBill, packageBill } from "./sbom.mjs";

/**
 * Writes the bill of the main package and those of binary packages, as `<package>.cdx.json`.
 *
 * @param {string} folder
 * @param {string[]} suffixes - napi-rs's names of the platforms.
 */
export async function writeBills(folder, suffixes) {
	write(folder, "rootcellar", packageBill((await bundledPackages()).map((found) => found.name)));
	for (const suffix of suffixes) {
		const name = `rootcellar-${suffix}`;
		write(folder, name, binaryBill(name, await compiledCrates(targetOf(suffix))));
	}
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {object} bill
 */
function write(folder, name, bill) {
	writeFileSync(join(folder, `${name}.cdx.json`), `${JSON.stringify(bill, null, 2)}\n`);
}
