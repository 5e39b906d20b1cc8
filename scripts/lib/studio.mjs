import {
	chmodSync,
	cpSync,
	existsSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { root } from "./run.mjs";

const source = join(root, "studio");

/** Folder in which `lib/studio/assets.js` looks for the page. */
const output = join(source, "dist");

/** Builds the page of the studio, unless it is newer than what it is made of. */
export async function buildStudio() {
	const built = join(output, "index.html");
	const inputs = [join(root, "package-lock.json"), join(source, "index.html"), ...filesBelow(join(source, "src"))];
	const isNew = existsSync(built) && inputs.every((file) => statSync(file).mtimeMs <= statSync(built).mtimeMs);
	if (!isNew) await bundle();
}

/**
 * Leaves out the dialects of SQL that the page does not use, some 20 KB of keywords: esbuild drops a pure call that nobody
 * uses, but not the texts that are added up for its argument. In a function they go with it.
 *
 * @type {import("esbuild").Plugin}
 */
const dialectsInUse = {
	name: "dialects in use",
	setup({ onLoad }) {
		onLoad({ filter: /@codemirror.lang-sql.dist.index\.js$/ }, ({ path }) => ({
			contents: readFileSync(path, "utf8").replace(
				/(= \/\*@__PURE__\*\/)(SQLDialect\.define\(\{[^}]*\}\));/g,
				"$1(() => $2)();",
			),
		}));
	},
};

async function bundle() {
	const { build } = await import("esbuild");
	const folder = mkdtempSync(join(source, ".dist-"));
	try {
		const { metafile } = await build({
			entryPoints: [join(source, "src", "main.tsx")],
			outdir: folder,
			bundle: true,
			splitting: true,
			format: "esm",
			target: "es2022",
			minify: true,
			jsx: "automatic",
			jsxImportSource: "preact",
			chunkNames: "[name]-[hash]",
			legalComments: "none",
			plugins: [dialectsInUse],
			metafile: true,
			logLevel: "warning",
		});
		const licenses = licensesOf(Object.keys(metafile.inputs));
		for (const name of readdirSync(folder)) compress(join(folder, name));
		writeFileSync(join(folder, "LICENSES.txt"), licenses);
		cpSync(join(source, "index.html"), join(folder, "index.html"));
		// The folder was made for this process alone.
		chmodSync(folder, 0o755);
		replaceWith(folder);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/**
 * The licenses of the packages that are in the page. Each text stands there once, with the names of those that have it.
 *
 * @param {string[]} inputs - Paths of what was bundled.
 */
function licensesOf(inputs) {
	const names = new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
	/** @type {Map<string, string[]>} */
	const texts = new Map();
	for (const name of [...names].sort()) {
		const folder = join(root, "node_modules", name);
		const file = readdirSync(folder).find((found) => /^licen[cs]e/i.test(found));
		const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim();
		texts.set(text, [...(texts.get(text) ?? []), name]);
	}
	return [...texts].map(([text, found]) => `${found.join(", ")}\n\n${text}\n`).join("\n\n");
}

/**
 * Puts a folder in the place of the page. Where another process does so at the same time, either's will do.
 *
 * @param {string} folder
 */
function replaceWith(folder) {
	const before = `${folder}-before`;
	try {
		if (existsSync(output)) renameSync(output, before);
		renameSync(folder, output);
	} catch (error) {
		const { code = "" } = /** @type {NodeJS.ErrnoException} */ (error);
		if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(code)) throw error;
	} finally {
		rmSync(before, { recursive: true, force: true });
	}
}

/**
 * Puts a compressed file in the place of another: a fifth less than what npm makes of it.
 *
 * @param {string} file
 */
function compress(file) {
	writeFileSync(`${file}.br`, brotliCompressSync(readFileSync(file)));
	rmSync(file);
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesBelow(folder) {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
