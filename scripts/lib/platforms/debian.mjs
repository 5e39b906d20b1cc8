// Packages of Debian, fetched and unpacked into a folder: nothing of the system is changed, and it takes no root.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, StepFailure } from "../run.mjs";
import { platformsFolder } from "./folder.mjs";

const HINT = "It needs Debian or Ubuntu, with the lists of apt-get update.";

/** Suites of newer packages than the machine's own: the one after it, and what is made for that one later. */
const NEWER = ["trixie", "trixie-backports"];

/** Keyring of Debian, where its package of keys is installed. */
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

const lists = join(platformsFolder, "apt");

/**
 * Fetches packages of the machine's own release and unpacks them, unless they are there.
 *
 * @param {string} folder - Where they are unpacked.
 * @param {string} sign - A file in that folder that says that all of them are there.
 * @param {string[]} names
 */
export async function unpackOwn(folder, sign, names) {
	if (!existsSync(join(folder, sign))) await unpack(folder, sign, names, []);
}

/**
 * Fetches a package of a newer release and unpacks it, unless it is there.
 *
 * @param {string} folder
 * @param {string} sign
 * @param {string} name
 * @param {Wanted} wanted
 */
export async function unpackNewer(folder, sign, name, wanted) {
	if (existsSync(join(folder, sign))) return;
	const options = await newerLists();
	const listed = execFileSync("apt-cache", [...options, "madison", name], { encoding: "utf8" });
	await unpack(folder, sign, [`${name}=${chosenVersion(name, listed, wanted)}`], options);
}

/**
 * A version of a package: those that are accepted, how they are called, and what a person can do where there is none.
 *
 * @typedef {{ accepts: (version: string) => boolean, called: string, hint?: string }} Wanted
 */

/**
 * The first version that is accepted.
 *
 * @param {string} name - Of the package.
 * @param {string} listed - What `apt-cache madison` says of it: a line a version, the newest first.
 * @param {Wanted} wanted
 * @throws {StepFailure} That says what was wanted and what there is.
 */
export function chosenVersion(name, listed, { accepts, called, hint }) {
	const versions = listed.split("\n").flatMap((line) => line.split("|")[1]?.trim() ?? []);
	const version = versions.find(accepts);
	if (version !== undefined) return version;
	const there = versions.length === 0 ? "nothing of that name" : versions.join(", ");
	const reason = `Debian's ${NEWER.join(" and ")} have no ${name} ${called}; they have ${there}`;
	throw new StepFailure(`Fetching ${name}`, reason, { hint });
}

/**
 * @param {string} folder
 * @param {string} sign
 * @param {string[]} names
 * @param {string[]} options
 */
async function unpack(folder, sign, names, options) {
	const downloads = `${folder}.packages`;
	rmSync(downloads, { recursive: true, force: true });
	mkdirSync(downloads, { recursive: true });
	const where = { cwd: downloads, hint: HINT };
	await run(`Fetching ${names.join(", ")} (apt-get download)`, "apt-get", [...options, "download", ...names], where);
	for (const name of readdirSync(downloads).filter((one) => one.endsWith(".deb"))) {
		await run(`Unpacking ${name}`, "dpkg", ["-x", name, folder], where);
	}
	rmSync(downloads, { recursive: true });
	writeFileSync(join(folder, sign), "");
}

/**
 * The options, once the lists are those of this run: a package may have come since the last.
 *
 * @type {Promise<string[]> | undefined}
 */
let updated;

function newerLists() {
	updated ??= updateLists();
	return updated;
}

/** Fetches the lists of the newer suites; options of apt that make it know these alone, from where the machine's own are. */
async function updateLists() {
	const sources = join(lists, "newer.sources");
	const options = [
		`Dir::Etc::sourcelist=${sources}`,
		"Dir::Etc::sourceparts=-",
		`Dir::State::lists=${join(lists, "lists")}`,
		`Dir::Cache=${join(lists, "cache")}`,
	].flatMap((option) => ["-o", option]);
	for (const name of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(lists, name), { recursive: true });
	const signedBy = existsSync(KEYS) ? [`Signed-By: ${KEYS}`] : [];
	const lines = [
		"Types: deb",
		`URIs: ${ownArchive()}`,
		`Suites: ${NEWER.join(" ")}`,
		"Components: main",
		...signedBy,
		"",
	];
	writeFileSync(sources, lines.join("\n"));
	await run("Fetching the lists of newer packages (apt-get update)", "apt-get", [...options, "update"], { hint: HINT });
	return options;
}

/** Archive that the machine has Debian's packages from. */
function ownArchive() {
	const text = execFileSync("apt-get", ["indextargets", "--format", "$(LABEL)\t$(REPO_URI)", "Created-By: Packages"], {
		encoding: "utf8",
	});
	const archives = text.split("\n").map((line) => line.split("\t"));
	const [, uri] = archives.find(([label]) => label === "Debian") ?? [];
	if (uri === undefined) {
		throw new StepFailure("Looking for Debian's packages", "apt knows no archive of Debian", { hint: HINT });
	}
	return uri;
}
