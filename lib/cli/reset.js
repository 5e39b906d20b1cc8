"use strict";

const { withoutSecrets } = require("../config/backup.js");
const { RootcellarError } = require("../base/errors.js");
const { setAside } = require("../native/destination.js");
const { storeAt } = require("./files.js");
const { print } = require("./output.js");
const { locateBoth } = require("./store.js");

/**
 * Sets a store aside with its backups, so that the next start begins with an empty one. Deletes nothing.
 *
 * @param {import("./store.js").CommandOptions} options
 */
async function reset(options) {
	const { file, url } = locateBoth(options);
	storeAt(file);
	const { moved, hasRemoteBackups } = await setAside(file, url);
	if (hasRemoteBackups) {
		throw new RootcellarError(
			"ERR_REMOTE_BACKUPS",
			`there are backups at ${withoutSecrets(url ?? "")}, from which the next start would restore ${file}; move them ` +
				"away, or name another destination, here and for the bot",
		);
	}
	if (moved.length === 0) {
		throw new RootcellarError("ERR_NOT_FOUND", `there is no ${file} to set aside, and nothing that belongs to it`);
	}
	const lines = moved.map(({ from, to }) => `${from} is now ${to}`);
	print(options, { file, moved }, lines.join("\n"));
}

module.exports = { reset };
