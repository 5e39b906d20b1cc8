"use strict";

const { ScopedMap } = require("../base/scoped-map.js");

/**
 * @typedef {import("./writes.js").KeyChange} KeyChange
 */

/**
 * The last change of each key that is issued and not on disk.
 *
 * Each lies in a place of its own, which is emptied when it leaves. A `Map` in which keys come and go makes itself anew
 * every thousand keys or so. Until the next full collection of garbage, the tables that it leaves behind count as alive,
 * with all that they hold.
 */
class LatestChanges {
	constructor() {
		/** @type {InstanceType<typeof ScopedMap<Place>>} */
		this.places = new ScopedMap();
	}

	/**
	 * @param {string | undefined} community
	 */
	hasAny(community) {
		return (this.places.scope(community)?.size ?? 0) > 0;
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 */
	get(community, key) {
		return this.places.get(community, key)?.change;
	}

	/**
	 * Adds the last change of its key.
	 *
	 * @param {KeyChange} change
	 * @returns {KeyChange | undefined} the one that was the last
	 */
	add(change) {
		const place = this.places.replace(change.community, change.key, new Place(change));
		const before = place?.change;
		if (place !== undefined) {
			place.change = undefined;
		}
		return before;
	}

	/**
	 * Removes a change, if it is the last of its key.
	 *
	 * @param {KeyChange} change
	 * @param {KeyChange | undefined} before the one that is the last then, if there is any
	 */
	remove(change, before) {
		const { community, key } = change;
		const place = this.places.get(community, key);
		if (place?.change !== change) {
			return;
		}
		place.change = before;
		if (before === undefined) {
			this.places.delete(community, key);
		}
	}
}

class Place {
	/**
	 * @param {KeyChange} change
	 */
	constructor(change) {
		/** @type {KeyChange | undefined} */
		this.change = change;
	}
}

module.exports = { LatestChanges };
