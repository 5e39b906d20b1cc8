// The imports of JavaScript files, those that only comments and declarations make for a type among them.

import { dirname, join } from "node:path/posix";

/** A relative file in `require(...)`, `import ... from`, `import(...)` and `import "..."`. */
const IMPORT = /(?:\brequire\(\s*|\bfrom\s+|\bimport\(\s*|^import\s+)"(\.[^"]*)"/gm;

/** Extensions of a file that an import names without one, or by its compiled name. */
const ENDINGS = ["", ".js", ".mjs", ".d.ts", ".d.mts", "/index.js", "/index.d.ts"];

/**
 * @param {Map<string, string>} files - Their texts by path.
 * @returns {import("./rules.mjs").Import[]}
 */
export function importsOfJavaScript(files) {
	return [...files].flatMap(([from, text]) =>
		[...text.matchAll(IMPORT)].flatMap((match) => {
			const to = resolve(join(dirname(from), match[1]), files);
			return to === undefined ? [] : [{ from, to, line: lineAt(text, match.index) }];
		}),
	);
}

/**
 * @param {string} path
 * @param {Map<string, string>} files
 */
function resolve(path, files) {
	const candidates = [...ENDINGS.map((ending) => path + ending), path.replace(/\.(m?)js$/, ".d.$1ts")];
	return candidates.find((candidate) => files.has(candidate));
}

/**
 * @param {string} text
 * @param {number} index
 */
export function lineAt(text, index) {
	return text.slice(0, index).split("\n").length;
}
