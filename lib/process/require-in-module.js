"use strict";

/*
 * Gives CommonJS modules the `require` that they ask for Node's own modules, where esbuild has put a CommonJS bot into an ES
 * module; `bundled-require.mjs` does so where the bot is one itself. What stands for `require` there takes a global one, and
 * else throws (`Dynamic require of "node:path" is not supported`). So nothing of Node can be asked for here but by
 * `process`, and the place of the bundle is not known, but that of the program.
 */

try {
	require("node:path");
} catch (cause) {
	const global = /** @type {any} */ (globalThis);
	const createRequire = /** @type {any} */ (process).getBuiltinModule?.("node:module").createRequire;
	if (global.require !== undefined || createRequire === undefined || !process.argv[1]) {
		const advice = "bundle it to CommonJS (esbuild --format=cjs), or import rootcellar instead of requiring it";
		const message = `rootcellar cannot be required in an ES module that a bundler has made of CommonJS: ${advice}`;
		throw Object.assign(new Error(message, { cause }), { code: "ERR_NO_BINARY" });
	}
	global.require = createRequire(process.argv[1]);
	// The modules are loaded by then.
	queueMicrotask(() => {
		delete global.require;
	});
}
