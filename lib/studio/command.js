"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const { withoutSecrets } = require("../config/address.js");
const { RootcellarError } = require("../base/errors.js");
const { note, print } = require("../cli/output.js");
const { existing, locateBoth, refuseOldCopyInUse } = require("../cli/locate.js");
const { ENDING_SIGNALS } = require("../cli/temporary-files.js");
const { checkPage } = require("./assets.js");
const { startServer } = require("./server.js");
const { Session } = require("./session.js");

/**
 * @typedef {import("../cli/locate.js").CommandOptions & {
 *   port?: number, open?: boolean, write?: boolean, allowRemote?: string,
 * }} StudioOptions
 */

/** Programs that open an address in the person's browser. */
const OPENERS = /** @type {Record<string, string[]>} */ ({
	darwin: ["open"],
	win32: ["rundll32", "url.dll,FileProtocolHandler"],
});

/**
 * Serves the data browser until a signal ends it.
 *
 * @param {StudioOptions} options
 */
async function studio(options) {
	checkPage();
	const session = await openSession(options);
	const ending = signalled();
	try {
		const server = await startServer(session, { port: options.port, address: options.allowRemote });
		const what = session.file ?? `the newest state at ${withoutSecrets(session.url ?? "")}`;
		const mode = session.canWrite ? "" : ", to read only";
		print(
			options,
			{ url: server.url, file: session.file, write: session.canWrite },
			`${what}${mode}\n${server.url}\nThe address is a key: who has it sees the data. Ctrl+C ends.`,
		);
		if (options.open) openBrowser(server.url);
		await Promise.race([ending.come, server.closed]);
		await server.close();
	} finally {
		ending.forget();
		await session.close();
	}
}

/**
 * Opens what is to be shown, so that a file which cannot be read is an error of the command.
 *
 * @param {StudioOptions} options
 */
async function openSession(options) {
	const { file: given, url: givenUrl, write = false } = options;
	if (givenUrl !== undefined && given === undefined) return openBackups(options);
	const { file, url } = locateBoth(options);
	existing(file, "look at");
	if (write && url !== undefined) await refuseOldCopyInUse(file, url);
	const session = new Session({ file, url, canWrite: write });
	try {
		await session.store.sqlite.get("SELECT count(*) FROM sqlite_schema");
		await session.store.kv.has("");
	} catch (error) {
		await session.close();
		throw error;
	}
	return session;
}

/** @param {StudioOptions} options */
async function openBackups(options) {
	const { url } = locateBoth(options);
	if (options.write) {
		throw new RootcellarError("ERR_USAGE", "--write needs --file: a state of the backups is shown to be read only");
	}
	const { listBackups } = require("../native/destination.js");
	const [newest] = await listBackups({ url: /** @type {string} */ (url) });
	if (newest === undefined) {
		throw new RootcellarError("ERR_BACKUP_NOT_FOUND", `there is no backup in ${withoutSecrets(url ?? "")}`);
	}
	const session = new Session({ url, moment: newest.id, canWrite: false });
	try {
		await session.momentOf(newest.id);
	} catch (error) {
		await session.close();
		throw error;
	}
	return session;
}

/** Waits for a signal that asks for the end. A second one does not wait until all is closed. */
function signalled() {
	/** @type {(signal: NodeJS.Signals) => void} */
	let end = () => {};
	const come = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
		let isSecond = false;
		end = (signal) => {
			if (isSecond) process.exit(128 + constants.signals[signal]);
			isSecond = true;
			resolve();
		};
	});
	for (const signal of ENDING_SIGNALS) process.on(signal, end);
	const forget = () => {
		for (const signal of ENDING_SIGNALS) process.off(signal, end);
	};
	return { come, forget };
}

/** @param {string} url */
function openBrowser(url) {
	const [program = "", ...args] = OPENERS[process.platform] ?? ["xdg-open"];
	const child = spawn(program, [...args, url], { detached: true, stdio: "ignore" });
	child.on("error", () => note("no browser was found; open the address in one"));
	child.unref();
}

module.exports = { studio };
