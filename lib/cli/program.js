"use strict";

const { Command, CommanderError, Option } = require("commander");
const { version } = require("../../package.json");
const { SOURCES } = require("./import/sources/index.js");
const {
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
} = require("./options.js");
const { EXIT_USAGE, fail, note, watchOutput } = require("./output.js");

/**
 * A command whose code is loaded when it is called: the others need not wait for it.
 *
 * @param {() => (...args: any[]) => Promise<void>} load
 * @returns {(...args: any[]) => Promise<void>}
 */
const later =
	(load) =>
	(...args) =>
		load()(...args);

const backupCommand = (/** @type {"status" | "backup" | "list" | "verify" | "reset"} */ name) =>
	later(() => require("./backup-commands.js")[name]);

const STORE = ["-f, --file <path>", "the store's file (default: what DATABASE_CONFIG says, else ./rootsdk.sqlite3)"];
const DESTINATION = [
	"-u, --url <destination>",
	"where its backups are (default: what ROOTCELLAR_BACKUP says, else <file>.backup)",
];
const CONFIGURED = "default, where the other is given: what DATABASE_CONFIG says";
const JSON_LINE = "print the result as one line of JSON, for scripts, also if something fails";
const EXIT_CODES = "0 if all went well, 1 if something failed, 2 if it was called or configured wrongly";

/**
 * Adds a command, with the options that all commands have, and an example.
 *
 * @param {Command} program
 * @param {string} name
 * @param {string} description
 * @param {string} example
 * @param {(...args: any[]) => Promise<void>} action gets the arguments of the command, if it has any, and the options
 * @param {string} [json] what `--json` does
 */
function add(program, name, description, example, action, json) {
	return addBare(program, name, description, example, action, json)
		.addOption(new Option(STORE[0] ?? "", STORE[1]).argParser(parseStore))
		.addOption(new Option(DESTINATION[0] ?? "", DESTINATION[1]).argParser(parseUrl));
}

/**
 * Adds a command that names its stores itself.
 *
 * @param {Command} program
 * @param {string} name
 * @param {string} description
 * @param {string} example
 * @param {(...args: any[]) => Promise<void>} action
 * @param {string} [json] what `--json` does
 */
function addBare(program, name, description, example, action, json = JSON_LINE) {
	return program
		.command(name)
		.description(description)
		.option("--json", json)
		.addHelpText("after", `\nExample:\n  npx rootcellar ${example}`)
		.action(async (...given) => {
			const [options] = given.slice(-2);
			try {
				await action(...given.slice(0, -1));
			} catch (error) {
				fail(error, options.json, options.url === undefined ? "ROOTCELLAR_BACKUP" : "--url");
			}
		});
}

/**
 * Message about a command line, which quotes it, without what it has behind the scheme of a URL: that may hold a password.
 *
 * @param {string} message
 * @param {string[]} argv
 */
function withoutUrls(message, argv) {
	for (const argument of argv) {
		const [url, scheme] = /([a-z0-9+.-]{2}:\/+).+/is.exec(argument) ?? [];
		if (url !== undefined) message = message.replaceAll(url, () => `${scheme}...`);
	}
	return message.replace(/^error: /, "").trimEnd();
}

/**
 * @param {boolean} json
 * @param {string[]} argv
 */
