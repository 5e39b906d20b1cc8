// docs/backup.md, and what its commands are run in.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { openDataStore } from "rootcellar";
import { environment, program } from "../../cli/cli.mjs";
import { newProject, root } from "../examples.mjs";

export const page = readFileSync(join(root, "docs/backup.md"), "utf8");

/** The text under a heading of the document. */
export const section = (heading) => page.split(`\n## ${heading}\n`)[1].split("\n## ")[0];

/** Runs lines of a shell in a folder, in which `npx rootcellar` is this package's program. */
export async function shell(lines, cwd) {
	const npx = `npx() { shift; "${process.execPath}" "${program}" "$@"; }`;
	try {
		return await promisify(execFile)("/bin/sh", ["-ec", `${npx}\n${lines}`], { cwd, env: environment() });
	} catch (error) {
		throw new Error(`${lines}\n${error.stdout}${error.stderr}`);
	}
}

/** A project whose store, the one of the default name, has keys and backups. */
export async function projectWithStore() {
	const project = newProject();
	const file = join(project, "rootsdk.sqlite3");
	const store = openDataStore({ filename: file, backup: {} });
	await store.appData.set([
		{ key: "k", value: 1 },
		{ key: "k", value: 2, communityId: "0b0a5c41" },
	]);
	const { id } = await store.backups.create();
	await store.close();
	return { project, file, id };
}
