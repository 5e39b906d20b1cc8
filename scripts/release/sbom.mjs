// Bills of materials in the format of CycloneDX 1.5 (cyclonedx.org/docs/1.5/json). They hold no times and random numbers:
// the same sources give the same file.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../lib/run.mjs";
import { nameWith, sqliteVersion } from "./crates.mjs";

/** @typedef {import("./crates.mjs").CompiledCrate} CompiledCrate */

const FORMAT = {
	$schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
	bomFormat: "CycloneDX",
	specVersion: "1.5",
	version: 1,
};

/**
 * The bill of a binary package.
 *
 * @param {string} name - Name of the package.
 * @param {CompiledCrate[]} crates - Those of {@link import("./crates.mjs").compiledCrates}, the core first.
 */
export function binaryBill(name, crates) {
	const [core, ...others] = /** @type {[CompiledCrate, ...CompiledCrate[]]} */ (crates);
	const sqlite = `pkg:generic/sqlite@${sqliteVersion(crates)}`;
	const bindings = others.find((crate) => crate.name === "libsqlite3-sys");
	const known = new Map(crates.map((crate) => [nameWith(crate), purl(crate)]));
	const dependencies = crates.map((crate) => {
		const uses = crate.uses.map((used) => /** @type {string} */ (known.get(used)));
		return { ref: purl(crate), dependsOn: crate === bindings ? [...uses, sqlite] : uses };
	});
	return {
		...FORMAT,
		metadata: {
			component: {
				type: "library",
				"bom-ref": purl(core),
				name,
				version: core.version,
				licenses: [{ expression: core.licence }],
				purl: `pkg:npm/${name}@${core.version}`,
			},
		},
		components: [
			...others.map((crate) => ({
				type: "library",
				"bom-ref": purl(crate),
				name: crate.name,
				version: crate.version,
				licenses: [{ expression: crate.licence }],
				purl: purl(crate),
				...(crate.checksum && { hashes: [{ alg: "SHA-256", content: crate.checksum }] }),
				...(crate.repository && { externalReferences: [{ type: "vcs", url: crate.repository }] }),
			})),
			{
				type: "library",
				"bom-ref": sqlite,
				name: "sqlite",
				version: sqliteVersion(crates),
				licenses: [{ license: { name: "Public domain", url: "https://sqlite.org/copyright.html" } }],
				purl: sqlite,
			},
		],
		dependencies: [...dependencies, { ref: sqlite, dependsOn: [] }],
	};
}

/**
 * The bill of the main package: what npm installs along with it, and what is in its page, as `package-lock.json` has it.
 *
 * @param {string[]} bundled - Names of the packages in the page.
 */
export function packageBill(bundled) {
	const { name, version, packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
	const { license, dependencies } = packages[""];
	/** @type {Map<string, string[]>} */
	const uses = new Map();
	/** @param {string} from @param {Record<string, string>} [asked] @returns {string[]} */
	const placesOf = (from, asked = {}) => Object.keys(asked).map((used) => placeOf(packages, from, used));
	const needed = { ...dependencies, ...Object.fromEntries(bundled.map((used) => [used, "*"])) };
	const places = placesOf("", needed);
	for (const place of places) {
		if (uses.has(place)) continue;
		uses.set(place, placesOf(place, packages[place].dependencies));
		places.push(.../** @type {string[]} */ (uses.get(place)));
	}
	const refOf = (/** @type {string} */ place) =>
		`pkg:npm/${place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length)}@${packages[place].version}`;
	const component = (/** @type {string} */ place) => ({
		type: "library",
		"bom-ref": refOf(place),
		name: refOf(place).slice("pkg:npm/".length, refOf(place).lastIndexOf("@")),
		version: packages[place].version,
		licenses: [{ expression: packages[place].license }],
		purl: refOf(place).replace("/@", "/%40"),
		hashes: [{ alg: "SHA-512", content: Buffer.from(packages[place].integrity.slice(7), "base64").toString("hex") }],
	});
	const self = `pkg:npm/${name}@${version}`;
	return {
		...FORMAT,
		metadata: {
			component: {
				type: "library",
				"bom-ref": self,
				name,
				version,
				licenses: [{ expression: license }],
				purl: self,
			},
		},
		components: [...uses.keys()].map(component),
		dependencies: [
			{ ref: self, dependsOn: placesOf("", needed).map(refOf) },
			...[...uses].map(([place, used]) => ({ ref: refOf(place), dependsOn: used.map(refOf) })),
		],
	};
}

/**
 * Place of a package that another one asks for: the nearest folder that has it.
 *
 * @param {Record<string, unknown>} packages
 * @param {string} from - Place of the one that asks; empty for this package.
 * @param {string} name
 * @returns {string}
 */
function placeOf(packages, from, name) {
	const place = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
	if (packages[place] !== undefined) return place;
	if (from === "") throw new Error(`package-lock.json does not have ${name}`);
	return placeOf(packages, from.slice(0, Math.max(0, from.lastIndexOf("node_modules/") - 1)), name);
}

/** @param {CompiledCrate} crate */
function purl({ name, version, source }) {
	// A crate of this repository may have the name of one that it stands in for.
	return source === undefined ? `pkg:generic/rootcellar-core/${name}@${version}` : `pkg:cargo/${name}@${version}`;
}
