// Temporary files of SQLite and of the command line: beside the database, which may be in the only folder that can be written.

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { runMounted } from "./namespace.mjs";

const linux = process.platform === "linux";

/** Makes the folders for temporary files and the working directory read-only, and mounts a disk of its own for the bot. */
const MOUNTS = `
	for folder in /tmp /var/tmp /usr/tmp; do
		if [ -d "$folder" ]; then
			mount --bind "$folder" "$folder"
			mount -o remount,bind,ro "$folder"
		fi
	done
	mount -t tmpfs tmpfs "$1"`;

test.runIf(linux)(
	"without any other folder that can be written, all that sorts, copies and imports works, and leaves nothing behind",
	async () => {
		const folder = temporaryDirectory();
		const program = fileURLToPath(new URL("no-temporary-folder.mjs", import.meta.url));
		const { TMPDIR, SQLITE_TMPDIR, ...env } = process.env;
		const result = await runMounted(MOUNTS, [folder], [process.execPath, program, folder], { cwd: "/tmp", env });
		expect(result.probes).toEqual(["EROFS", "EROFS", "EROFS"]);
		expect(new Set(Object.values(result.ends)), JSON.stringify(result.ends)).toEqual(new Set(["done"]));
		expect(Object.keys(result.ends).length).toBeGreaterThan(10);
		expect(result.imported).toMatchObject({ keys: 2_000 });
		expect(result.verified).toMatchObject({ isComplete: true });
		expect(result.files).toEqual(["bot.sqlite3", "bot.sqlite3.backup", "bot.sqlite3.backup-state", "copy.sqlite3"]);
	},
	300_000,
);
