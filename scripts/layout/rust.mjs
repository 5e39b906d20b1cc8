// The imports of Rust files: every path in a file that leads to another file of the crate.

import { lineAt } from "./javascript.mjs";

/**
 * A module that has a file of its own.
 *
 * @typedef {object} Module
 * @property {string} file
 * @property {string[]} path - Its name in the crate, without `crate`.
 * @property {Map<string, string[]>} reexports - What `pub use` names here: the path at which it stands.
 * @property {string} code - Its text without comments, strings and tests, each line where it was.
 */

const IDENTIFIER = "(?:r#)?[A-Za-z_][A-Za-z0-9_]*";
const USE = /^[ \t]*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);/gm;
const PATH = new RegExp(`(?<![\\w:.])(${IDENTIFIER})((?:\\s*::\\s*${IDENTIFIER})+)`, "g");

/**
 * @param {Map<string, string>} files - Their texts by path, `src/lib.rs` among them.
 * @returns {import("./rules.mjs").Import[]}
 */
export function importsOfRust(files) {
	const modules = new Map([...files].map(([file, text]) => [nameOf(file), moduleOf(file, text)]));
	return [...modules.values()].flatMap((module) =>
		pathsIn(module).flatMap(({ path, line }) => {
			const to = fileAt(path, modules);
			return to === undefined ? [] : [{ from: module.file, to, line }];
		}),
	);
}

/** @param {string} file */
function pathOf(file) {
	const names = file
		.replace(/^src\//, "")
		.replace(/\.rs$/, "")
		.split("/");
	return ["mod", "lib"].includes(names[names.length - 1]) ? names.slice(0, -1) : names;
}

/** @param {string} file */
const nameOf = (file) => pathOf(file).join("::");

/**
 * @param {string} file
 * @param {string} text
 * @returns {Module}
 */
function moduleOf(file, text) {
	const code = codeOf(text);
	const path = pathOf(file);
	/** @type {Map<string, string[]>} */
	const reexports = new Map();
	for (const [, visibility, tree] of code.matchAll(USE)) {
		if (visibility === undefined) continue;
		for (const { segments, alias } of leavesOf(tree))
			reexports.set(alias, absolute(segments, path) ?? [...path, ...segments]);
	}
	return { file, path, reexports, code };
}

/**
 * A text whose comments, strings and tests are blank.
 *
 * @param {string} text
 */
export function codeOf(text) {
	const blank = (/** @type {string} */ part) => part.replace(/[^\n]/g, " ");
	const code = text.replace(
		/\/\/[^\n]*|\/\*[\s\S]*?\*\/|r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|'(?:\\.[^']*|[^'\\\n])'/g,
		blank,
	);
	return code.replace(
		/^([ \t]*)#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod \w+ \{[\s\S]*?^\1\}/gm,
		blank,
	);
}

/**
 * The paths of a module's code that may lead elsewhere in the crate.
 *
 * @param {Module} module
 */
function pathsIn({ path, code }) {
	/** @type {{ path: string[], line: number }[]} */
	const found = [];
	/** @type {Map<string, string[]>} */
	const known = new Map();
	for (const [, name] of code.matchAll(/^[ \t]*(?:pub(?:\([^)]*\))?\s+)?mod (\w+);/gm))
		known.set(name, [...path, name]);
	const withoutUses = code.replace(USE, (use, visibility, tree, index) => {
		for (const { segments, alias } of leavesOf(tree)) {
			const target = absolute(segments, path) ?? (known.has(segments[0]) ? [...path, ...segments] : undefined);
			if (target === undefined) continue;
			if (visibility === undefined) found.push({ path: target, line: lineAt(code, index + use.search(/\S/)) });
			known.set(alias, target);
		}
		return use.replace(/[^\n]/g, " ");
	});
	for (const match of withoutUses.matchAll(PATH)) {
		const segments = [
			match[1],
			...match[2]
				.split("::")
				.map((name) => name.trim())
				.filter(Boolean),
		];
		const start = known.get(segments[0]);
		const target = start ? [...start, ...segments.slice(1)] : absolute(segments, path);
		if (target) found.push({ path: target, line: lineAt(code, match.index) });
	}
	return found;
}

/**
 * A path from the crate's root, if it starts with `crate`, `super` or `self`.
 *
 * @param {string[]} segments
 * @param {string[]} from - The module that it stands in.
 */
function absolute([first, ...rest], from) {
	if (first === "crate") return rest;
	if (first === "self") return [...from, ...rest];
	if (first !== "super") return undefined;
	let base = from.slice(0, -1);
	let names = rest;
	while (names[0] === "super") {
		base = base.slice(0, -1);
		names = names.slice(1);
	}
	return [...base, ...names];
}

/**
 * Every name that a tree of `use` brings, as `{a, b as c}`.
 *
 * @param {string} tree
 * @returns {{ segments: string[], alias: string }[]}
 */
function leavesOf(tree) {
	const text = tree.trim();
	const brace = text.indexOf("{");
	if (brace < 0) {
		const [path, alias] = text.split(/\s+as\s+/);
		const segments = path.split("::").map((name) => name.trim());
		if (segments[segments.length - 1] === "self") segments.pop();
		return [{ segments, alias: alias ?? segments[segments.length - 1] }];
	}
	const prefix = text
		.slice(0, brace)
		.split("::")
		.map((name) => name.trim())
		.filter(Boolean);
	return split(text.slice(brace + 1, text.lastIndexOf("}"))).flatMap((part) =>
		leavesOf(part).map(({ segments, alias }) => ({
			segments: [...prefix, ...segments],
			alias: alias ?? prefix[prefix.length - 1],
		})),
	);
}

/**
 * The parts of a list, whose braces may hold lists.
 *
 * @param {string} list
 */
function split(list) {
	const parts = [""];
	let depth = 0;
	for (const character of list) {
		if (character === "{") depth++;
		if (character === "}") depth--;
		if (character === "," && depth === 0) parts.push("");
		else parts[parts.length - 1] += character;
	}
	return parts.map((part) => part.trim()).filter(Boolean);
}

/**
 * The file in which a path's item stands, through all that is named elsewhere with `pub use`.
 *
 * @param {string[]} path
 * @param {Map<string, Module>} modules
 * @param {number} [depth]
 * @returns {string | undefined}
 */
function fileAt(path, modules, depth = 0) {
	for (let length = path.length; length >= 0; length--) {
		const module = modules.get(path.slice(0, length).join("::"));
		if (module === undefined) continue;
		const origin = module.reexports.get(path[length]);
		if (origin === undefined || depth > 8) return module.file;
		return fileAt([...origin, ...path.slice(length + 1)], modules, depth + 1);
	}
	return undefined;
}
