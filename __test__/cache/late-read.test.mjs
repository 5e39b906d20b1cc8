// A read that has to wait for a lock, and is answered in a later turn: by then the cache may know of a newer state.

import { createRequire } from "node:module";
import { expect, test } from "vitest";

const require = createRequire(import.meta.url);
const { OperationQueue } = require("../../lib/queue/queue.js");

/** A connection to a file that the test holds in its hands, behind the face of `Connection`. */
function fileInMemory(entries) {
	const words = new Uint32Array(12);
	const late = [];
	const stored = ({ key }) => ({ text: entries.get(key), expiresAt: undefined });
	return {
		isLocked: false,
		reads: 0,
		write(key, text) {
			entries.set(key, text);
			words[2]++;
		},
		/** Hands over what late reads have found. */
		answer: () => late.splice(0).forEach((callback) => void callback()),
		version: () => words,
		catchUp(knows) {
			if (knows.every((word, index) => word === words[index])) return "current";
			knows.set(words);
			return "changed";
		},
		read(addresses, _now, _isFileSeen, callback) {
			this.reads++;
			const found = addresses.map(stored);
			const answer = () => callback(found, () => undefined);
			if (this.isLocked) late.push(answer);
			else answer();
			return !this.isLocked;
		},
	};
}

function queueOn(connection) {
	const lazy = { state: "open", opened: connection, checkForeignCopies() {} };
	const queue = new OperationQueue(lazy, 1 << 20);
	queue.cache.attach(connection);
	const get = (key) =>
		new Promise((resolve, reject) => {
			queue.get({ community: undefined, key, parse: (text) => text && JSON.parse(text), resolve, reject });
		});
	return { get };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what it has found is not kept, as others may have written since", async () => {
	const file = fileInMemory(new Map([["k", '"before"']]));
	const { get } = queueOn(file);
	file.isLocked = true;
	const first = get("k");
	await turn();
	file.isLocked = false;
	file.write("k", '"after"');
	// The cache sees that others have written, and forgets what it knew; the first read is still under way.
	const second = get("other");
	await turn();
	file.answer();
	expect(await first).toBe("before");
	expect(await second).toBe(undefined);
	expect(await get("k")).toBe("after");
});

test("what a read finds at once is kept until others have written", async () => {
	const file = fileInMemory(new Map([["k", "1"]]));
	const { get } = queueOn(file);
	expect(await get("k")).toBe(1);
	for (let n = 0; n < 10; n++) expect(await get("k")).toBe(1);
	expect(file.reads).toBe(1);
	file.write("k", "2");
	expect(await get("k")).toBe(2);
	expect(file.reads).toBe(2);
});
