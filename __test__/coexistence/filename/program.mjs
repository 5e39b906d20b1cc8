// A bot that keeps notes with another library, in the file that its store names. It prints what each of them sees.

import { dataStore } from "rootcellar";
import { libraries } from "./libraries.mjs";

const { name, argument, count } = JSON.parse(process.argv[2]);
const { appData, config, sqlite } = dataStore;

const warnings = [];
process.on("warning", (warning) => warnings.push(warning.message));

await appData.set({ key: "before", value: true });
const library = await libraries[name](config.sqlite3.filename, argument);

async function addNotes() {
	for (let index = 0; index < count; index++) await library.add(`note ${index}`);
}

async function setKeys(prefix) {
	for (let index = 0; index < count; index++) await appData.set({ key: `${prefix} ${index}`, value: index });
}

await Promise.all([addNotes(), setKeys("beside")]);
await library.addTogether(["together 1", "together 2"]);
const refusal = await library.addTogether(["lost", null]).catch((error) => error);
await sqlite.run("INSERT INTO notes (text) VALUES (?)", "ours");

const report = {
	refusal: String(refusal.message),
	texts: await library.texts(),
	textsOfStore: (await sqlite.all("SELECT text FROM notes ORDER BY id")).map(({ text }) => text),
	keys: await library.keys(),
	keysOfStore: (await appData.select("%")).map(({ key }) => key).sort(),
};

// Closing a connection must not release the locks of the others in the process.
await Promise.all([library.close(), setKeys("while closing")]);
await setKeys("after");
await dataStore.close();
console.log(JSON.stringify({ ...report, warnings }));
