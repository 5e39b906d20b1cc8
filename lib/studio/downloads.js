"use strict";

const { createToken } = require("./guard.js");
const { DOWNLOADS_MAX, DOWNLOAD_MS } = require("./limits.js");

/**
 * @typedef {(response: import("node:http").ServerResponse) => Promise<void>} Download
 */

/**
 * Addresses of downloads. A browser saves a file by opening an address, and sends no token with that. So the page asks for
 * one that is a secret itself, is valid once, and for a short time.
 */
function createDownloads() {
	/** @type {Map<string, { download: Download, until: number }>} */
	const offered = new Map();
	return {
		/** @param {Download} download */
		offer(download) {
			const now = Date.now();
			for (const [name, { until }] of offered) {
				if (until < now || offered.size >= DOWNLOADS_MAX) offered.delete(name);
			}
			const name = createToken();
			offered.set(name, { download, until: now + DOWNLOAD_MS });
			return `/download/${name}`;
		},

		/** @param {string} name */
		take(name) {
			const found = offered.get(name);
			offered.delete(name);
			return found !== undefined && found.until >= Date.now() ? found.download : undefined;
		},
	};
}

module.exports = { createDownloads };
