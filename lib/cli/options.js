"use strict";

const { isIP } = require("node:net");
const { InvalidArgumentError } = require("commander");
const { locationFromOption } = require("../config/location.js");
const { looksLikeUrl } = require("../config/paths.js");

/** Time in ISO 8601: a date, or a date and a time with or without a zone. */
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * @param {string} text
 * @returns {Date}
 */
function parseTime(text) {
	const [, day] = TIME.exec(text) ?? [];
	// JavaScript takes a date alone for one of UTC, and a date and a time for local ones.
	const time = new Date(text === day ? `${text}T00:00` : text);
	// JavaScript reads the 30th of February as a day in March.
	const isDay = day !== undefined && toIso(new Date(`${day}T00:00:00Z`))?.startsWith(day);
	if (!isDay || Number.isNaN(time.getTime())) {
		throw new InvalidArgumentError("expected a time such as 2025-01-31T12:00:00Z");
	}
	return time;
}

/** @param {Date} time */
function toIso(time) {
	return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** @param {string} text */
function parseId(text) {
	if (!/^[0-9a-f]{16}$/.test(text)) {
		throw new InvalidArgumentError("expected the id of a backup, 16 hexadecimal digits; see rootcellar list");
	}
	return text;
}

/**
 * A time, or the id of a backup.
 *
 * @param {string} text
 */
function parseMoment(text) {
	if (/^[0-9a-f]{16}$/.test(text)) return text;
	try {
		return parseTime(text);
	} catch {
		throw new InvalidArgumentError(
			"expected a time such as 2025-01-31T12:00:00Z, or the id of a backup, 16 hexadecimal digits",
		);
	}
}

/**
 * @param {string} text
 * @param {string} expected
 */
function refuseUrl(text, expected) {
	if (looksLikeUrl(text)) {
		throw new InvalidArgumentError(`it looks like a URL; expected ${expected}; write ./ before a path`);
	}
}

/**
 * @param {string} text
 * @param {string} expected
 */
function checkPath(text, expected) {
	if (text === "") {
		throw new InvalidArgumentError(`expected ${expected}`);
	}
	refuseUrl(text, expected);
	return text;
}

/** @param {string} text */
function parsePath(text) {
	return checkPath(text, "the path of a file");
}

/** @param {string} text */
function parseSource(text) {
	return checkPath(text, "the path of a file, or of a folder");
}

/** @param {string} text */
function parseStore(text) {
	return storeFrom(text, "the path of a file; a database on PostgreSQL is what DATABASE_CONFIG names, without --file");
}

/** @param {string} text */
function parsePlace(text) {
	return /^postgres(ql)?:/i.test(text)
		? text
		: storeFrom(text, "the path of a file, or a URL that begins with postgres://");
}

/**
 * @param {string} text
 * @param {string} expected
 */
function storeFrom(text, expected) {
	refuseUrl(text, expected);
	try {
		if (locationFromOption(text).kind === "memory") {
			throw new TypeError("it must be the path of a file, which a store in memory is not");
		}
	} catch (error) {
		const { message } = /** @type {Error} */ (error);
		throw new InvalidArgumentError(message.replace(/^options\.filename /, "it "));
	}
	return text;
}

/** @param {string} text */
function parseLevels(text) {
	if (!/^[1-9]\d{0,2}$/.test(text)) {
		throw new InvalidArgumentError("expected a number of levels, from 1 to 999");
	}
	return Number(text);
}

/** @param {string} text */
function parseKeyPart(text) {
	if (!text.isWellFormed()) {
		throw new InvalidArgumentError("expected a text without half of a surrogate pair");
	}
	return text;
}

/** @param {string} text */
function parseUrl(text) {
	if (text === "") {
		throw new InvalidArgumentError("expected the path of a folder, or a URL such as s3://bucket/prefix");
	}
	return text;
}

/** @param {string} text */
function parsePort(text) {
	if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
		throw new InvalidArgumentError("expected the number of a port, from 0, which stands for a free one, to 65535");
	}
	return Number(text);
}

/** @param {string} text */
function parseAddress(text) {
	// A page is asked for under the address; one that stands for all of them is in no request.
	if (isIP(text) === 0 || /^(0\.0\.0\.0|[0:]+)$/.test(text)) {
		throw new InvalidArgumentError("expected one IP address of this machine, such as 192.168.1.20");
	}
	return text;
}

module.exports = {
	parseAddress,
	parseId,
	parseKeyPart,
	parseLevels,
	parseMoment,
	parsePath,
	parsePlace,
	parsePort,
	parseSource,
	parseStore,
	parseTime,
	parseUrl,
};
