import { join } from "node:path";
import { createKeyQueue } from "../lib/key-queue.mjs";
import { endOfPrefix } from "../lib/prefix.mjs";

/**
 * LevelDB. It has batches but no transactions: an update is a read and a write that wait for their predecessor on
 * the same key, and is atomic only within the process.
 *
 * @type {import("./index.mjs").Driver}
 */
export const classicLevel = {
	id: "classic-level",
	title: "classic-level",
	packages: ["classic-level"],
	durability: "sync: true: on disk when the promise resolves",
	durable: true,
	load: () => import("classic-level"),
	open: async (folder) => {
		const { ClassicLevel } = await import("classic-level");
		/** @type {import("classic-level").ClassicLevel<string, any>} */
		const db = new ClassicLevel(join(folder, "level"), { valueEncoding: "json" });
		await db.open();
		const oneAfterAnother = createKeyQueue();
		const sync = { sync: true };
		return {
			get: (key) => db.get(key),
			set: (key, value) => db.put(key, value, sync),
			setMany: (entries) =>
				db.batch(
					entries.map(({ key, value }) => ({ type: /** @type {const} */ ("put"), key, value })),
					sync,
				),
			update: (key, change) =>
				oneAfterAnother(key, async () => {
					const value = change(await db.get(key));
					await db.put(key, value, sync);
					return value;
				}),
			select: async (prefix) => {
				const found = await db.iterator({ gte: prefix, lt: endOfPrefix(prefix) }).all();
				return found.map(([key, value]) => ({ key, value }));
			},
			close: () => db.close(),
		};
	},
};
