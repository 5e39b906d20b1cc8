// A row is purged when it has expired by both clocks: that of the system, and that of JavaScript, which a test may have set.

import { expect, test } from "vitest";
import { runModule, runModuleForJson } from "../../helpers/child.mjs";
import { raw } from "../../helpers/raw.mjs";
import { temporaryFile } from "../../helpers/store.mjs";

const PAST = 1_577_836_800_000;

/** First line of a program: it sets its clock. */
const INTO_THE_PAST = `Date.now = () => ${PAST};`;

const OPEN = "const store = openDataStore({ filename: process.argv[1], backup: false });";

/** Waits until the row that has expired by every clock is gone: then the purge has been there. */
const UNTIL_PURGED = `
	const keys = async () => (await store.sqlite.all("SELECT key FROM __rootapp_kv ORDER BY key")).map(({ key }) => key);
	while ((await keys()).includes("long ago")) await new Promise((resolve) => setTimeout(resolve, 20));
`;

const keysIn = async (filename) =>
	(await raw(filename, "select key from __rootapp_kv order by key")).map(({ key }) => key);

/** A file with rows that expire: long ago, in the hour after `PAST`, and never. */
async function filledFile() {
	const filename = temporaryFile();
	await runModule(
		`${INTO_THE_PAST} ${OPEN}
		await store.appData.set([
			{ key: "long ago", value: 1, expiresAt: 1 },
			{ key: "soon", value: 1, expiresAt: ${PAST + 3_600_000} },
			{ key: "soon, in a community", value: 1, expiresAt: ${PAST + 3_600_000}, communityId: "c" },
			{ key: "never", value: 1 },
		]);
		await store.close();`,
		{ args: [filename] },
	);
	return filename;
}

test("with a clock in the past, what is live by it is kept and read", async () => {
	const filename = await filledFile();
	const read = await runModuleForJson(
		`${INTO_THE_PAST} ${OPEN}
		${UNTIL_PURGED}
		console.log(JSON.stringify([await keys(), await store.appData.get("soon")]));
		await store.close();`,
		{ args: [filename] },
	);
	expect(read).toEqual([["never", "soon", "soon, in a community"], 1]);
	expect(await keysIn(filename)).toEqual(["never", "soon", "soon, in a community"]);
});

test("with a clock in the future, what has not expired by the system's is kept", async () => {
	const filename = temporaryFile();
	const read = await runModuleForJson(
		`const now = Date.now();
		Date.now = () => now + 24 * 3_600_000;
		${OPEN}
		await store.appData.set([{ key: "long ago", value: 1, expiresAt: 1 }, { key: "today", value: 1, expiresAt: now + 3_600_000 }]);
		await store.close();
		const again = openDataStore({ filename: process.argv[1], backup: false });
		{
			const store = again;
			${UNTIL_PURGED}
			console.log(JSON.stringify([await keys(), await store.appData.get("today") ?? null]));
		}
		await again.close();`,
		{ args: [filename] },
	);
	expect(read).toEqual([["today"], null]);
});

test("the clock of a store that is closed counts no more, and neither does one of a worker that has ended", async () => {
	const filename = await filledFile();
	const worker = `
		import { openDataStore } from ${JSON.stringify(import.meta.resolve("rootcellar"))};
		import { workerData } from "node:worker_threads";
		${INTO_THE_PAST}
		await openDataStore({ filename: workerData, backup: false }).appData.get("soon");
	`;
	const read = await runModuleForJson(
		`import { Worker } from "node:worker_threads";
		import { once } from "node:events";
		const realNow = Date.now;
		${INTO_THE_PAST}
		const first = openDataStore({ filename: process.argv[1] + ".other", backup: false });
		await first.appData.get("a");
		await first.close();
		Date.now = realNow;
		const code = new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(worker)}));
		await once(new Worker(code, { workerData: process.argv[1] }), "exit");
		${OPEN}
		while ((await store.sqlite.all("SELECT key FROM __rootapp_kv")).length > 1) {
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		console.log(JSON.stringify(await store.sqlite.all("SELECT key FROM __rootapp_kv")));
		await store.close();`,
		{ args: [filename] },
	);
	expect(read).toEqual([{ key: "never" }]);
});
