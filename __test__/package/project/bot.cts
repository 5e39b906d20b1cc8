// A bot in TypeScript, compiled to CommonJS. Prints what it saw as JSON.

import { openDataStore } from "rootcellar";

import rootcellar = require("rootcellar");

async function main(): Promise<void> {
	await using store = openDataStore({ filename: process.env.BOT_FILE, backup: false });
	await store.appData.set({ key: "motd", value: "hello" });
	const values: string[] = await store.appData.selectValue<string>("motd");
	console.log(JSON.stringify({ values, same: rootcellar.openDataStore === openDataStore }));
}

main();
