"use strict";

// Writes 20 keys, and ends in some way: `write.cjs <package> <file> <way>`.

const [packageFolder, filename, way] = process.argv.slice(2);
const { openDataStore } = require(packageFolder);

const WAYS = {
	/** Stays until it is killed. */
	stay: () => setInterval(() => {}, 1_000),
	/** Calls `process.exit()` with a write that nobody waits for. */
	exit(store) {
		void store.appData.set({ key: "late", value: 1 });
		process.exit(3);
	},
	/** Runs out of work, with a write that nobody waits for. */
	end: (store) => void store.appData.set({ key: "late", value: 1 }),
	/** Fails, with a write that nobody waits for. */
	throw(store) {
		void store.appData.set({ key: "late", value: 1 });
		throw new Error("the bot's own");
	},
	/** Has a handler of its own. */
	handle(store) {
		process.on("SIGTERM", () => {
			void store.appData.set({ key: "late", value: 1 });
			process.exit(5);
		});
		setInterval(() => {}, 1_000);
	},
};

async function main() {
	const store = openDataStore({ filename, backup: { quiet: true } });
	const key = (n) => `k${String(n).padStart(2, "0")}`;
	await store.appData.set(Array.from({ length: 20 }, (_, n) => ({ key: key(n), value: n })));
	WAYS[way](store);
	// With the handlers in place.
	console.log("written");
}

void main();
