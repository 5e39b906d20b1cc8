"use strict";

const { invalidArgument } = require("../../base/errors.js");
const { kindOf } = require("../../base/json.js");

/**
 * @typedef {Record<string, any>} Input
 */

/**
 * @param {Input} input
 * @param {string} name
 * @returns {string}
 */
function textOf(input, name) {
	const text = input[name];
	if (typeof text !== "string") throw invalidArgument(name, `must be a text, not ${kindOf(text)}`);
	if (!text.isWellFormed()) throw invalidArgument(name, "must not have half of a surrogate pair");
	return text;
}

/**
 * @param {Input} input
 * @param {string} name
 * @returns {string | undefined}
 */
function optionalTextOf(input, name) {
	return input[name] === undefined || input[name] === null ? undefined : textOf(input, name);
}

/**
 * The community of a request, as the table has it.
 *
 * @param {Input} input
 */
function communityOf(input) {
	return optionalTextOf(input, "community") || null;
}

/**
 * @param {Input} input
 * @param {string} name
 * @param {number} max
 * @param {number} fallback
 */
function countOf(input, name, max, fallback) {
	const { [name]: count = fallback } = input;
	if (!Number.isSafeInteger(count) || count < 1 || count > max) {
		throw invalidArgument(name, `must be an integer from 1 to ${max}`);
	}
	return Number(count);
}

/**
 * @param {Input} input
 * @param {string} name
 * @returns {any[]}
 */
function listOf(input, name, max = 10_000) {
	const list = input[name];
	if (!Array.isArray(list) || list.length > max) {
		throw invalidArgument(name, `must be an array of at most ${max}`);
	}
	return list;
}

module.exports = { communityOf, countOf, listOf, optionalTextOf, textOf };
