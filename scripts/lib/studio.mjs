import {
	chmodSync,
	cpSync,
	existsSync,
	mkdirSync,
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

/** Where `lib/studio/assets.js` looks for the page. */
const output = join(source, "dist");

/** Builds the page of the studio, unless it is newer than what it is made of. */
export async function buildStudio() {
	const built = join(output, "index.html");
	const inputs = [join(root, "package-lock.json"), join(source, "index.html"), ...filesBelow(join(source, "src"))];
	const isNew = existsSync(built) && inputs.every((file) => statSync(file).mtimeMs <= statSync(built).mtimeMs);
	if (!isNew) await bundle();
}

async function bundle() {
	const { build } = await import("esbuild");
	const folder = mkdtempSync(join(source, ".dist-"));
	try {
		await build({
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
			logLevel: "warning",
		});
		for (const name of readdirSync(folder)) compress(join(folder, name));
		cpSync(join(source, "index.html"), join(folder, "index.html"));
		// The folder was made for this process alone.
		chmodSync(folder, 0o755);
		mkdirSync(output, { recursive: true });
		// A page that is open goes on with the files that it has been sent.
		const before = `${folder}-before`;
		renameSync(output, before);
		renameSync(folder, output);
		rmSync(before, { recursive: true, force: true });
	} finally {
		rmSync(folder, { recursive: true, force: true });
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