function createProgram(json, argv) {
	const program = new Command("rootcellar");
	program
		.description("Backups, keys and data of a rootcellar store.")
		.version(version)
		.showHelpAfterError("(rootcellar --help tells more)")
		.exitOverride();
	program.configureOutput({
		outputError: (message) => note(`${withoutUrls(message, argv)} (ERR_USAGE)`),
		...(json ? { writeErr: () => {}, outputError: () => {} } : {}),
	});
	add(
		program,
		"status",
		"say how the backups of a store stand; on PostgreSQL, how the server does",
		"status --file bot.sqlite3",
		backupCommand("status"),
	);
	add(program, "backup", "back up what there is, now", "backup --file bot.sqlite3 --json", backupCommand("backup"));
	add(
		program,
		"list",
		"list the states that there are backups of, the newest first; verify proves that they can be restored",
		"list --url s3://bucket/my-bot",
		backupCommand("list"),
	);
	add(
		program,
		"restore",
		"restore the newest state, or another, into the store or into another file",
		"restore --at 2025-01-31T12:00:00Z --to then.sqlite3",
		later(() => require("./states/restore.js").restore),
	)
		.addOption(
			new Option("--at <time>", "the newest state until this time; without a zone, such as Z, it is local")
				.argParser(parseTime)
				.conflicts("id"),
		)
		.addOption(new Option("--id <id>", "the state of this backup").argParser(parseId))
		.addOption(new Option("--to <path>", "another file; without it the store itself").argParser(parsePath))
		.option("--force", "replace what is there");
	add(
		program,
		"diff",
		"say what differs between a state and the file as it is now, or another state: every key, and numbers of rows",
		"diff --file bot.sqlite3 --at 2025-01-31T12:00:00Z",
		later(() => require("./states/diff.js").diff),
		"print a line of JSON for each key, and one with the numbers, for scripts; one if something fails",
	)
		.addOption(
			new Option("--at <moment>", "required: the earlier state, a time as of restore, or the id of a backup")
				.argParser(parseMoment)
				.makeOptionMandatory(),
		)
		.addOption(new Option("--to <moment>", "the later state (default: the file as it is now)").argParser(parseMoment))
		.addOption(
			new Option("--community <id>", "only keys of this community; '' is the default scope").argParser(parseKeyPart),
		)
		.addOption(new Option("--prefix <text>", "only keys that begin with this").argParser(parseKeyPart));
	add(
		program,
		"reset",
		"begin empty: set the store aside with its backups, under names that say so; nothing is deleted",
		"reset --file bot.sqlite3",
		backupCommand("reset"),
	);
	add(
		program,
		"verify",
		"restore the newest state into a temporary file, with every check",
		"verify --file bot.sqlite3 || echo 'look at the backups'",
		backupCommand("verify"),
	);
	add(
		program,
		"export",
		"write every key, of every community, as a line of JSON",
		"export --file bot.sqlite3 --output keys.jsonl",
		later(() => require("./export.js").exportKeys),
		"print what --output has got, or an error, as a line of JSON, for scripts; a key is always a line of JSON",
	)
		.option("--community <id>", "only the keys of this community; '' is the default scope")
		.addOption(new Option("--output <path>", "a file (default: the standard output)").argParser(parsePath))
		.option("--force", "replace the file if it exists");
	add(
		program,
		"import",
		"store the keys of another library's file, or lines of JSON as export writes them; all of them or none",
		"import --from quick.db json.sqlite --file bot.sqlite3 --dry-run",
		later(() => require("./import/command.js").importKeys),
	)
		.argument("[path]", "with --from: the file, or the folder of node-persist", parseSource)
		.addOption(new Option("--from <source>", "whose it is").choices(Object.keys(SOURCES)))
		.option("--table <name...>", "only these tables of quick.db, enmaps, or tables of Keyv (default: keyv)")
		.addOption(
			new Option("--split <levels>", "levels of a JSON document whose members are keys (default: 1)").argParser(
				parseLevels,
			),
		)
		.addOption(new Option("--prefix <text>", "what every key is to begin with").argParser(parseKeyPart))
		.addOption(
			new Option(
				"--community <id>",
				"only the keys of this community, '' being the default scope; from a source without communities, all keys, " +
					"for this one",
			).argParser(parseKeyPart),
		)
		.addOption(new Option("--input <path>", "a file of lines (default: the standard input)").argParser(parsePath))
		.option("--dry-run", "check everything, and write nothing")
		.option(
			"--skip",
			"with --from: leave out keys that cannot be imported, instead of importing none; not keys that exist",
		)
		.addOption(
			new Option("--report <path>", "a file for every key that is not carried over exactly").argParser(parsePath),
		)
		.option("--force", "overwrite keys that exist");
	add(
		program,
		"studio",
		"a page in the browser, on this machine alone, to look at keys, tables and backups; with --write to change them",
		"studio --file bot.sqlite3 --open",
		// It is of use to this command alone.
		later(() => require("../studio/command.js").studio),
	)
		.option("--open", "open the page in the browser")
		.addOption(new Option("--port <number>", "the port (default: a free one)").argParser(parsePort))
		.option("--write", "allow changes; without it the file is opened to read only")
		.addOption(
			new Option(
				"--allow-remote <address>",
				"listen at this address of the machine instead of 127.0.0.1: whoever reaches it and has the key sees the data",
			).argParser(parseAddress),
		);
	addBare(
		program,
		"migrate",
		"carry every key over to another store, SQLite or PostgreSQL, and compare both; again after an interruption. Without " +
			"options: prepare the SDK's table in the database of DATABASE_CONFIG, however large it is",
		"migrate --from bot.sqlite3 --to postgres://user@host/bot",
		later(() => require("./migrate/command.js").migrate),
	)
		.addOption(new Option("--from <store>", `a file, or a URL; ${CONFIGURED}`).argParser(parsePlace))
		.addOption(new Option("--to <store>", `a file, or a URL; ${CONFIGURED}`).argParser(parsePlace));
	program.addHelpText("after", `\nEnds with ${EXIT_CODES}.`);
	return program;
}

/**
 * Runs the command of the arguments, and sets the exit code.
 *
 * @param {string[]} argv
 */
async function main(argv) {
	watchOutput();
	const json = argv.includes("--json");
	try {
		await createProgram(json, argv).parseAsync(argv);
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		// Help and the version are no errors.
		process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
		if (json && error.exitCode !== 0) {
			fail({ code: "ERR_USAGE", message: withoutUrls(error.message, argv) }, json);
		}
	}
}

module.exports = { main };
