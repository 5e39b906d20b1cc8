"use strict";

const { randomUUID } = require("node:crypto");
const { Refusal } = require("./kinds.js");

/** @typedef {import("./kinds.js").Kind} Kind */

/** Texts that may have a number beyond the largest, which `JSON.parse` takes for infinite: as one pattern, they take longer. */
const LARGE_EXPONENT = /\d[eE]\+?\d{2}/;
const MANY_DIGITS = /\d{300}/;

/** Texts that may have an integer of more digits than a number of JavaScript has room for. */
const LONG_INTEGER = /(?:^|[:[,\s])-?\d{16}/;

/** Such an integer alone. */
const ONLY_LONG_INTEGER = /^-?\d{16,}$/;

/**
 * Parses a value that the source keeps as JSON.
 *
 * @param {string} text
 * @param {Set<Kind>} kinds
 * @param {(value: any) => unknown} [revive] what becomes of each part
 * @returns {any}
 */
function fromJson(text, kinds, revive) {
	const finite = (/** @type {unknown} */ value) => {
		if (value !== Infinity && value !== -Infinity) return value;
		kinds.add("number");
		return String(value);
	};
	const change = LARGE_EXPONENT.test(text) || MANY_DIGITS.test(text) ? finite : revive;
	const both = change === finite && revive !== undefined ? (/** @type {any} */ value) => revive(finite(value)) : change;
	try {
		const value = JSON.parse(text, both && ((_name, value) => both(value)));
		if (hasRoundedInteger(text)) kinds.add("digits");
		return value;
	} catch {
		throw new Refusal("has a value that is not JSON");
	}
}

/**
 * True if `JSON.parse` rounds an integer of a text, which is JSON.
 *
 * @param {string} text
 */
function hasRoundedInteger(text) {
	return LONG_INTEGER.test(text) && someNumber(text, isRounded);
}

/**
 * True as soon as `visit` is of a number of a text, which is JSON.
 *
 * @param {string} text
 * @param {(digits: string, start: number) => boolean} visit
 */
function someNumber(text, visit) {
	const token = /"|-?\d[-+.\deE]*/g;
	const end = /"|\\./g;
	for (let found = token.exec(text); found !== null; found = token.exec(text)) {
		if (found[0] !== '"') {
			if (visit(found[0], found.index)) return true;
			continue;
		}
		end.lastIndex = token.lastIndex;
		while (end.exec(text)?.[0] !== '"');
		token.lastIndex = end.lastIndex;
	}
	return false;
}

/**
 * True for an integer that is another as a number of JavaScript. Where it has the digits that JavaScript writes, it is none.
 *
 * @param {string} digits
 */
function isRounded(digits) {
	const number = Number(digits);
	return (
		ONLY_LONG_INTEGER.test(digits) &&
		Number.isFinite(number) &&
		String(number) !== digits &&
		BigInt(number) !== BigInt(digits)
	);
}

/**
 * Document of JSON: its value, and the kinds of numbers that its members have, at any depth, as the library that reads it
 * would not have them.
 *
 * @typedef {{ value: any, kindsOf: (holder: object, name: string) => Iterable<Kind> }} JsonDocument
 */

/**
 * Parses a document of many keys, each of which may have numbers that JavaScript cannot hold.
 *
 * @param {string} text
 * @returns {JsonDocument}
 */
function parseDocument(text) {
	try {
		const value = JSON.parse(text);
		const marked =
			LARGE_EXPONENT.test(text) || MANY_DIGITS.test(text) || LONG_INTEGER.test(text) ? mark(text) : undefined;
		return marked === undefined ? { value, kindsOf: () => [] } : parseMarked(marked);
	} catch {
		throw new Refusal("has a value that is not JSON");
	}
}

/**
 * Replaces each number of a text that JavaScript cannot hold by a string with a mark that is nowhere else.
 *
 * @param {string} text which is JSON
 * @returns {{ text: string, mark: string } | undefined} nothing if it has no such number
 */
function mark(text) {
	const mark = `${randomUUID()} `;
	/** @type {string[]} */
	const pieces = [];
	let end = 0;
	someNumber(text, (digits, start) => {
		if (Number.isFinite(Number(digits)) && !isRounded(digits)) return false;
		pieces.push(text.slice(end, start), `"${mark}${Number(digits)}"`);
		end = start + digits.length;
		return false;
	});
	return pieces.length === 0 ? undefined : { text: pieces.join("") + text.slice(end), mark };
}

/**
 * Parses a marked text, and puts back the numbers. A member has the kinds of all that is below it.
 *
 * @param {{ text: string, mark: string }} marked
 * @returns {JsonDocument}
 */
function parseMarked({ text, mark }) {
	/** @type {Map<object, Map<string, Set<Kind>>>} */
	const members = new Map();
	const note = (/** @type {object} */ holder, /** @type {string} */ name, /** @type {Iterable<Kind>} */ kinds) => {
		const named = members.get(holder) ?? new Map();
		members.set(holder, named);
		named.set(name, new Set([...(named.get(name) ?? []), ...kinds]));
	};
	const top = { value: JSON.parse(text) };
	// The reviver of JSON.parse fails where a value is nested deep.
	const path = [{ holder: /** @type {any} */ (top), names: ["value"], at: 0 }];
	for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
		const { holder } = last;
		const name = last.names[last.at++];
		if (name === undefined) {
			path.pop();
			const above = path.at(-1);
			if (above === undefined) break;
			const within = above.names[above.at - 1] ?? "";
			for (const kinds of members.get(holder)?.values() ?? []) note(above.holder, within, kinds);
			continue;
		}
		const value = holder[name];
		if (typeof value === "string" && value.startsWith(mark)) {
			const number = Number(value.slice(mark.length));
			note(holder, name, [Number.isFinite(number) ? "digits" : "number"]);
			holder[name] = Number.isFinite(number) ? number : String(number);
		} else if (typeof value === "object" && value !== null) {
			path.push({ holder: value, names: Object.keys(value), at: 0 });
		}
	}
	return { value: top.value, kindsOf: (holder, name) => members.get(holder)?.get(name) ?? [] };
}

module.exports = { fromJson, hasRoundedInteger, parseDocument };
