// Another program moves the expiry of a key after an update has looked at it, and before the batch is made up: in between the
// cache is asked for the key of the next update. `node kept-expiry.cjs <file>` prints as JSON what is read once the
// expiry that there was has passed, and what is in the file.

"use strict";

const Database = require("better-sqlite3");
const { openDataStore } = require("rootcellar");
const { CoherentCache } = require("../../../lib/cache/coherent-cache.js");

const [filename] = process.argv.slice(2);

async function main() {
	const { appData } = openDataStore({ filename, backup: false });
	const other = new Database(filename);
	const { get } = CoherentCache.prototype;
	const { before, past } = await import("../../helpers/time.mjs");
	const { moment } = await before(async (expiresAt) => {
		await appData.set([
			{ key: "a", value: 1, expiresAt },
			{ key: "b", value: 1 },
		]);
		await Promise.all([appData.get("a"), appData.get("b")]);
		CoherentCache.prototype.get = function (community, key) {
			if (key === "b") {
				CoherentCache.prototype.get = get;
				other.prepare("UPDATE __rootapp_kv SET expires_at = ? WHERE key = 'a'").run(expiresAt + 3_600_000);
			}
			return get.call(this, community, key);
		};
		await Promise.all([appData.update("a", (value = 1) => value + 1), appData.update("b", (value) => value + 1)]);
	});
	await past(moment);
	const stored = other.prepare("SELECT value FROM __rootapp_kv WHERE key = 'a'").pluck().get();
	console.log(JSON.stringify({ cached: await appData.get("a"), stored }));
	process.exit();
}

main();
