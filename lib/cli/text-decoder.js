"use strict";

/**
 * Decoder of texts, which also says whether they were whole: what is no character becomes U+FFFD.
 *
 * @param {string} encoding as `PRAGMA encoding` names it
 */
function textDecoder(encoding) {
	const exact = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
	const lossy = new TextDecoder(encoding, { ignoreBOM: true });
	return (/** @type {Uint8Array} */ bytes) => {
		try {
			return { text: exact.decode(bytes), isExact: true };
		} catch {
			return { text: lossy.decode(bytes), isExact: false };
		}
	};
}

module.exports = { textDecoder };
