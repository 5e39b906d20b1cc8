// The rules of how lib/ and src/ are laid out. docs/ARCHITECTURE.md says why.

import { dirname, relative } from "node:path/posix";
import { circlesIn } from "./circles.mjs";
import { importsOfJavaScript, lineAt } from "./javascript.mjs";
import { codeOf, importsOfRust } from "./rust.mjs";

/**
 * Import of a file by another, with its line.
 *
 * @typedef {{ from: string, to: string, line: number }} Import
 */

/**
 * The texts of files by path. Paths have slashes, and begin with `lib/` or `src/`.
 *
 * @typedef {Map<string, string>} Files
 */

const FILES_IN_A_FOLDER_MAX = 12;

/** First word of a doc comment that describes a thing without naming it. */
const RIDDLE =
	/^(?<!^[ \t]*\/\/[/!][^\n]*\n)[ \t]*(?:\/\/[/!]|\/\*\*(?:\s*\*)?)[ \t]+(What|How|Whether|Where|Which|Who|Why)\b/gm;

/** The two files that name the numbers which cross between JavaScript and Rust. */
const PROTOCOL = { javascript: "lib/native/protocol.js", rust: "src/node/protocol.rs" };

/**
 * Violation of a rule: its place, and the rule.
 *
 * @param {Files} files
 * @param {Record<string, string>} order
 */
export function problemsOf(files, order) {
	const javascript = new Map([...files].filter(([path]) => /\.(m?js|d\.m?ts)$/.test(path)));
	const rust = new Map([...files].filter(([path]) => path.endsWith(".rs")));
	const imports = [...importsOfJavaScript(javascript), ...importsOfRust(rust)].filter(({ from, to }) => from !== to);
	return [
		...onePerFile(imports).flatMap((one) => upwardImport(one, order)),
		...circlesIn(imports).map(
			(circle) =>
				`${circle.map(({ from, line }) => `${from}:${line}`).join(" -> ")}: files import each other in a circle`,
		),
		...fullFolders([...files.keys()]),
		...repeatedNames(withoutDeclarations(javascript), /^[ \t]*(?:export )?class (\w+)/gm, "class"),
		...repeatedNames(
			new Map([...rust].map(([path, text]) => [path, codeOf(text)])),
			/^(?:[ \t]*(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|union)|(?:pub(?:\([^)]*\))? )?type) (\w+)/gm,
			"type",
		),
		...strayNumbers(javascript, rust),
		...riddles(files),
	];
}

/**
 * @param {Import} one
 * @param {Record<string, string>} order
 */
function upwardImport({ from, to, line }, order) {
	const folder = commonFolder(from, to);
	const areBothFiles = dirname(from) === folder && dirname(to) === folder;
	if (order[folder] === undefined) {
		if (areBothFiles) return [];
		return [`${from}:${line}: scripts/layout/order.mjs does not say in which order the folders of ${folder} stand`];
	}
	const floors = order[folder]
		.trim()
		.split(/\s*\n\s*/)
		.map((names) => names.split(/\s+/));
	const [floor, lower] = [from, to].map((path) => floorOf(relative(folder, path), floors));
	if (floor < lower || (floor === lower && areBothFiles)) return [];
	const place = lower < floor ? "above it" : "beside it";
	return [`${from}:${line}: imports ${to}, which stands ${place} (imports lead down only: scripts/layout/order.mjs)`];
}

/**
 * The number of the line that names a file, or the folder in which it lies.
 *
 * @param {string} path - From the folder whose order it is.
 * @param {string[][]} floors
 */
function floorOf(path, floors) {
	const names = [path, path.split("/")[0], "*"];
	const found = names.map((name) => floors.findIndex((floor) => floor.includes(name)));
	return found.find((floor) => floor >= 0) ?? -1;
}

/**
 * The first import of each file by each other.
 *
 * @param {Import[]} imports
 */
function onePerFile(imports) {
	return [...groupBy(imports, ({ from, to }) => `${from} ${to}`).values()].map(([first]) => first);
}

/** @param {Files} files */
function withoutDeclarations(files) {
	return new Map([...files].filter(([path]) => !/\.d\.m?ts$/.test(path)));
}

/**
 * @param {string} one
 * @param {string} other
 */
function commonFolder(one, other) {
	let folder = dirname(one);
	while (!other.startsWith(`${folder}/`)) folder = dirname(folder);
	return folder;
}

/** @param {string[]} paths */
function fullFolders(paths) {
	return [...groupBy(paths, dirname)]
		.filter(([, files]) => files.length > FILES_IN_A_FOLDER_MAX)
		.map(([folder, { length }]) => `${folder}: holds ${length} files, more than ${FILES_IN_A_FOLDER_MAX}`);
}

/**
 * @param {Files} files
 * @param {RegExp} declaration
 * @param {string} what
 */
function repeatedNames(files, declaration, what) {
	const found = [...files].flatMap(([path, text]) =>
		[...text.matchAll(declaration)].map((match) => ({ name: match[1], place: `${path}:${lineAt(text, match.index)}` })),
	);
	return [...groupBy(found, ({ name }) => name)]
		.filter(([, places]) => places.length > 1)
		.map(
			([name, places]) => `${places.map(({ place }) => place).join(", ")}: more than one ${what} has the name ${name}`,
		);
}

/**
 * A number that crosses is declared where nobody compares it with the other side.
 *
 * @param {Files} javascript
 * @param {Files} rust
 */
function strayNumbers(javascript, rust) {
	const number = "[-\\d.][\\w.<| ]*;";
	const ofJavaScript = new RegExp(`^[ \\t]*(?:export )?const ([A-Z][A-Z0-9_]*) = ${number}`, "gm");
	const ofRust = new RegExp(`^[ \\t]*(?:pub(?:\\([^)]*\\))? )?const ([A-Z][A-Z0-9_]*): \\w+ = ${number}`, "gm");
	const names = [...(rust.get(PROTOCOL.rust) ?? "").matchAll(ofRust)].map(([, name]) => name);
	const crosses = (/** @type {string} */ name) => names.some((one) => one === name || one.endsWith(`_${name}`));
	return [
		...declared(javascript, ofJavaScript, crosses, PROTOCOL.javascript),
		...declared(inFolder(rust, "src/node"), ofRust, crosses, PROTOCOL.rust),
	];
}

/** @param {Files} files */
function riddles(files) {
	return [...files].flatMap(([path, text]) =>
		[...text.matchAll(RIDDLE)].map(
			(match) =>
				`${path}:${lineAt(text, match.index + match[0].length)}: a doc comment opens with "${match[1]}" (its first words name the thing)`,
		),
	);
}

/**
 * @param {Files} files
 * @param {RegExp} declaration
 * @param {(name: string) => boolean} crosses
 * @param {string} home
 */
function declared(files, declaration, crosses, home) {
	return [...files]
		.filter(([path]) => path !== home)
		.flatMap(([path, text]) =>
			[...text.matchAll(declaration)]
				.filter(([, name]) => crosses(name))
				.map(
					(match) =>
						`${path}:${lineAt(text, match.index)}: ${match[1]} crosses to the other language: only ${home} may name it`,
				),
		);
}

/**
 * @param {Files} files
 * @param {string} folder
 */
function inFolder(files, folder) {
	return new Map([...files].filter(([path]) => path.startsWith(`${folder}/`)));
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @returns {Map<string, T[]>}
 */
function groupBy(items, keyOf) {
	const groups = new Map();
	for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
	return groups;
}
