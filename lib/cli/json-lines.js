"use strict";

const { constants } = require("node:buffer");
const { RootcellarError } = require("../base/errors.js");
const { TIME_MS_MAX } = require("../base/limits.js");

/**
 * Entry as a line of JSON: `{"key":…,"communityId":…,"value":…,"expiresAt":…}`, where `communityId` and `expiresAt` are
 * left out of keys that have none.
 *
 * @typedef {{ key: string, value: unknown, expiresAt: Date | undefined, communityId: string | undefined }} LineEntry
 */

/** Fields of a line. */
const FIELDS = new Set(["key", "value", "expiresAt", "expires_at", "communityId"]);

/** Characters that end a line for some readers of text, and may occur in a string of JSON. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g;

const LINE_FEED = 0x0a;

/**
 * @param {string} key
 * @param {string | null} communityId
 * @param {string} json the value as it is stored
 * @param {number | undefined} expiresAtMs
 */
function toLine(key, communityId, json, expiresAtMs) {
	const community = communityId === null ? "" : `,"communityId":${JSON.stringify(communityId)}`;
	// Another program may have stored a time beyond every date.
	const expiry = expiresAtMs === undefined ? "" : new Date(Math.min(expiresAtMs, TIME_MS_MAX)).toISOString();
	// JSON has line feeds only between tokens, where a space will do.
	const value = json.replace(/[\r\n]/g, " ");
	const line = `{"key":${JSON.stringify(key)}${community},"value":${value}${expiry && `,"expiresAt":"${expiry}"`}}\n`;
	return line.replace(LINE_ENDS, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Texts that may have a number beyond the largest, which would be read as infinite and stored as null. */
const LARGE_NUMBER = /e\+?0*\d{2}|\d{300}/i;

const INFINITE = new Error("infinite");

/**
 * @param {string} _name
 * @param {unknown} value
 */
function finite(_name, value) {
	if (value === Infinity || value === -Infinity) throw INFINITE;
	return value;
}

/**
 * @param {string} text
 * @param {number} number
 * @returns {LineEntry}
 */
function toEntry(text, number) {
	/** @type {any} */
	let line;
	try {
		line = JSON.parse(text, LARGE_NUMBER.test(text) ? finite : undefined);
	} catch (error) {
		throw invalid(number, error === INFINITE ? "has a number that is too large" : "is not JSON");
	}
	if (typeof line !== "object" || line === null || Array.isArray(line)) {
		throw invalid(number, 'is not an object with "key" and "value"');
	}
	const { key, value, expiresAt, expires_at, communityId } = line;
	if (typeof key !== "string" || !key.isWellFormed()) {
		throw invalid(number, 'has no "key" that is a text');
	}
	if (value === undefined) {
		throw invalid(number, 'has no "value"');
	}
	if (communityId !== undefined && communityId !== null && typeof communityId !== "string") {
		throw invalid(number, 'has a "communityId" that is no text');
	}
	if (communityId?.isWellFormed() === false) {
		throw invalid(number, 'has a "communityId" that cannot be stored');
	}
	const unknown = Object.keys(line).find((field) => !FIELDS.has(field));
	if (unknown !== undefined) {
		throw invalid(number, `has a field that no key has, ${JSON.stringify(unknown.slice(0, 100))}`);
	}
	const times = [toTime(expiresAt, number), toTime(expires_at, number)].filter((time) => time !== undefined);
	if (times[1] !== undefined && times[1].getTime() !== times[0]?.getTime()) {
		throw invalid(number, 'has an "expiresAt" and an "expires_at" that differ');
	}
	return { key, value, expiresAt: times[0], communityId: communityId || undefined };
}

/**
 * @param {unknown} expiry a time as ISO 8601 has it, or milliseconds since 1970
 * @param {number} number
 */
function toTime(expiry, number) {
	if (expiry === undefined || expiry === null) return undefined;
	const isTime = typeof expiry === "number" || (typeof expiry === "string" && /^[+-]?\d{4,6}-\d\d-\d\d/.test(expiry));
	const time = isTime ? new Date(expiry) : undefined;
	if (time === undefined || Number.isNaN(time.getTime())) {
		throw invalid(number, 'has an "expiresAt" that is no time');
	}
	return time;
}

/**
 * Lines of a stream of bytes, without empty ones.
 *
 * @param {AsyncIterable<Buffer>} chunks
 * @returns {AsyncGenerator<{ text: string, number: number, bytes: number }>}
 */
async function* linesOf(chunks) {
	// It drops a byte order mark at the beginning, which some editors write.
	const decoder = new TextDecoder("utf-8", { fatal: true });
	let number = 0;
	/** @type {Buffer[]} */
	let parts = [];
	let length = 0;
	const end = () => {
		number++;
		const bytes = parts.length === 1 ? /** @type {Buffer} */ (parts[0]) : Buffer.concat(parts);
		[parts, length] = [[], 0];
		return { text: decode(decoder, bytes, number), number, bytes: bytes.length + 1 };
	};
	for await (const chunk of chunks) {
		let start = 0;
		for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, start)) {
			parts.push(chunk.subarray(start, at));
			start = at + 1;
			const line = end();
			if (line.text !== "") yield line;
		}
		parts.push(chunk.subarray(start));
		length += chunk.length - start;
		if (length > constants.MAX_STRING_LENGTH) {
			throw invalid(number + 1, "is too long");
		}
	}
	const line = end();
	if (line.text !== "") yield line;
}

/**
 * @param {InstanceType<typeof TextDecoder>} decoder
 * @param {Buffer} bytes
 * @param {number} number
 */
function decode(decoder, bytes, number) {
	try {
		return decoder.decode(bytes).trim();
	} catch {
		throw invalid(number, "is not UTF-8");
	}
}

/**
 * @param {number} number
 * @param {string} problem
 */
function invalid(number, problem) {
	return new RootcellarError("ERR_INVALID_INPUT", `line ${number} ${problem}; nothing was imported`);
}

module.exports = { linesOf, toEntry, toLine };
