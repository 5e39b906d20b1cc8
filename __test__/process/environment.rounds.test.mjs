// The environment, which JavaScript may change while other threads are at work.

import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runModuleForJson } from "../helpers/child.mjs";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

/** A server that gives tokens of every cloud, and has no backups and takes none. */
async function startServer() {
	const listing = ({ url }) =>
		url.includes("comp=list") ? "<EnumerationResults><Blobs/></EnumerationResults>" : S3_LISTING;
	const token = JSON.stringify({ access_token: "token", expires_in: 0, expires_on: "0" });
	const server = createServer((request, response) => {
		if (request.method !== "GET") response.writeHead(403);
		response.end(request.url.includes("token") ? token : listing(request));
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	return server.address().port;
}

const S3_LISTING = "<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>";

/** Opens stores whose backups go elsewhere, and uses what SQLite takes from the environment, while names come and go. */
const PROGRAM = `
	const [directory, port, openings] = process.argv.slice(1);
	const endpoint = (path = "") => encodeURIComponent(\`http://127.0.0.1:\${port}\${path}\`);
	const urls = [
		\`s3://bucket/my-bot?endpoint=\${endpoint()}&region=r&forcePathStyle=true\`,
		\`gs://bucket/my-bot?endpoint=\${endpoint()}\`,
		\`az://account@container/my-bot?endpoint=\${endpoint("/account")}\`,
	];
	let changes = 0;
	let isDone = false;
	// Many names, so that whoever looks for one takes long, and the list of them is moved meanwhile.
	const change = () => {
		const first = (changes / 2) % 10_000;
		for (let n = first; n < first + 100; n++) process.env[\`ROOTCELLAR_TEST_\${n}\`] = "x";
		for (let n = first; n < first + 100; n++) if (first < 5_000) delete process.env[\`ROOTCELLAR_TEST_\${n}\`];
		changes += 200;
		process.env.TZ = changes % 400 ? "UTC" : "Asia/Tokyo";
		if (!isDone) setImmediate(change);
	};
	change();
	const open = async (n) => {
		const store = openDataStore({
			filename: \`\${directory}/\${n}.sqlite3\`,
			backup: { url: urls[n % urls.length], quiet: true, shutdownTimeoutMs: 0 },
		});
		await store.appData.get("k");
		await store.sqlite.get("select datetime('now', 'localtime')");
		await store.sqlite.get(
			"with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)" +
				" select count(*) from (select hex(randomblob(100)) as text from n order by text limit 10000)",
		);
		await store.backups.list();
		await store.close();
	};
	let n = 0;
	const some = async () => {
		while (n < openings) await open(n++);
	};
	await Promise.all(Array.from({ length: 4 }, some));
	isDone = true;
	console.log(JSON.stringify({ opened: n, changes }));`;

test("no thread reads it while JavaScript changes it, which would end the process", { timeout: 300_000 }, async () => {
	const directory = temporaryDirectory();
	const port = await startServer();
	const openings = rounds({ few: 12, many: 24, long: 240 });
	const { opened, changes } = await runModuleForJson(PROGRAM, {
		args: [directory, String(port), String(openings)],
		env: {
			AWS_ACCESS_KEY_ID: "key",
			AWS_SECRET_ACCESS_KEY: "secret",
			HOME: join(directory, "home"),
			GCE_METADATA_HOST: `127.0.0.1:${port}`,
			IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/token`,
			IDENTITY_HEADER: "secret",
		},
	});
	expect(opened).toBe(openings);
	expect(changes).toBeGreaterThan(10_000);
});
