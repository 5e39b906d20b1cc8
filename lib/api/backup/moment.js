"use strict";

const { isDate } = require("node:util/types");
const { invalidArgument } = require("../../base/errors.js");
const { kindOf } = require("../../base/json.js");

/** Id of a backup. */
const ID = /^[0-9a-f]{16}$/;

const EXPECTED = "must be a valid Date, milliseconds since 1970, or the id of a backup: 16 hexadecimal digits";

/**
 * A moment that must be given: a time, or the id of a backup.
 *
 * @param {unknown} moment
 * @param {string} argument
 * @returns {import("../../native/addon").RestoreTarget}
 */
function checkMoment(moment, argument) {
	if (typeof moment === "string" && ID.test(moment)) {
		return { id: moment };
	}
	const atMs = isDate(moment) ? Date.prototype.getTime.call(moment) : moment;
	if (typeof atMs !== "number") {
		throw invalidArgument(argument, typeof moment === "string" ? EXPECTED : `${EXPECTED}; not ${kindOf(moment)}`);
	}
	if (!Number.isFinite(atMs)) {
		throw invalidArgument(argument, EXPECTED);
	}
	return { atMs };
}

/** @param {import("../../native/addon").MomentInfo} moment */
function toMoment({ id, createdMs }) {
	return { id, createdAt: new Date(createdMs) };
}

module.exports = { checkMoment, toMoment };
