"use strict";

const { Module } = require("node:module");

/**
 * True if Node itself has loaded this file. In a bundle there is nothing to gain from loading a part later; and a test runner
 * that has modules of its own (Jest) may by then have forgotten those that it has loaded, or be done.
 */
const isLoadedByNode = typeof module === "object" && module instanceof Module;

/**
 * A module that is loaded when it is first used.
 *
 * @template T
 * @param {() => T} load calls `require`
 * @returns {() => T}
 */
function atFirstUse(load) {
	/** @type {T | undefined} */
	let loaded = isLoadedByNode ? undefined : load();
	return () => {
		loaded ??= load();
		return loaded;
	};
}

/**
 * An object that is made when it is first used. From then on it has the very properties that it was made with.
 *
 * @template {object} T
 * @param {readonly (string | symbol)[]} names its properties
 * @param {() => T} make
 * @returns {T}
 */
function objectAtFirstUse(names, make) {
	if (!isLoadedByNode) {
		return make();
	}
	const object = /** @type {any} */ ({});
	const become = () => Object.defineProperties(object, Object.getOwnPropertyDescriptors(make()));
	for (const name of names) {
		Object.defineProperty(object, name, {
			get: () => become()[name],
			set: (value) => {
				become()[name] = value;
			},
			enumerable: true,
			configurable: true,
		});
	}
	return object;
}

module.exports = { atFirstUse, objectAtFirstUse };
