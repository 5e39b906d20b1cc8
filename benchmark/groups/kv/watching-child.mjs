// A process that writes keys when it is told to, and says when they were committed.

import { openDataStore } from "rootcellar";

const [filename] = process.argv.slice(2);
const store = openDataStore({ filename, backup: false });
await store.appData.get("");

process.on("message", async (/** @type {{ key: string, value: unknown }} */ entry) => {
	await store.appData.set(entry);
	process.send?.({ committedAt: performance.timeOrigin + performance.now() });
});
process.on("disconnect", () => void store.close());
process.send?.({ committedAt: 0 });
