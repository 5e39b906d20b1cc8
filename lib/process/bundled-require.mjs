/*
 * Gives CommonJS modules the `require` that they ask for Node's own modules, where esbuild has put them into an ES module:
 * what stands for it there takes a global one, and else throws (`Dynamic require of "node:path" is not supported`). Anywhere
 * else there is no `require` in this file, or none but its own, and nothing happens.
 */

import { createRequire } from "node:module";

const global = /** @type {any} */ (globalThis);

if (typeof require === "function" && global.require === undefined && import.meta.url) {
	global.require = createRequire(import.meta.url);
	// The modules are loaded by then.
	queueMicrotask(() => {
		delete global.require;
	});
}
