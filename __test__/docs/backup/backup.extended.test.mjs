// Commands of docs/backup.md for a bucket of S3 and for Litestream, run as they stand there.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, test } from "vitest";
import { CLI_VERSIONS, cliPath } from "../../../scripts/lib/install/litestream.mjs";
import { CREDENTIALS, startServer } from "../../backup/destinations/s3-server.mjs";
import { json, valueIn } from "../../cli/cli.mjs";
import { projectWithStore, section, shell } from "./page.mjs";

test("docs/backup.md has variables with which a bucket of S3 is used from a shell, and a file restored by hand", {
	timeout: 300_000,
}, async () => {
	const { project, file } = await projectWithStore();
	const { port } = await startServer(join(project, "server"));
	const [, url] = section("Where backups go").match(/'(s3:\/\/my-bucket\/my-bot\?endpoint=http:[^']+)'/);
	const here = url.replace("my-bucket", "bucket").replace("9000", port);
	const exports = Object.entries({ ...CREDENTIALS, ROOTCELLAR_BACKUP: here })
		.map(([name, value]) => `export ${name}='${value}'`)
		.join("\n");
	const said = await shell(`${exports}\nnpx rootcellar backup\nnpx rootcellar list && npx rootcellar status`, project);
	expect(said.stdout).toContain("s3://bucket/my-bot\n");
	await shell(`${exports}\nnpx rootcellar verify\nnpx rootcellar restore --to then.sqlite3`, project);
	expect(await valueIn(join(project, "then.sqlite3"))).toBe(1);

	// Only later releases take a server's address in the URL.
	const litestream = CLI_VERSIONS.slice(1)
		.map(cliPath)
		.find((path) => existsSync(path));
	const credentials = Object.entries(CREDENTIALS).map((entry) => entry.join("="));
	const byHand = litestream
		? `env -i PATH="$PATH" ${credentials.join(" ")} "${litestream}" \\
			restore -o by-hand.sqlite3 '${here}&region=us-east-1&forcePathStyle=true'`
		: `${exports}\nnpx rootcellar restore --to by-hand.sqlite3`;
	await shell(byHand, project);
	const store = openDataStore({ filename: file, backup: {} });
	await store.appData.set({ key: "k", value: "later" });
	await store.close();
	await shell("mv by-hand.sqlite3 rootsdk.sqlite3; rm -rf rootsdk.sqlite3-wal rootsdk.sqlite3-shm *-state", project);
	const { kind } = await json(["backup", "-f", file]);
	expect(kind).toBe("increment");
	expect(await valueIn(file)).toBe(1);
});
