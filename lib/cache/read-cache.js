"use strict";

const { CACHE_ENTRY_OVERHEAD_BYTES, CACHE_SCOPE_OVERHEAD_BYTES } = require("../base/limits.js");
const { ScopedMap } = require("../base/scoped-map.js");

/**
 * @typedef {import("../base/key-entry.js").Stored} Stored
 */

/**
 * Values of keys, bounded in bytes.
 *
 * There are two generations. Values that are stored or used go into the young one. When that has half of the bytes
 * allowed, it becomes the old one, and the old one is forgotten. So values in use stay, at the cost of two lookups and
 * without a list to keep in order.
 */
class ReadCache {
	/**
	 * @param {number} limitBytes
	 */
	constructor(limitBytes) {
		this.generationBytes = limitBytes / 2;
		this.young = new Generation();
		this.old = new Generation();
	}

	get isEmpty() {
		return this.young.bytes === 0 && this.old.bytes === 0;
	}

	clear() {
		this.young = new Generation();
		this.old = new Generation();
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @returns {Stored | undefined}
	 */
	get(community, key) {
		const stored = this.young.get(community, key);
		if (stored !== undefined) {
			return stored;
		}
		const older = this.old.get(community, key);
		if (older !== undefined) {
			this.set(community, key, older);
		}
		return older;
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @param {Stored} stored
	 */
	set(community, key, stored) {
		if (this.old.bytes > 0) {
			this.old.remove(community, key);
		}
		const bytes = bytesOf(community, key, stored);
		if (bytes > this.generationBytes) {
			this.young.remove(community, key);
			return;
		}
		if (this.young.bytes + bytes > this.generationBytes) {
			this.old = this.young;
			this.old.remove(community, key);
			this.young = new Generation();
		}
		this.young.add(community, key, stored, bytes);
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 */
	delete(community, key) {
		this.young.remove(community, key);
		this.old.remove(community, key);
	}
}

/** @extends {ScopedMap<Stored>} */
class Generation extends ScopedMap {
	constructor() {
		super(copyOf);
		this.bytes = 0;
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @param {Stored} stored
	 * @param {number} bytes that it takes
	 */
	add(community, key, stored, bytes) {
		const before = this.replace(community, key, stored);
		this.bytes += bytes - (before === undefined ? 0 : bytesOf(community, key, before));
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 */
	remove(community, key) {
		const before = this.delete(community, key);
		if (before !== undefined) {
			this.bytes -= bytesOf(community, key, before);
		}
	}
}

/**
 * Upper bound of the memory of an entry: V8 keeps a text with one or two bytes a unit. A community may have this entry
 * alone.
 *
 * @param {string | undefined} community
 * @param {string} key
 * @param {Stored} stored
 */
function bytesOf(community, key, { text }) {
	const units = key.length + (text?.length ?? 0) + (community?.length ?? 0);
	return 2 * units + CACHE_ENTRY_OVERHEAD_BYTES + (community === undefined ? 0 : CACHE_SCOPE_OVERHEAD_BYTES);
}

/**
 * Copy of a text that keeps no other text in memory, as one that was cut out of another does in V8. The copy lies in one
 * piece itself, or each lookup in a `Map` that meets it would leave V8's fast path and take half as long again.
 *
 * @param {string} text
 */
function copyOf(text) {
	const half = text.length >> 1;
	const copy = text.slice(0, half) + text.slice(half);
	// Makes one piece of the two.
	copy.charCodeAt(0);
	return copy;
}

module.exports = { ReadCache };
