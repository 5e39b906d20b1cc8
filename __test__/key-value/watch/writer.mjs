// A process that writes keys at random: `node writer.mjs <library> <file> <name>`, started with a channel for messages. It says
// "ready", and writes for each `{ count, seed }` until it says "done". The keys that begin with its name are its own, and of the
// writes for one message each has a greater number.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [library, filename, name] = process.argv.slice(2);

const LIBRARIES = {
	rootcellar: async () => {
		const { openDataStore } = await import("rootcellar");
		const { appData, close } = openDataStore({ filename, backup: false });
		return { ...appData, close };
	},
	sdk: async () => {
		Object.assign(process.env, { COMMUNITY_ID: "WiJn1KM1f5eB9A9RzVwVLw", DEV_TOKEN: "none" });
		process.env.DATABASE_CONFIG = JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } });
		const { appData } = require("@rootsdk/server-bot").rootServer.dataStore;
		return {
			set: (entries) => appData.set(entries),
			update: (...args) => appData.update(...args),
			delete: (key) => appData.delete(key),
			close: async () => {},
		};
	},
	"better-sqlite3": async () => {
		const database = new (require("better-sqlite3"))(filename, { timeout: 10_000 });
		const remove = database.prepare("DELETE FROM __rootapp_kv WHERE community_id IS NULL AND key = ?");
		const insert = database.prepare("INSERT INTO __rootapp_kv (key, value, expires_at) VALUES (?, ?, ?)");
		const change = database.prepare("UPDATE __rootapp_kv SET value = ? WHERE community_id IS NULL AND key = ?");
		const set = database.transaction((entries) => {
			for (const { key, value, expires_at = null } of entries) {
				if (expires_at !== null || change.run(JSON.stringify(value), key).changes === 0) {
					remove.run(key);
					insert.run(key, JSON.stringify(value), expires_at);
				}
			}
		});
		return {
			set: async (entries) => set.immediate([entries].flat()),
			update: async (key, _, value) => set.immediate([{ key, value }]),
			delete: async (key) => remove.run(key),
			close: async () => database.close(),
		};
	},
};

let state = 0;
const random = (below) => {
	state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
	return (state >>> 8) % below;
};

const store = await LIBRARIES[library]();

async function write(count) {
	for (let n = 1; n <= count; n++) {
		const own = `${name}:${random(30)}`;
		const shared = `shared:${random(30)}`;
		// Some values have pages of their own.
		const value = () => ({ n, text: "x".repeat(random(10) === 0 ? random(20_000) : random(50)) });
		const operations = [
			() => store.set({ key: own, value: value() }),
			() => store.set({ key: shared, value: value() }),
			() =>
				store.set([
					{ key: own, value: value() },
					{ key: shared, value: value() },
					{ key: `${name}:last`, value: { n } },
				]),
			() => store.update(shared, () => value(), value()),
			() => store.delete(random(2) ? own : shared),
			() => store.set({ key: shared, value: value(), expires_at: Date.now() + random(300) }),
		];
		try {
			await operations[random(operations.length)]();
		} catch (error) {
			if (!/BUSY|locked/.test(`${error.code} ${error.message}`)) throw error;
		}
		if (random(5) === 0) await new Promise((resolve) => setTimeout(resolve, random(8)));
	}
}

process.on("message", async ({ count, seed }) => {
	state = seed;
	await write(count);
	process.send("done");
});
process.once("disconnect", async () => {
	await store.close();
	process.exit(0);
});
process.send("ready");
