"use strict";

const { randomBytes } = require("node:crypto");
const { existsSync, readFileSync } = require("node:fs");
const path = require("node:path");
const { RootcellarError } = require("../base/errors.js");
const { COMMON_HEADERS } = require("./exchange.js");

/** Folder of the page, as `scripts/lib/studio.mjs` builds it. */
const FOLDER = path.join(__dirname, "..", "..", "studio", "dist");

const TYPES = /** @type {Record<string, string>} */ ({
	".css": "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
});

/** Place of the number in the page that styles made by its scripts carry. */
const NONCE = "__NONCE__";

/** Refuses to start without the page. */
function checkPage() {
	if (existsSync(path.join(FOLDER, "index.html"))) return;
	throw new RootcellarError("ERR_NO_PAGE", `the page of the studio is missing: there is no ${FOLDER}`);
}

/** @param {string} nonce */
function policy(nonce) {
	return [
		"default-src 'none'",
		"script-src 'self'",
		`style-src 'self' 'nonce-${nonce}'`,
		"connect-src 'self'",
		"img-src 'self' data:",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	].join("; ");
}

/**
 * Sends a file of the page. Answers false if there is none of that name.
 *
 * @param {string} name path of the URL
 * @param {import("node:http").ServerResponse} response
 * @param {boolean} withBody
 */
function sendAsset(name, response, withBody) {
	const file = name === "/" ? "index.html" : name.slice(1);
	const type = TYPES[path.extname(file)];
	// The build puts all files into one folder.
	if (type === undefined || !/^[\w.-]+$/.test(file) || file.startsWith(".")) return false;
	const found = path.join(FOLDER, file);
	if (!existsSync(found)) return false;
	const nonce = randomBytes(16).toString("base64");
	const body = file === "index.html" ? readFileSync(found, "utf8").replaceAll(NONCE, nonce) : readFileSync(found);
	response.writeHead(200, {
		...COMMON_HEADERS,
		"Content-Type": type,
		"Content-Length": Buffer.byteLength(body),
		"Content-Security-Policy": policy(nonce),
		"X-Frame-Options": "DENY",
	});
	response.end(withBody ? body : undefined);
	return true;
}

module.exports = { checkPage, sendAsset };
