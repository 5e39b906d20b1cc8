"use strict";

/** Text between words: space, comments, and semicolons before the first. */
const SPACE = /(?:[\s;\ufeff]+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*/y;

/** Token: a word, quoted text (in parts, where it has quotes), a parenthesis, or any other character. */
const TOKEN = /([A-Za-z_][\w$]*)|'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|([()])|[\s\S]/y;

/** Pragmas that have an effect without an equals sign. */
const ACTING_PRAGMA = /\b(?:wal_checkpoint|incremental_vacuum|optimize)\b/i;

const READS = new Set(["SELECT", "VALUES", "EXPLAIN"]);
const WRITES = new Set(["INSERT", "REPLACE", "UPDATE", "DELETE"]);

/**
 * True if a statement reads, so that a reader can run it, by its words. SQLite decides in the end: a reader refuses a
 * statement that would write.
 *
 * @param {string} sql
 */
function isRead(sql) {
	const tokens = words(sql);
	const first = tokens.next().value;
	if (first === "PRAGMA") {
		return !sql.includes("=") && !ACTING_PRAGMA.test(sql);
	}
	if (first !== "WITH") {
		return first === undefined || READS.has(first);
	}
	// Behind the common table expressions, which are in parentheses, stands what is done with them.
	for (const word of tokens) {
		if (READS.has(word) || WRITES.has(word)) {
			return READS.has(word);
		}
	}
	return true;
}

/**
 * The words of a statement outside of parentheses, in upper case.
 *
 * @param {string} sql
 * @returns {Generator<string, undefined>}
 */
function* words(sql) {
	let depth = 0;
	let at = 0;
	while (at < sql.length) {
		SPACE.lastIndex = at;
		SPACE.exec(sql);
		TOKEN.lastIndex = SPACE.lastIndex;
		const token = TOKEN.exec(sql);
		if (token === null) {
			return;
		}
		at = TOKEN.lastIndex;
		const [, word, parenthesis] = token;
		if (parenthesis !== undefined) {
			depth += parenthesis === "(" ? 1 : -1;
		} else if (word !== undefined && depth === 0) {
			yield word.toUpperCase();
		}
	}
}

module.exports = { isRead };
