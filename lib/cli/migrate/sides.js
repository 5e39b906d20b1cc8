"use strict";

const { RootcellarError } = require("../../base/errors.js");
const { workingDirectory } = require("../../base/working-directory.js");
const { locationFromEnvironment } = require("../../config/location.js");
const { postgresFrom } = require("../../config/postgres/postgres.js");
const { openFile } = require("./file.js");
const { openServer } = require("../server/keys.js");

/** @typedef {import("../server/keys.js").Side} Side */

/** @param {string} given */
const isUrl = (given) => /^postgres(ql)?:/i.test(given);

/**
 * Opens what an option names: the URL of a database, the path of a file, or without either what `DATABASE_CONFIG` says.
 *
 * @param {string | undefined} given
 * @param {"--from" | "--to"} option
 * @returns {Promise<Side>}
 */
async function openSide(given, option) {
	const isTarget = option === "--to";
	if (given !== undefined) {
		return isUrl(given) ? await openUrl(given, option) : await openFile(given, isTarget);
	}
	const location = locationFromEnvironment(process.env);
	return location.postgres === undefined
		? await openFile(location.path, isTarget)
		: await openServer(location.postgres, "the database of DATABASE_CONFIG", isTarget);
}

/**
 * Errors of the URL name the option, because it is not that of `DATABASE_CONFIG`.
 *
 * @param {string} url
 * @param {"--from" | "--to"} option
 */
async function openUrl(url, option) {
	try {
		const config = postgresFrom({ databaseType: "pg", pg: { url } }, process.env, workingDirectory());
		return await openServer(config, `the database of ${option}`, option === "--to");
	} catch (error) {
		if (error instanceof RootcellarError) {
			error.message = error.message
				.replace(/^DATABASE_CONFIG cannot be used: its pg\.(url|\w+)/, (_, field) =>
					field === "url" ? option : `${option} cannot be used: its ${field}`,
				)
				.replace(/; expected \{.*$/, "")
				.replaceAll("pg.url of DATABASE_CONFIG", option)
				.replace(/pg\.(\w+) of DATABASE_CONFIG, which is left out/, `the $1 of ${option}, which is left out`);
		}
		throw error;
	}
}

module.exports = { openSide };
