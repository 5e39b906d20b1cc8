"use strict";

const { CACHE_ENTRY_OVERHEAD_BYTES, CACHE_SCOPE_OVERHEAD_BYTES } = require("../base/limits.js");

/**
 * What a key holds: the JSON text of its value, `undefined` if there is none, and the expiry in milliseconds since 1970
 * UTC.
 *
 * @typedef {{ readonly text: string | undefined, readonly expiresAt: number | undefined }} Stored
 */

/**
 * What keys hold, as far as a number of bytes goes.
 *
 * Two generations: what is stored or used goes into the young one. When that is half of what is allowed, it becomes the
 * old one, and what was the old one until then is forgotten. So what is in use stays, at the cost of two lookups and
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
			this.old.delete(community, key);
		}
		const bytes = bytesOf(community, key, stored);
		if (bytes > this.generationBytes) {
			this.young.delete(community, key);
			return;
		}
		if (this.young.bytes + bytes > this.generationBytes) {
			this.old = this.young;
			this.old.delete(community, key);
			this.young = new Generation();
		}
		this.young.set(community, key, stored);
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 */
	delete(community, key) {
		this.young.delete(community, key);
		this.old.delete(community, key);
	}
}

class Generation {
	constructor() {
		this.bytes = 0;
		/** @type {Map<string, Stored>} */
		this.defaultScope = new Map();
		/** @type {Map<string, Map<string, Stored>>} */
		this.communities = new Map();
	}

	/**
	 * @param {string | undefined} community
	 */
	scope(community) {
		return community === undefined ? this.defaultScope : this.communities.get(community);
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 */
	get(community, key) {
		return this.scope(community)?.get(key);
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @param {Stored} stored
	 */
	set(community, key, stored) {
		let scope = this.scope(community);
		if (scope === undefined) {
			scope = new Map();
			this.communities.set(copyOf(/** @type {string} */ (community)), scope);
		}
		const before = scope.get(key);
		scope.set(before === undefined ? copyOf(key) : key, stored);
		this.bytes += bytesOf(community, key, stored) - (before === undefined ? 0 : bytesOf(community, key, before));
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 */
	delete(community, key) {
		const scope = this.scope(community);
		const stored = scope?.get(key);
		if (scope !== undefined && stored !== undefined) {
			scope.delete(key);
			this.bytes -= bytesOf(community, key, stored);
			if (community !== undefined && scope.size === 0) {
				this.communities.delete(community);
			}
		}
	}
}

/**
 * What an entry takes at most: V8 keeps a text with one or two bytes a unit. A community may have this entry alone.
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
 * A text that holds on to nothing else. One that was cut out of another keeps that in memory in V8; this one is cut out
 * of a text one unit longer.
 *
 * @param {string} text
 */
function copyOf(text) {
	return ` ${text}`.slice(1);
}

module.exports = { ReadCache };
