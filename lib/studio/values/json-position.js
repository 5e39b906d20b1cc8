"use strict";

// Position at which a text stops being JSON. The messages of `JSON.parse` give it only for long texts, and differ by engine.

/** Mark, string or other token, behind white space. */
const TOKEN =
	// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON does not allow them in a string.
	/[ \t\n\r]*(?:([{}[\],:])|("[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})[^"\\\u0000-\u001f]*)*")|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

const SPACE = /[ \t\n\r]*/y;

/**
 * The place of the first token that JSON has not there; `undefined` if the text is JSON.
 *
 * @param {string} text
 * @returns {number | undefined}
 */
function endOfJson(text) {
	/** @type {string[]} brackets that are open */
	const open = [];
	let expected = "value";
	for (let at = 0; ; ) {
		SPACE.lastIndex = at;
		SPACE.exec(text);
		const start = SPACE.lastIndex;
		if (start === text.length) return expected === "end" ? undefined : start;
		TOKEN.lastIndex = at;
		const found = TOKEN.exec(text);
		const next =
			found === null ? undefined : step(expected, found[1] ?? (found[2] === undefined ? "word" : "string"), open);
		if (next === undefined) return start;
		expected = next;
		at = TOKEN.lastIndex;
	}
}

/**
 * State after a token; `undefined` if the token is not allowed.
 *
 * @param {string} expected
 * @param {string} token
 * @param {string[]} open
 */
function step(expected, token, open) {
	const closes = token === "}" || token === "]";
	if (closes && expected !== "value" && expected !== "name" && expected !== "colon" && expected !== "end") {
		const bracket = open.pop();
		return bracket === (token === "}" ? "{" : "[") ? behind(open) : undefined;
	}
	switch (expected) {
		case "value":
		case "value or ]":
			if (token === "{" || token === "[") {
				open.push(token);
				return token === "{" ? "name or }" : "value or ]";
			}
			return token === "string" || token === "word" ? behind(open) : undefined;
		case "name":
		case "name or }":
			return token === "string" ? "colon" : undefined;
		case "colon":
			return token === ":" ? "value" : undefined;
		case "comma":
			if (token !== ",") return undefined;
			return open.at(-1) === "{" ? "name" : "value";
		default:
			return undefined;
	}
}

/** @param {string[]} open */
function behind(open) {
	return open.length === 0 ? "end" : "comma";
}

module.exports = { endOfJson };
