"use strict";

const { Command, CommanderError, InvalidArgumentError, Option } = require("commander");
const { version } = require("../../package.json");
const commands = require("./commands.js");
const { exportKeys, importKeys } = require("./keys.js");
const { fail } = require("./output.js");

/** What a wrong command line ends with. */
const EXIT_USAGE = 2;

/** @param {string} text */
function parseTime(text) {
	const time = new Date(text);
	if (Number.isNaN(time.getTime())) {
		throw new InvalidArgumentError("expected a time such as 2025-01-31T12:00:00Z");
	}
	return time;
}

/** @param {string} text */
function parseId(text) {
	if (!/^[0-9a-f]{16}$/.test(text)) {
		throw new InvalidArgumentError("expected the id of a backup, 16 hexadecimal digits; see rootcellar list");
	}
	return text;
}

/**
 * A command with the options that all have.
 *
 * @param {Command} program
 * @param {string} name
 * @param {string} description
 * @param {(options: any) => Promise<void>} action
 */
function add(program, name, description, action) {
	return program
		.command(name)
		.description(description)
		.option("-f, --file <path>", "the store's file (default: what DATABASE_CONFIG says, else ./rootsdk.sqlite3)")
		.option(
			"-u, --url <destination>",
			"where its backups are (default: what ROOTCELLAR_BACKUP says, else <file>.backup)",
		)
		.option("--json", "print one line of JSON, for scripts")
		.action(async (options) => {
			try {
				await action(options);
			} catch (error) {
				fail(error, options.json);
			}
		});
}

function createProgram() {
	const program = new Command("rootcellar");
	program
		.description("Backup and restore of a rootcellar store.")
		.version(version)
		.showHelpAfterError("(rootcellar --help tells more)")
		.exitOverride();
	add(program, "status", "say how the backups of a store stand", commands.status);
	add(program, "backup", "back up what there is, now", commands.backup);
	add(program, "list", "list the states that can be restored, the newest first", commands.list);
	add(program, "restore", "restore the newest state, or another, into the store or into another file", commands.restore)
		.addOption(new Option("--at <time>", "the newest state until this time").argParser(parseTime).conflicts("id"))
		.addOption(new Option("--id <id>", "the state of this backup").argParser(parseId))
		.option("--to <path>", "another file; without it the store itself")
		.option("--force", "replace what is there");
	add(program, "verify", "restore the newest state into a temporary file, with every check", commands.verify);
	add(program, "export", "write every key as a line of JSON", exportKeys)
		.option("--community <id>", "the keys of a community instead of the default scope")
		.option("--output <path>", "a file (default: the standard output)")
		.option("--force", "replace the file if it exists");
	add(program, "import", "read keys, each a line of JSON", importKeys)
		.option("--community <id>", "into a community instead of the default scope")
		.option("--input <path>", "a file (default: the standard input)")
		.option("--force", "overwrite keys that exist");
	program.addHelpText("after", "\nEnds with 0 if all went well, 1 if something failed, 2 if it was called wrongly.");
	return program;
}

/**
 * Runs the command that the arguments name, and sets the exit code.
 *
 * @param {string[]} argv
 */
async function main(argv) {
	try {
		await createProgram().parseAsync(argv);
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		// Help and the version are no errors.
		process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
	}
}

module.exports = { main };
