"use strict";

const { createHash, randomBytes, timingSafeEqual } = require("node:crypto");

/**
 * Refusal of a request: its status and why.
 *
 * @typedef {{ status: number, code: string, message: string, allow?: string }} Refusal
 */

/** Sites of a request that the page itself makes, or the person who opens it. */
const OWN_SITES = new Set([undefined, "same-origin", "none"]);

/** A new secret of 256 random bits. */
function createToken() {
	return randomBytes(32).toString("base64url");
}

/** @param {string} text */
function hash(text) {
	return createHash("sha256").update(text).digest();
}

/**
 * Hosts of a server as browsers write them: without the port that HTTP has anyway, and with the canonical form of an IPv6
 * address, which has no zone. The first is that of the address.
 *
 * @param {string} address
 * @param {number} port
 * @returns {[string, ...string[]]}
 */
function hostsOf(address, port) {
	const hostOf = (/** @type {string} */ name) => new URL(`http://${name}:${port}`).host;
	if (address === "127.0.0.1") return [hostOf(address), hostOf("localhost")];
	return [hostOf(address.includes(":") ? `[${address.replace(/%.*/, "")}]` : address)];
}

/**
 * Guard of requests: only a page of this very origin that knows the token may ask.
 *
 * @param {[string, ...string[]]} names hosts of the server, as {@link hostsOf} has them
 * @param {string} token
 */
function createGuard(names, token) {
	const hosts = new Set(names);
	const expected = hash(token);

	return {
		/**
		 * Says why nothing of a request is looked at, if that is so.
		 *
		 * @param {import("node:http").IncomingMessage} request
		 * @returns {Refusal | undefined}
		 */
		refusalOf({ headers, rawHeaders }) {
			const { host: asked = "", origin, "sec-fetch-site": site } = headers;
			const named = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
			// A page of another name that leads here has that name in its requests.
			if (named.length !== 1 || !hosts.has(asked.toLowerCase())) {
				return refusal(421, "ERR_WRONG_HOST", `this server answers for ${names[0]} alone`);
			}
			if (origin !== undefined && origin !== `http://${asked.toLowerCase()}`) {
				return refusal(403, "ERR_FOREIGN_ORIGIN", "another page may not ask");
			}
			if (!OWN_SITES.has(/** @type {string | undefined} */ (site))) {
				return refusal(403, "ERR_FOREIGN_ORIGIN", "another page may not ask");
			}
			return undefined;
		},

		/**
		 * Says why a request may not see data, if that is so.
		 *
		 * @param {import("node:http").IncomingMessage} request
		 * @returns {Refusal | undefined}
		 */
		withoutToken({ headers: { authorization = "" } }) {
			const [, given = ""] = /^Bearer ([\w-]+)$/.exec(authorization) ?? [];
			if (timingSafeEqual(hash(given), expected)) return undefined;
			return refusal(401, "ERR_NO_TOKEN", "open the address that the command has printed");
		},
	};
}

/**
 * @param {number} status
 * @param {string} code
 * @param {string} message
 * @returns {Refusal}
 */
function refusal(status, code, message) {
	return { status, code, message };
}

module.exports = { createGuard, createToken, hostsOf };
