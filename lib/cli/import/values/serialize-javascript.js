"use strict";

const { fromJson } = require("./json.js");
const {
	DEPTH_MAX,
	INFINITE,
	Refusal,
	TOO_DEEP,
	UNDEFINED,
	defined,
	fromBigInt,
	fromDate,
	fromMap,
	fromPairs,
	fromRegExp,
	fromSet,
} = require("./kinds.js");

/**
 * @typedef {import("./kinds.js").Kind} Kind
 */

/** Tokens of JSON, and the beginnings of what else the source's serializer writes. */
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const NUMBER_CHARACTERS = /[-+.\deE]+/y;
const WORD = /-?[A-Za-z]+/y;
const CALL = /(?:new (?:Date|RegExp|Map|Set|URL)|BigInt|Array\.prototype\.slice\.call)\(/y;
const SPACE = /[ \t\n\r]*/y;

/** Length of all arrays with holes in a value: a hole takes no room in the text, and does in memory and in the store. */
const HOLES_MAX = 1_000_000;

/** @type {Map<string, unknown>} */
const WORDS = new Map([
	["null", null],
	["true", true],
	["false", false],
]);

/**
 * Parses a value that the source keeps as JavaScript, in the form in which the package serialize-javascript writes it. It is
 * never run: whatever is not in that form, a function above all, is refused.
 *
 * @param {string} text
 * @param {Set<Kind>} kinds
 * @returns {unknown}
 */
function fromScript(text, kinds) {
	try {
		return fromJson(text, kinds);
	} catch {
		const parser = new ScriptParser(text, kinds);
		const value = parser.value(0);
		parser.end();
		return defined(value);
	}
}

/** Descends into a text, never deeper than {@link DEPTH_MAX}, and reads each character a fixed number of times. */
class ScriptParser {
	#text;
	#kinds;
	#at = 0;
	#holes = HOLES_MAX;

	/**
	 * @param {string} text
	 * @param {Set<Kind>} kinds
	 */
	constructor(text, kinds) {
		this.#text = text;
		this.#kinds = kinds;
	}

	/**
	 * @param {number} depth
	 * @returns {any}
	 */
	value(depth) {
		if (depth > DEPTH_MAX) throw new Refusal(TOO_DEEP);
		this.#match(SPACE);
		const first = this.#text[this.#at];
		if (first === '"') return this.#string();
		if (first === "[") return this.#list(depth);
		if (first === "{") return fromPairs(this.#members(depth));
		const call = this.#match(CALL);
		if (call !== undefined) return this.#call(call.slice(0, -1), depth);
		const word = this.#match(WORD);
		return word === undefined ? this.#number() : this.#word(word);
	}

	end() {
		this.#match(SPACE);
		if (this.#at < this.#text.length) throw this.#refusal();
	}

	/** @param {string} word */
	#word(word) {
		const value = WORDS.get(word);
		if (value !== undefined) return value;
		if (word === "undefined") {
			this.#kinds.add("undefined");
			return UNDEFINED;
		}
		if (!INFINITE.has(word)) throw this.#refusal();
		this.#kinds.add("number");
		return word;
	}

	#number() {
		const start = this.#at;
		const text = this.#match(NUMBER);
		if (text === undefined || this.#match(NUMBER_CHARACTERS) !== undefined) {
			this.#at = start;
			throw this.#refusal();
		}
		return fromJson(text, this.#kinds);
	}

	/** @returns {string} */
	#string() {
		const start = this.#at;
		if (this.#text[start] !== '"') throw this.#refusal();
		let end = start;
		do {
			end = this.#text.indexOf('"', end + 1);
			if (end < 0) throw this.#cutOff();
		} while (this.#isEscaped(start, end));
		this.#at = end + 1;
		return fromJson(this.#text.slice(start, this.#at), this.#kinds);
	}

	/**
	 * @param {number} start of the string
	 * @param {number} end a quotation mark in it
	 */
	#isEscaped(start, end) {
		let backslashes = 0;
		while (end - 1 - backslashes > start && this.#text[end - 1 - backslashes] === "\\") backslashes++;
		return backslashes % 2 === 1;
	}

	/**
	 * @param {number} depth
	 * @returns {any[]}
	 */
	#list(depth) {
		/** @type {unknown[]} */
		const items = [];
		this.#sequence("[", "]", () => {
			items.push(defined(this.value(depth + 1)));
		});
		return items;
	}

	/**
	 * @param {number} depth
	 * @returns {[string, unknown][]}
	 */
	#members(depth) {
		/** @type {[string, unknown][]} */
		const members = [];
		this.#sequence("{", "}", () => {
			const name = this.#string();
			this.#expect(":");
			const value = this.value(depth + 1);
			if (value !== UNDEFINED) members.push([name, value]);
		});
		return members;
	}

	/**
	 * @param {string} open
	 * @param {string} close
	 * @param {() => void} item
	 */
	#sequence(open, close, item) {
		this.#expect(open);
		this.#match(SPACE);
		if (this.#text[this.#at] === close) {
			this.#at++;
			return;
		}
		for (;;) {
			this.#match(SPACE);
			item();
			this.#match(SPACE);
			if (this.#text[this.#at] === close) break;
			this.#expect(",");
		}
		this.#at++;
	}

	/**
	 * @param {string} name of the function
	 * @param {number} depth
	 */
	#call(name, depth) {
		const value = this.#called(name, depth + 1);
		this.#expect(")");
		return value;
	}

	/**
	 * @param {string} name
	 * @param {number} depth
	 */
	#called(name, depth) {
		if (depth > DEPTH_MAX) throw new Refusal(TOO_DEEP);
		switch (name) {
			case "new Date":
				return fromDate(this.#string(), this.#kinds);
			case "BigInt":
				return fromBigInt(this.#string(), this.#kinds);
			case "new URL":
				this.#kinds.add("url");
				return this.#string();
			case "new Map":
				return fromMap(this.#pairs(depth), this.#kinds);
			case "new Set":
				return fromSet(this.#list(depth), this.#kinds);
			case "new RegExp":
				return this.#regExp();
			default:
				return this.#sparse(depth);
		}
	}

	#regExp() {
		const source = this.#string();
		this.#expect(",");
		this.#match(SPACE);
		return fromRegExp(source, this.#string(), this.#kinds);
	}

	/**
	 * @param {number} depth
	 * @returns {[unknown, unknown][]}
	 */
	#pairs(depth) {
		const pairs = this.#list(depth);
		if (!pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
			throw new Refusal("has a Map that is none");
		}
		return pairs;
	}

	/**
	 * An array with holes, which is written as an object.
	 *
	 * @param {number} depth
	 */
	#sparse(depth) {
		// The length comes behind the items, as JavaScript orders members.
		const [[name, length] = [], ...places] = this.#members(depth).reverse();
		if (name !== "length" || typeof length !== "number" || !Number.isInteger(length) || length < 0) {
			throw new Refusal("has an array that is none");
		}
		this.#holes -= length;
		if (this.#holes < 0) throw new Refusal(`has arrays with more than ${HOLES_MAX} holes`);
		const items = new Array(length).fill(null);
		for (const [place, item] of places) {
			if (!/^(?:0|[1-9]\d{0,8})$/.test(place) || Number(place) >= length) {
				throw new Refusal("has an array that is none");
			}
			items[Number(place)] = item;
		}
		this.#kinds.add("hole");
		return items;
	}

	/** @param {string} token */
	#expect(token) {
		this.#match(SPACE);
		if (this.#text[this.#at] !== token) throw this.#refusal();
		this.#at++;
	}

	/**
	 * @param {RegExp} token
	 * @returns {string | undefined}
	 */
	#match(token) {
		token.lastIndex = this.#at;
		const [text] = token.exec(this.#text) ?? [];
		if (text !== undefined) this.#at += text.length;
		return text;
	}

	#refusal() {
		if (this.#at >= this.#text.length) return this.#cutOff();
		return new Refusal("has code in its value, which is not run");
	}

	#cutOff() {
		return new Refusal("has a value that is cut off");
	}
}

module.exports = { fromScript };
