/** The maps of this process by folder, so that one that is opened again is what it was. */
const maps = new Map();

/**
 * Not a store but the limit of one: nothing that hands out a new object from JSON text behind a promise reads
 * faster.
 *
 * @type {import("./index.mjs").Driver}
 */
export const map = {
	id: "map",
	title: "Map (the limit)",
	packages: [],
	durability: "none: a Map of JSON text in memory",
	durable: false,
	load: async () => {},
	open: async (folder) => {
		if (!maps.has(folder)) maps.set(folder, new Map());
		/** @type {Map<string, string>} */
		const texts = maps.get(folder);
		const read = (/** @type {string} */ key) => {
			const text = texts.get(key);
			return text === undefined ? undefined : JSON.parse(text);
		};
		const write = (/** @type {string} */ key, /** @type {unknown} */ value) => {
			texts.set(key, JSON.stringify(value));
		};
		return {
			get: async (key) => read(key),
			set: async (key, value) => write(key, value),
			setMany: async (entries) => {
				for (const { key, value } of entries) write(key, value);
			},
			update: async (key, change) => write(key, change(read(key))),
			select: async (prefix) => {
				const found = [];
				for (const key of texts.keys()) {
					if (key.startsWith(prefix)) found.push({ key, value: read(key) });
				}
				return found;
			},
			close: async () => {},
		};
	},
};
