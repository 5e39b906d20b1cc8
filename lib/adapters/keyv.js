"use strict";

/*
 * `rootcellar/keyv`: a storage adapter that keeps what Keyv caches in the key-value store.
 */

require("../process/require-in-module.js");
const { EventEmitter } = require("node:events");
const { invalidArgument } = require("../base/errors.js");
const { TIME_MS_MAX } = require("../base/limits.js");
const { checkAdapterOptions } = require("./options.js");

/** Number of keys that {@link KeyvRootcellar.iterator} reads ahead. */
const PAGE_KEYS = 200;

// A range, for `LIKE`, and with it `deleteLike`, ignores case, by which namespaces may differ.
const DELETE_RANGE = "DELETE FROM __rootapp_kv WHERE community_id IS NULL AND key >= ? AND key < ?";
const KEYS_OF_RANGE = `SELECT DISTINCT key FROM __rootapp_kv WHERE community_id IS NULL AND key >= ? AND key < ?
	ORDER BY key LIMIT ${PAGE_KEYS}`;

/**
 * Storage adapter, documented in `keyv.d.ts`. Keyv puts the namespace before each key, as `namespace:key`; this puts its own
 * prefix before that, and leaves the bot's other keys alone.
 */
class KeyvRootcellar extends EventEmitter {
	/**
	 * @param {any} [options]
	 */
	constructor(options = {}) {
		super();
		const { dataStore, prefix = "keyv:" } = checkAdapterOptions(options, "options", ["prefix"]);
		if (typeof prefix !== "string" || !prefix.endsWith(":")) {
			throw invalidArgument("options.prefix", 'must be a string that ends with ":"');
		}
		/** @type {import("../..").DataStore} */
		this.dataStore = dataStore;
		this.prefix = prefix;
		/** Keyv iterates over adapters of the dialects that it knows. */
		this.opts = { dialect: "sqlite", prefix };
		/** @type {string | undefined} set by Keyv */
		this.namespace = undefined;
	}

	/** @param {string} key */
	async get(key) {
		try {
			return await this.dataStore.appData.get(this.prefix + key);
		} catch (error) {
			// Keyv treats the error as a miss, and does not report it.
			this.emit("error", error);
			throw error;
		}
	}

	/** @param {string[]} keys */
	getMany(keys) {
		return Promise.all(keys.map((key) => this.dataStore.appData.get(this.prefix + key)));
	}

	/**
	 * @param {string} key
	 * @param {any} value
	 * @param {number} [ttl] milliseconds
	 */
	async set(key, value, ttl) {
		await this.dataStore.appData.set({ key: this.prefix + key, value, expiresAt: expiryOf(ttl) });
		return true;
	}

	/**
	 * @param {string} key
	 * @returns {Promise<boolean>} whether there was one
	 */
	async delete(key) {
		// Issued together, so that nothing of this store comes between them.
		const [existed] = await Promise.all([this.has(key), this.dataStore.appData.delete(this.prefix + key)]);
		return existed;
	}

	/** @param {string} key */
	async has(key) {
		return (await this.dataStore.appData.get(this.prefix + key)) !== undefined;
	}

	/** @param {string[]} keys */
	hasMany(keys) {
		return Promise.all(keys.map((key) => this.has(key)));
	}

	async clear() {
		await this.dataStore.sqlite.run(DELETE_RANGE, rangeOf(this.prefix, this.namespace));
	}

	/** @param {string} [namespace] */
	async *iterator(namespace) {
		let [from, end] = rangeOf(this.prefix, namespace);
		for (;;) {
			/** @type {[string][]} */
			const rows = await this.dataStore.sqlite.all(KEYS_OF_RANGE, [from, end], { rowMode: "array" });
			const keys = rows.map(([key]) => key.slice(this.prefix.length));
			const values = await this.getMany(keys);
			for (const [index, value] of values.entries()) {
				if (value !== undefined) {
					yield [keys[index], value];
				}
			}
			const last = rows.at(-1);
			if (!last || rows.length < PAGE_KEYS) {
				return;
			}
			// The first that can come after it.
			from = `${last[0]}\0`;
		}
	}

	/** Leaves the store open, because it is not the adapter's alone. */
	async disconnect() {}
}

/**
 * @param {number | undefined} ttl milliseconds
 * @returns {number | undefined} milliseconds since 1970 UTC; `undefined` for a time beyond every date
 */
function expiryOf(ttl) {
	if (ttl === undefined) {
		return undefined;
	}
	const expiresAt = Date.now() + ttl;
	return expiresAt <= TIME_MS_MAX ? expiresAt : undefined;
}

/**
 * Range of the keys of a namespace, or of all: from the first bound, up to but without the second. The first ends with the
 * colon of the prefix or namespace, the second with the next character in its place.
 *
 * @param {string} prefix
 * @param {string | undefined} namespace
 * @returns {[string, string]}
 */
function rangeOf(prefix, namespace) {
	const start = namespace ? `${prefix}${namespace}:` : prefix;
	return [start, `${start.slice(0, -1)};`];
}

module.exports = { KeyvRootcellar };
