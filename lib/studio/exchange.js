"use strict";

const { invalidArgument } = require("../base/errors.js");
const { BODY_BYTES_MAX } = require("./limits.js");

/**
 * @typedef {import("node:http").IncomingMessage} Request
 * @typedef {import("node:http").ServerResponse} Response
 */

/** Statuses of errors by their codes; those of SQLite and all others are failures of the server. */
const STATUS_OF = /** @type {Record<string, number>} */ ({
	ABORT_ERR: 499,
	ERR_CHANGED_MEANWHILE: 409,
	ERR_FILE_EXISTS: 409,
	ERR_INVALID_ARGUMENT: 400,
	ERR_INVALID_INPUT: 400,
	ERR_INVALID_JSON: 400,
	ERR_KEY_EXISTS: 409,
	ERR_NOT_FOUND: 404,
	ERR_READ_ONLY: 403,
	ERR_TIMEOUT: 408,
	ERR_TOO_LARGE: 413,
	ERR_UNDECIDED: 409,
});

const COMMON_HEADERS = {
	"Cache-Control": "no-store",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy": "no-referrer",
	"X-Content-Type-Options": "nosniff",
};

/**
 * The body of a request as text. What is too long is taken and dropped, so that the answer arrives.
 *
 * @param {Request} request
 * @param {number} [bytesMax]
 * @returns {Promise<string>}
 */
function readBody(request, bytesMax = BODY_BYTES_MAX) {
	return new Promise((resolve, reject) => {
		/** @type {Buffer[]} */
		const parts = [];
		let bytes = 0;
		request.on("data", (/** @type {Buffer} */ part) => {
			bytes += part.length;
			if (bytes <= bytesMax) parts.push(part);
			else parts.length = 0;
		});
		request.on("error", reject);
		request.on("end", () => {
			if (bytes <= bytesMax) resolve(Buffer.concat(parts).toString("utf8"));
			else reject(tooLong(bytesMax));
		});
	});
}

/** @param {number} bytesMax */
function tooLong(bytesMax) {
	return Object.assign(new RangeError(`the request has more than ${bytesMax} bytes`), { code: "ERR_TOO_LARGE" });
}

/**
 * The input of a route: an object.
 *
 * @param {Request} request
 * @param {number} [bytesMax]
 * @returns {Promise<Record<string, any>>}
 */
async function readInput(request, bytesMax) {
	const text = await readBody(request, bytesMax);
	/** @type {unknown} */
	let input;
	try {
		input = text === "" ? {} : JSON.parse(text);
	} catch {
		throw invalidArgument("input", "must be JSON");
	}
	if (typeof input !== "object" || input === null || Array.isArray(input)) {
		throw invalidArgument("input", "must be an object");
	}
	return input;
}

/**
 * @param {Response} response
 * @param {number} status
 * @param {unknown} value
 * @param {Record<string, string>} [headers]
 */
function sendJson(response, status, value, headers = {}) {
	if (response.headersSent || response.destroyed) {
		response.end();
		return;
	}
	const type = { "Content-Type": "application/json; charset=utf-8" };
	response.writeHead(status, { ...COMMON_HEADERS, ...type, ...headers });
	response.end(JSON.stringify(value));
}

/**
 * Error as the page is told of it. An error of the program itself keeps its details to the terminal.
 *
 * @param {any} error
 */
function describeError(error) {
	const { code = "ERR_INTERNAL", message, position, argument, details } = error ?? {};
	return { code, message: String(message ?? error), position, argument, details };
}

/**
 * The reason why something was ended, instead of the error that it ended with.
 *
 * @param {AbortSignal} signal
 * @param {any} error
 */
function reasonOf(signal, error) {
	return signal.aborted && error?.code === "ABORT_ERR" ? signal.reason : error;
}

/**
 * @param {Response} response
 * @param {any} error
 */
function sendError(response, error) {
	sendJson(response, STATUS_OF[error?.code] ?? error?.status ?? 500, { error: describeError(error) });
}

/**
 * Begins an answer of many lines of JSON, each of which arrives as it is written. Resolves `write` when there is room for more.
 *
 * @param {Response} response
 */
function startLines(response) {
	response.writeHead(200, { ...COMMON_HEADERS, "Content-Type": "application/x-ndjson; charset=utf-8" });
	response.flushHeaders();
	return {
		/** @param {unknown} value */
		write: async (value) => {
			if (response.destroyed) return;
			if (!response.write(`${JSON.stringify(value)}\n`)) await drained(response);
		},
		end: () => void response.end(),
	};
}

/**
 * Resolves when a response has room for more, or is gone.
 *
 * @param {Response} response
 * @returns {Promise<void>}
 */
function drained(response) {
	return new Promise((resolve) => {
		const end = () => {
			response.off("drain", end).off("close", end);
			resolve();
		};
		response.on("drain", end).on("close", end);
	});
}

module.exports = {
	COMMON_HEADERS,
	describeError,
	drained,
	readBody,
	readInput,
	reasonOf,
	sendError,
	sendJson,
	startLines,
};
