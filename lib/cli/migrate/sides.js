"use strict";

const { RootcellarError } = require("../../base/errors.js");
const { workingDirectory } = require("../../base/working-directory.js");
const { locationFromEnvironment } = require("../../config/location.js");
const { postgresFrom } = require("../../config/postgres/postgres.js");
const { isSame, statOf } = require("../files.js");
const { locateFile } = require("../locate.js");
const { openFile } = require("./file.js");
const { openServer } = require("../server/keys.js");

/**
 * @typedef {import("../../config/postgres/postgres.js").PostgresConfig} PostgresConfig
 * @typedef {import("../server/keys.js").Side} Side
 */

/** @param {string} given */
const isUrl = (given) => /^postgres(ql)?:/i.test(given);

/**
 * Store that an option names: the path of a file, or the configuration of a database.
 *
 * @typedef {{ option: "--from" | "--to", isUrl: boolean, file?: string, postgres?: PostgresConfig }} Place
 */

/**
 * The URL of a database, the path of a file, or without either what `DATABASE_CONFIG` says.
 *
 * @param {string | undefined} given
 * @param {"--from" | "--to"} option
 * @returns {Promise<Place>}
 */
async function placeOf(given, option) {
	if (given !== undefined && isUrl(given)) {
		const place = { option, isUrl: true };
		return await naming(place, async () => {
			const config = { databaseType: "pg", pg: { url: given } };
			return { ...place, postgres: postgresFrom(config, process.env, workingDirectory()) };
		});
	}
	const postgres = given === undefined ? locationFromEnvironment(process.env).postgres : undefined;
	return { option, isUrl: false, ...(postgres === undefined ? { file: locateFile({ file: given }) } : { postgres }) };
}

/**
 * True if two options name one store, by whatever name.
 *
 * @param {Place} one
 * @param {Place} other
 */
function isSameStore(one, other) {
	if (one.file !== undefined && other.file !== undefined) {
		return one.file === other.file || isSame(statOf(one.file), statOf(other.file));
	}
	const nameOf = (/** @type {Place} */ { postgres }) => JSON.stringify([postgres?.hosts, postgres?.database]);
	return one.postgres !== undefined && other.postgres !== undefined && nameOf(one) === nameOf(other);
}

/**
 * @param {Place} place
 * @returns {Promise<Side>}
 */
async function openSide(place) {
	const { option, file, postgres } = place;
	const isTarget = option === "--to";
	if (postgres === undefined) return await openFile(/** @type {string} */ (file), isTarget);
	const title = `the database of ${place.isUrl ? option : "DATABASE_CONFIG"}`;
	const side = await naming(place, () => openServer(postgres, title, isTarget));
	return { ...side, write: (rows) => naming(place, () => side.write(rows)) };
}

/**
 * Does something with a place. Errors of a URL name the option, because it is not that of `DATABASE_CONFIG`.
 *
 * @template T
 * @param {Place} place
 * @param {() => Promise<T>} work
 */
async function naming({ option, isUrl }, work) {
	try {
		return await work();
	} catch (error) {
		if (isUrl && error instanceof RootcellarError) {
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

module.exports = { isSameStore, openSide, placeOf };
