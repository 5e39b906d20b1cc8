"use strict";

const { liveText } = require("../../base/key-entry.js");
const { decode } = require("../../base/json.js");
const { MANY_READ_INLINE_MAX, READ_COST } = require("../../base/limits.js");

/**
 * @typedef {InstanceType<typeof import("../../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {InstanceType<typeof import("../../native/lazy-connection.js").LazyConnection>} LazyConnection
 * @typedef {import("../../base/key-entry.js").Address} Address
 */

/**
 * Read of several keys of one scope, all as of one moment.
 *
 * @typedef {object} ManyRead
 * @property {string | undefined} community
 * @property {string[]} keys
 * @property {(values: any[]) => void} resolve with a value for each key
 * @property {(error: unknown) => void} reject
 */

/**
 * Reads of several keys at once: from the cache and, what is not there, in one lookup; or all of them from one snapshot on
 * a reader's thread, where the two would not be of one moment, or where it would take long.
 */
class ManyReads {
	/**
	 * @param {LazyConnection} connection
	 * @param {CoherentCache} cache
	 */
	constructor(connection, cache) {
		this.connection = connection;
		this.cache = cache;
	}

	/**
	 * @param {ManyRead} read
	 * @param {() => void} started called only if the snapshot was not taken when this returned
	 * @returns {boolean} whether it is done, or its snapshot is taken
	 */
	start(read, started) {
		try {
			return this.readNow(read) || this.readLater(read, started);
		} catch (error) {
			// A value that is not JSON.
			read.reject(error);
			return true;
		}
	}

	/**
	 * Answers from the cache, if that has every key.
	 *
	 * @param {ManyRead} read
	 * @returns {boolean} whether it did
	 */
	answerFromCache(read) {
		if (this.cache.isSpent || this.cache.validity() === "unknown") {
			return false;
		}
		const { community, keys } = read;
		const { entries } = this.cache;
		const now = Date.now();
		const values = new Array(keys.length);
		for (let index = 0; index < keys.length; index++) {
			const key = /** @type {string} */ (keys[index]);
			const stored = entries.get(community, key);
			if (stored === undefined) {
				return false;
			}
			values[index] = decode(liveText(stored, now), key);
		}
		this.cache.spend(keys.length);
		read.resolve(values);
		return true;
	}

	/**
	 * @param {ManyRead} read
	 * @returns {boolean} whether it is done
	 */
	readNow({ community, keys, resolve }) {
		if (this.connection.isLease || this.connection.isRemote) {
			return false;
		}
		const { cache } = this;
		const isCached = cache.validity() !== "unknown";
		const { foreignChanges } = cache;
		const now = Date.now();
		/** @type {Address[]} */
		const missed = [];
		/** @type {(string | undefined)[]} */
		const texts = [];
		/** @type {number[]} */
		const places = [];
		for (const [index, key] of keys.entries()) {
			const stored = isCached ? cache.entries.get(community, key) : undefined;
			if (stored === undefined) {
				missed.push({ community, key });
				places.push(index);
			}
			texts.push(stored && liveText(stored, now));
		}
		cache.spend(keys.length + READ_COST * missed.length);
		if (missed.length > MANY_READ_INLINE_MAX) {
			return false;
		}
		if (missed.length > 0) {
			const found = this.connection.opened.readAtOnce(missed, now, cache.isFileSeen);
			if (found === undefined) {
				return false;
			}
			for (const [index, stored] of found.entries()) {
				cache.fill(/** @type {Address} */ (missed[index]), stored);
				texts[/** @type {number} */ (places[index])] = liveText(stored, now);
			}
			// The cached values are of the moment of those that were read only if nobody has written in between.
			if (missed.length < keys.length && !cache.isSoleWriterSince(foreignChanges)) {
				return false;
			}
		}
		resolve(texts.map((text, index) => decode(text, /** @type {string} */ (keys[index]))));
		return true;
	}

	/**
	 * @param {ManyRead} read
	 * @param {() => void} started
	 * @returns {boolean} whether the snapshot is taken
	 */
	readLater({ community, keys, resolve, reject }, started) {
		/** @type {any[]} */
		const found = [];
		const slice = (/** @type {{ json: string }} */ { json }, /** @type {boolean} */ last) => {
			const [values, , , places] = JSON.parse(json);
			for (const value of values) {
				found.push(value);
			}
			if (last) {
				const all = new Array(keys.length).fill(undefined);
				for (const [index, place] of places.entries()) {
					all[place] = found[index];
				}
				resolve(all);
			}
		};
		return this.connection.opened.values(community, keys, Date.now(), { slice, reject }, started);
	}
}

module.exports = { ManyReads };
