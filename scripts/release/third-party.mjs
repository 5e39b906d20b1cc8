// `THIRD-PARTY.md`: the software of others that a package has in it, and the licences that ask for being repeated.

import { nameWith, sqliteVersion } from "./crates.mjs";

/**
 * @typedef {import("./crates.mjs").CompiledCrate} CompiledCrate
 * @typedef {import("./page.mjs").BundledPackage} BundledPackage
 */

/**
 * The document of a binary package.
 *
 * @param {CompiledCrate[]} crates - Those of {@link import("./crates.mjs").compiledCrates}.
 */
export function thirdPartyOfBinary(crates) {
	const others = crates.filter(({ source }) => source !== undefined);
	const introduction = `The native binary in this package contains SQLite ${sqliteVersion(crates)}, which is in the public domain
(sqlite.org/copyright.html); Rust's standard library (MIT OR Apache-2.0, github.com/rust-lang/rust); and these crates:`;
	return thirdParty(introduction, others);
}

/**
 * The document of the main package.
 *
 * @param {BundledPackage[]} packages - Those of {@link import("./page.mjs").bundledPackages}.
 */
export function thirdPartyOfPage(packages) {
	return thirdParty("The page of the studio, in `studio/dist`, contains these packages:", packages);
}

/**
 * Licences that several share in the same words appear once.
 *
 * @param {string} introduction
 * @param {(CompiledCrate | BundledPackage)[]} parts
 */
function thirdParty(introduction, parts) {
	/** @type {Map<string, { text: string, parts: string[] }>} */
	const licences = new Map();
	for (const part of parts) {
		for (const text of part.texts) {
			const key = text.replaceAll(/\s+/g, " ");
			const licence = licences.get(key) ?? { text, parts: [] };
			licence.parts.push(nameWith(part));
			licences.set(key, licence);
		}
	}
	const rows = parts.map(
		({ name, version, licence, repository }) => `| ${name} | ${version} | ${licence} | ${repository ?? ""} |`,
	);
	const texts = [...licences.values()].map(({ text, parts }) => `## ${parts.join(", ")}\n\n${fenced(text)}`);
	return `# Third-party software

${introduction}

| name | version | licence | source |
|---|---|---|---|
${rows.join("\n")}

Their licences:

${texts.join("\n\n")}
`;
}

/**
 * The text as Markdown shows it unchanged.
 *
 * @param {string} text
 */
function fenced(text) {
	const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
	const fence = "`".repeat(longest + 1);
	return `${fence}text\n${text}\n${fence}`;
}
