"use strict";

require("rootcellar/register");
const { rootServer } = require("@rootsdk/server-bot");
const { dataStore } = require("rootcellar");

/** Uses what stands beside the SDK's appData, and reports. */
async function main() {
	const { appData, backups, kv, sqlite } = rootServer.dataStore;
	const restored = [];
	backups.on("restore", ({ reason }) => restored.push(reason));
	await sqlite.exec("CREATE TABLE IF NOT EXISTS visits (day INTEGER)");
	const visits = await sqlite.transaction(async (tx) => {
		await tx.run("INSERT INTO visits VALUES (?)", [1]);
		return tx.appData.update("visits", (count) => count + 1, 0);
	});
	const made = await backups.create();
	const [newest] = await backups.list();
	process.send({
		same: ["backups", "kv", "sqlite", "transaction"].every((name) => rootServer.dataStore[name] === dataStore[name]),
		visits,
		seen: await appData.get("visits"),
		hasKey: await kv.has("visits"),
		rows: (await sqlite.get("SELECT count(*) AS n FROM visits")).n,
		isBackedUp: newest.id === made.id,
		state: backups.status().state,
		restored,
	});
	await dataStore.close();
}

main();
