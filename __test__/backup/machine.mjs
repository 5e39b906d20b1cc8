// A machine of a bot that is backed up into a folder.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../helpers/store.mjs";

/** A folder for a bot, whose file is `file` and whose backups lie in `file.backup`. */
export function machine() {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	return { directory, file, destination: `${file}.backup` };
}

/** The backups of captures that are at a destination. */
export function captured(destination) {
	const folder = join(destination, "ltx/0");
	return existsSync(folder) ? readdirSync(folder) : [];
}
