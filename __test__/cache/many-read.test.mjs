// A read of several keys takes what is cached and looks the rest up: the two must be of one moment.

import { createRequire } from "node:module";
import { expect, test } from "vitest";

const { OperationQueue } = createRequire(import.meta.url)("../../lib/queue/queue.js");

/** A file in memory with the connection to it. Another program writes what `beforeLookup` says, right before a lookup. */
function fileInMemory(entries) {
	const words = new Uint32Array(12).fill(1);
	const stored = (key) => ({ text: entries.get(key), expiresAt: undefined });
	return {
		beforeLookup: () => {},
		lookups: [],
		snapshots: [],
		write(changes) {
			for (const [key, text] of changes) entries.set(key, text);
			words[2]++;
		},
		version: () => words,
		catchUp(knows) {
			if (knows.every((word, index) => word === words[index])) return "current";
			knows.set(words);
			return "changed";
		},
		readAtOnce(addresses) {
			this.beforeLookup();
			this.lookups.push(addresses.map(({ key }) => key));
			return addresses.map(({ key }) => stored(key));
		},
		values(_community, keys, _now, { slice }) {
			this.snapshots.push(keys);
			const found = keys.map((key, index) => [entries.get(key), index]).filter(([text]) => text !== undefined);
			const json = `[[${found.map(([text]) => text)}],[],[],[${found.map(([, index]) => index)}]]`;
			slice({ json }, true);
			return true;
		},
	};
}

function queueOn(connection) {
	const queue = new OperationQueue({ state: "open", opened: connection, checkForeignCopies() {} }, 1 << 20);
	queue.cache.attach(connection);
	return (keys) =>
		new Promise((resolve, reject) => {
			queue.getMany({ community: undefined, keys, resolve, reject });
		});
}

const BOTH = new Map([
	["a", "1"],
	["b", "1"],
]);

test("what is not cached is looked up together, and then cached", async () => {
	const file = fileInMemory(new Map(BOTH));
	const getMany = queueOn(file);
	expect(await getMany(["a"])).toEqual([1]);
	expect(await getMany(["a", "b", "c"])).toEqual([1, 1, undefined]);
	expect(await getMany(["c", "b", "a"])).toEqual([undefined, 1, 1]);
	expect(file.lookups).toEqual([["a"], ["b", "c"]]);
	expect(file.snapshots).toEqual([]);
});

test("if somebody writes between the two, one snapshot answers everything", async () => {
	const file = fileInMemory(new Map(BOTH));
	const getMany = queueOn(file);
	await getMany(["a"]);
	file.beforeLookup = () => file.write([...BOTH.keys()].map((key) => [key, "2"]));
	expect(await getMany(["a", "b"])).toEqual([2, 2]);
	expect(file.snapshots).toEqual([["a", "b"]]);
	file.beforeLookup = () => {};
	expect(await getMany(["a", "b"])).toEqual([2, 2]);
});

test("where nothing is cached the lookup is of one moment by itself", async () => {
	const file = fileInMemory(new Map(BOTH));
	const getMany = queueOn(file);
	file.beforeLookup = () => file.write([...BOTH.keys()].map((key) => [key, "2"]));
	expect(await getMany(["a", "b"])).toEqual([2, 2]);
	expect(file.snapshots).toEqual([]);
});

test("what cannot be looked up at once is read from a snapshot", async () => {
	const file = fileInMemory(new Map(BOTH));
	const getMany = queueOn(file);
	file.readAtOnce = () => undefined;
	expect(await getMany(["b", "c", "a"])).toEqual([1, undefined, 1]);
	expect(file.snapshots).toEqual([["b", "c", "a"]]);
});
