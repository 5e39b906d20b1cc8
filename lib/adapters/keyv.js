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
		// Keyv would reject with the error of one; as from `get`, that is a miss.
		return Promise.all(keys.map((key) => this.get(key).catch(() => undefined)));
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
		await this.dataStore.kv.deleteRange(rangeOf(this.prefix, this.namespace));
	}

	/** @param {string} [namespace] */
	async *iterator(namespace) {
		const range = rangeOf(this.prefix, namespace);
		/** @type {string | undefined} */
		let cursor;
		do {
			const page = await this.dataStore.kv.listKeys({ ...range, limit: PAGE_KEYS, cursor });
			const keys = page.entries.map((key) => key.slice(this.prefix.length));
			const values = await this.getMany(keys);
			for (const [index, value] of values.entries()) {
				if (value !== undefined) {
					yield [keys[index], value];
				}
			}
			cursor = page.cursor;
		} while (cursor !== undefined);
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
 * Range of the keys of a namespace, or of all.
 *
 * @param {string} prefix
 * @param {string | undefined} namespace
 */
function rangeOf(prefix, namespace) {
	return { prefix: namespace ? `${prefix}${namespace}:` : prefix };
}

module.exports = { KeyvRootcellar };
