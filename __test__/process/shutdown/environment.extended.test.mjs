// The environment, which the bot changes for seconds while destinations are opened one after the other: `process/environment`
// does the same for a moment with every kind of destination.

import { expect, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { temporaryFile } from "../../helpers/store.mjs";

test("the environment may be changed while destinations are opened", async () => {
	const source = `import { createServer } from "node:http";
		const server = createServer((request, response) => response.writeHead(403).end()).listen(0, "127.0.0.1");
		await new Promise((resolve) => server.on("listening", resolve));
		Object.assign(process.env, { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" });
		const url = "s3://bucket/bot?endpoint=http://127.0.0.1:" + server.address().port;
		const until = performance.now() + 4000;
		for (let round = 0; performance.now() < until || round < 20; round++) {
			const store = openDataStore({ filename: process.argv[1] + round, backup: { url, quiet: true, shutdownTimeoutMs: 1 } });
			const used = store.appData.get("k").catch(() => {});
			const listed = store.backups.list().catch(() => {});
			let isDone = false;
			Promise.all([used, listed]).then(() => { isDone = true; });
			while (!isDone) {
				for (let n = 0; n < 300; n++) process.env["VARIABLE_" + round % 7 + "_" + n] = "x".repeat((n * 31) % 200);
				await new Promise((resolve) => setImmediate(resolve));
			}
			await store.close();
		}
		console.log("alive");
		process.exit(0);`;
	const child = startModule(source, { args: [temporaryFile()] });
	const ended = await child.ended;
	expect(ended).toMatchObject({ code: 0, signal: null });
	expect(child.lines).toContain("alive");
});
