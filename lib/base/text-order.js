"use strict";

// The order of the bytes of texts in UTF-8, which is that of their characters. JavaScript's own order differs: a character
// beyond U+FFFF, as two surrogates, comes before U+E000.

const LAST_CHARACTER = 0x10_ff_ff;
const LAST_BEFORE_SURROGATES = 0xd7_ff;
const FIRST_AFTER_SURROGATES = 0xe0_00;

/**
 * The least text greater than every text that begins with a prefix; `undefined` if there is none.
 *
 * @param {string} prefix
 * @returns {string | undefined}
 */
function nextText(prefix) {
	let end = prefix.length;
	while (end > 0) {
		const at = end - (isSecondHalf(prefix, end - 1) ? 2 : 1);
		const last = /** @type {number} */ (prefix.codePointAt(at));
		if (last < LAST_CHARACTER) {
			const next = last === LAST_BEFORE_SURROGATES ? FIRST_AFTER_SURROGATES : last + 1;
			return prefix.slice(0, at) + String.fromCodePoint(next);
		}
		end = at;
	}
	return undefined;
}

/**
 * @param {string} text without lone surrogates
 * @param {number} at
 */
function isSecondHalf(text, at) {
	const unit = text.charCodeAt(at);
	return unit >= 0xdc_00 && unit < FIRST_AFTER_SURROGATES;
}

module.exports = { nextText };
