"use strict";

/** Text before a statement: space and comments. */
const SPACE = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/;

/** First words of the statements that are told apart here. */
const FIRST_WORD = /^(?:BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA)\b/i;

/** The pragma that ORMs switch off around changes of a schema (sqlite.org/pragma.html#pragma_foreign_keys). */
const FOREIGN_KEYS = /^PRAGMA\s+(?:main\s*\.\s*)?foreign_keys\s*[=(]\s*['"]?(\w+)/i;

/**
 * Effect of a statement on the state of a connection.
 *
 * @typedef {object} Control
 * @property {"begin" | "commit" | "rollback" | "savepoint" | "release" | "rollbackTo" | "foreignKeys"} kind
 * @property {string} name of a savepoint; else empty
 * @property {boolean} isOn whether foreign keys are switched on
 */

/**
 * @param {string} sql
 * @returns {Control | undefined} `undefined` for a statement without such an effect, which is nearly every one
 */
function controlOf(sql) {
	const statement = sql.replace(SPACE, "");
	if (!FIRST_WORD.test(statement)) {
		return undefined;
	}
	const [, value] = FOREIGN_KEYS.exec(statement) ?? [];
	if (value !== undefined) {
		return control("foreignKeys", "", /^(?:on|true|yes|[1-9]\d*)$/i.test(value));
	}
	// sqlite.org/lang_transaction.html, sqlite.org/lang_savepoint.html
	const words = statement.replace(/[\s;]+$/, "").split(/\s+/);
	const skip = (/** @type {string} */ word) => words[0]?.toUpperCase() === word && words.shift() !== undefined;
	if (skip("BEGIN")) {
		return control("begin");
	}
	if (skip("COMMIT") || skip("END")) {
		return control("commit");
	}
	if (skip("SAVEPOINT")) {
		return control("savepoint", nameOf(words));
	}
	if (skip("RELEASE")) {
		skip("SAVEPOINT");
		return control("release", nameOf(words));
	}
	if (skip("ROLLBACK")) {
		skip("TRANSACTION");
		if (!skip("TO")) {
			return control("rollback");
		}
		skip("SAVEPOINT");
		return control("rollbackTo", nameOf(words));
	}
	return undefined;
}

/**
 * @param {Control["kind"]} kind
 * @returns {Control}
 */
function control(kind, name = "", isOn = false) {
	return { kind, name, isOn };
}

/**
 * The name of a savepoint, as SQLite compares it: without quotes, in any case.
 *
 * @param {string[]} words
 */
function nameOf(words) {
	return words
		.join(" ")
		.replace(/^["'`[]|["'`\]]$/g, "")
		.toLowerCase();
}

module.exports = { controlOf };
