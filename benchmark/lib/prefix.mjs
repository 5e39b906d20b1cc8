/**
 * The first key after every key that begins with a prefix, for peers that select by range.
 *
 * @param {string} prefix - Ends with an ASCII character.
 */
export function endOfPrefix(prefix) {
	return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
