"use strict";

/**
 * Map by the address of a key: a `Map` for the default scope, and one for each community that has any keys.
 *
 * @template T
 */
class ScopedMap {
	/**
	 * @param {(text: string) => string} [own] makes of a new key or community the text to keep
	 */
	constructor(own = itself) {
		this.own = own;
		/** @type {Map<string, T>} */
		this.defaultScope = new Map();
		/** @type {Map<string, Map<string, T>>} */
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
	 * @param {T} value
	 * @returns {T | undefined} the value that it replaces
	 */
	replace(community, key, value) {
		let scope = this.scope(community);
		if (scope === undefined) {
			scope = new Map();
			this.communities.set(this.own(/** @type {string} */ (community)), scope);
		}
		const before = scope.get(key);
		scope.set(before === undefined ? this.own(key) : key, value);
		return before;
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @returns {T | undefined} the value that was there
	 */
	delete(community, key) {
		const scope = this.scope(community);
		const before = scope?.get(key);
		if (scope !== undefined && before !== undefined) {
			scope.delete(key);
			if (community !== undefined && scope.size === 0) {
				this.communities.delete(community);
			}
		}
		return before;
	}
}

/**
 * @param {string} text
 */
function itself(text) {
	return text;
}

module.exports = { ScopedMap };
