// A store on a disk that is mounted read-only and writable again: `node read-only-disk.mjs mounted <folder>`.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { openDataStore } from "rootcellar";

const [kind, folder] = process.argv.slice(2);
const filename = join(folder, "store.sqlite3");
const open = () => openDataStore({ filename, backup: false });
const end = (promise) =>
	promise.then(
		() => "done",
		(error) => error.code,
	);

/** Mounts the disk again with an option; tells whether that worked. */
function remount(option) {
	return spawnSync("mount", ["-o", `remount,${option}`, folder]).status === 0;
}

if (kind === "prepare") {
	const store = open();
	await store.appData.set({ key: "a", value: "before" });
	if (remount("ro")) throw new Error("a disk with an open store was mounted read-only");
	await store.close();
	process.exit();
}

// In a process of its own: a disk that anything is open on for writing stays writable.
const { status, stderr } = spawnSync(process.execPath, [process.argv[1], "prepare", folder], { encoding: "utf8" });
if (status !== 0) throw new Error(stderr);
if (!remount("ro")) throw new Error("the disk could not be mounted read-only");
const store = open();
const { appData } = store;
const message = await appData.get("a").then(String, (error) => error.message);
const readOnly = [];
for (const operation of [
	() => appData.set({ key: "k", value: 1 }),
	() => appData.set([{ key: "k", value: 1 }]),
	() => appData.update("k", () => 1, 1),
	() => appData.delete("k"),
	() => appData.deleteLike("%"),
	() => appData.get("k"),
	() => appData.select("%"),
	() => appData.selectValue("%"),
]) {
	readOnly.push(await end(operation()));
}
remount("rw");
await appData.set({ key: "b", value: "after" });
const afterwards = await appData.selectValue("%");
await store.close();
console.log(JSON.stringify({ message, readOnly, afterwards }));
