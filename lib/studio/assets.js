"use strict";

const { randomBytes } = require("node:crypto");
const { existsSync, readFileSync } = require("node:fs");
const path = require("node:path");
const { brotliDecompressSync } = require("node:zlib");
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
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
function sendAsset(name, request, response) {
	const file = name === "/" ? "index.html" : name.slice(1);
	const type = TYPES[path.extname(file)];
	// The build puts all files into one folder.
	if (type === undefined || !/^[\w.-]+$/.test(file) || file.startsWith(".")) return false;
	const found = contentOf(file, String(request.headers["accept-encoding"] ?? ""));
	if (found === undefined) return false;
	const nonce = randomBytes(16).toString("base64");
	const body = file === "index.html" ? found.body.toString().replaceAll(NONCE, nonce) : found.body;
	response.writeHead(200, {
		...COMMON_HEADERS,
		"Content-Type": type,
		"Content-Length": Buffer.byteLength(body),
		"Content-Security-Policy": policy(nonce),
		"X-Frame-Options": "DENY",
		...(found.isCompressed ? { "Content-Encoding": "br" } : {}),
	});
	response.end(request.method === "GET" ? body : undefined);
	return true;
}

/**
 * A file as the browser takes it. All but the page itself are kept compressed.
 *
 * @param {string} file
 * @param {string} accepted
 */
function contentOf(file, accepted) {
	const plain = path.join(FOLDER, file);
	if (existsSync(plain)) return { body: readFileSync(plain), isCompressed: false };
	if (!existsSync(`${plain}.br`)) return undefined;
	const body = readFileSync(`${plain}.br`);
	const isCompressed = /\bbr\b/.test(accepted);
	return { body: isCompressed ? body : brotliDecompressSync(body), isCompressed };
}

module.exports = { checkPage, sendAsset };
